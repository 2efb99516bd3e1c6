/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/s3_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#include "auth/sign_request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/memory.h"
#include "base/xml_reader.h"

#include "base/banned.h"

/* An answer that is not an object: a page of a listing, an error.  More is refused. */
#define S3_CLIENT_BODY_BYTES_MAX ((size_t)16 << 20)
#define S3_CLIENT_CONNECT_TIMEOUT_S 10L
/* Slower than this for so long: the server hangs. */
#define S3_CLIENT_STALL_BYTES_PER_S 1L
#define S3_CLIENT_STALL_S 120L

struct s3_client {
    CURL *curl;
    const struct cli_options *options;
    struct bytes base;   /* scheme://host:port, no slash at the end; view into options */
    struct bytes host;   /* host:port */
    struct bytes prefix; /* path that the endpoint itself has, or empty */
};

/* One transfer. */
struct transfer {
    const struct s3_client_request *request;
    struct s3_client_response *response;
    struct arena *arena;
    struct buffer body;
    uint64_t sent;
    uint64_t received;
    long status;
    const char *failure; /* why a callback gave up */
    CURL *curl;
};

enum status
s3_client_create(const struct cli_options *options, struct s3_client **ret_client,
                 struct error *err)
{
    struct bytes endpoint = bytes_of_string(options->endpoint);
    size_t scheme_end = bytes_find(endpoint, 0, BYTES_LITERAL("://"));
    struct s3_client *client;
    size_t path;

    while (endpoint.size > 0 && endpoint.data[endpoint.size - 1] == '/') {
        endpoint.size--;
    }
    if (scheme_end == SIZE_MAX || (!bytes_has_prefix(endpoint, BYTES_LITERAL("http://")) &&
                                   !bytes_has_prefix(endpoint, BYTES_LITERAL("https://")))) {
        return fail(err, ST_INVALID, "'%s' is no endpoint; it looks like http://127.0.0.1:8080",
                    options->endpoint);
    }
    path = bytes_find_char(endpoint, scheme_end + 3, '/');
    path = path != SIZE_MAX ? path : endpoint.size;
    client = xcalloc(1, sizeof(*client));
    client->options = options;
    client->base = bytes_slice(endpoint, 0, path);
    client->host = bytes_slice(endpoint, scheme_end + 3, path);
    client->prefix = bytes_slice(endpoint, path, endpoint.size);
    client->curl = curl_easy_init();
    CHECK(client->curl != NULL);
    *ret_client = client;
    return ST_OK;
}

void
s3_client_destroy(struct s3_client **take_client)
{
    if (*take_client != NULL) {
        curl_easy_cleanup((*take_client)->curl);
        free(*take_client);
        *take_client = NULL;
    }
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t total = size * count;

    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &transfer->status);
    if (!transfer->request->has_output_file || transfer->status / 100 != 2) {
        if (transfer->body.size + total > S3_CLIENT_BODY_BYTES_MAX) {
            transfer->failure = "the answer is too large";
            return 0;
        }
        buffer_append(&transfer->body, data, total);
        return total;
    }
    for (size_t done = 0; done < total;) {
        ssize_t written = write(transfer->request->output_fd, data + done, total - done);

        if (written < 0 && errno != EINTR) {
            transfer->failure = "the file cannot be written";
            return 0;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    transfer->received += total;
    if (transfer->request->progress != NULL) {
        progress_update(transfer->request->progress,
                        transfer->request->progress_base + transfer->received);
    }
    return total;
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    struct s3_client_response *response = transfer->response;
    struct bytes line = bytes_of(data, size * count);
    struct bytes name;
    char *lower;

    if (bytes_has_prefix(line, BYTES_LITERAL("HTTP/"))) {
        response->header_count = 0; /* after a 100 Continue the real answer begins */
    } else if (bytes_find_char(line, 0, ':') != SIZE_MAX &&
               response->header_count < S3_CLIENT_HEADER_MAX) {
        name = bytes_cut(&line, ':');
        lower = arena_string(transfer->arena, name);
        for (char *c = lower; *c != '\0'; c++) {
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        }
        while (line.size > 0 &&
               (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == '\n')) {
            line.size--;
        }
        response->headers[response->header_count].name = bytes_of_string(lower);
        response->headers[response->header_count].value =
            arena_copy(transfer->arena, bytes_trim(line));
        response->header_count++;
    }
    return size * count;
}

static size_t
on_read(char *out, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    const struct s3_client_request *request = transfer->request;
    uint64_t total = request->has_body_file ? request->body_size : request->body.size;
    uint64_t left = total - transfer->sent;
    size_t wanted = size * count < left ? size * count : (size_t)left;
    ssize_t got = (ssize_t)wanted;

    if (!request->has_body_file) {
        memcpy(out, request->body.data + transfer->sent, wanted);
    } else if (wanted > 0) {
        got = pread(request->body_fd, out, wanted, (off_t)(request->body_offset + transfer->sent));
        if (got <= 0) {
            transfer->failure = "the file cannot be read to its end";
            return CURL_READFUNC_ABORT;
        }
    }
    transfer->sent += (uint64_t)got;
    if (request->progress != NULL) {
        progress_update(request->progress, request->progress_base + transfer->sent);
    }
    return (size_t)got;
}

/* curl starts over when a kept connection turns out to be closed. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
    struct transfer *transfer = arg;

    if (origin != SEEK_SET || offset < 0) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    transfer->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* The native dialect's errors: {"status":..., "message":"..."}. */
static bool
explain_json(const struct transfer *transfer, enum status st, struct error *err)
{
    json_t *root = json_loadb(transfer->body.data, transfer->body.size, 0, NULL);
    const char *message = json_string_value(json_object_get(root, "message"));
    bool is_explained = message != NULL;

    if (is_explained) {
        fail(err, st, "%s", message);
    }
    json_decref(root);
    return is_explained;
}

static enum status
explain(const struct s3_client_request *request, const struct transfer *transfer, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct xml_node *root = NULL;
    struct bytes code = BYTES_NONE;
    struct bytes message = BYTES_NONE;
    enum status st = transfer->status == 404                              ? ST_NOT_FOUND
                     : transfer->status == 401 || transfer->status == 403 ? ST_DENIED
                     : transfer->status == 409                            ? ST_EXISTS
                     : transfer->status == 503                            ? ST_BUSY
                                                                          : ST_INVALID;

    if (xml_read(buffer_bytes(&transfer->body), &arena, &root, NULL) == ST_OK) {
        const struct xml_node *error = xml_find(root, "Error"); /* IAM wraps it once more */

        error = error != NULL ? error : root;
        code = xml_find_text(error, "Code");
        message = xml_find_text(error, "Message");
    }
    if (code.size > 0) {
        fail(err, st, "%.*s: %.*s", BYTES_ARGS(code), BYTES_ARGS(message));
    } else if (transfer->body.size == 0 || !explain_json(transfer, st, err)) {
        fail(err, st, "%s %.*s%s%.*s: the server answered %ld", request->method,
             BYTES_ARGS(request->bucket), request->key.size > 0 ? "/" : "",
             BYTES_ARGS(request->key), transfer->status);
    }
    arena_release(&arena);
    return st;
}

static void
append_path(const struct s3_client *client, const struct s3_client_request *request,
            struct buffer *path)
{
    buffer_append_bytes(path, client->prefix);
    buffer_append_char(path, '/');
    encode_uri(request->bucket, false, path);
    if (request->key.size > 0) {
        buffer_append_char(path, '/');
        encode_uri(request->key, true, path);
    }
}

/* The signature's headers and the caller's, as curl takes them. */
static enum status
make_headers(const struct s3_client *client, const struct s3_client_request *request,
             struct bytes path, struct arena *arena, struct curl_slist **ret_headers,
             struct error *err)
{
    struct sign_request_options options = {
        .method = bytes_of_string(request->method),
        .path = path,
        .query = bytes_of_string(request->query),
        .host = client->host,
        .service = request->service != NULL ? request->service : "s3",
        .region = "us-east-1",
        .access_key = bytes_of_string(client->options->access_key),
        .secret_key = bytes_of_string(client->options->secret_key),
        .headers = request->headers,
        .body = request->has_body_file ? BYTES_NONE : request->body,
        .is_payload_unsigned = request->has_body_file,
        .time_s = clock_wall_s(),
    };
    const char *const *signed_headers = NULL;
    struct curl_slist *headers = NULL;
    enum status st = sign_request(&options, arena, &signed_headers, err);

    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; signed_headers[i] != NULL; i++) {
        headers = curl_slist_append(headers, signed_headers[i]);
        CHECK(headers != NULL);
    }
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        headers = curl_slist_append(headers, request->headers[i]);
        CHECK(headers != NULL);
    }
    *ret_headers = headers;
    return ST_OK;
}

static void
configure(CURL *curl, const struct s3_client *client, const struct s3_client_request *request,
          struct transfer *transfer)
{
    uint64_t size = request->has_body_file ? request->body_size : request->body.size;

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, S3_CLIENT_CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, S3_CLIENT_STALL_BYTES_PER_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, S3_CLIENT_STALL_S);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    if (client->options->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->options->ca_file);
    }
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(curl, CURLOPT_SEEKDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    } else {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

enum status
s3_client_send(struct s3_client *client, const struct s3_client_request *request,
               struct arena *arena, struct s3_client_response *ret_response, struct error *err)
{
    struct transfer transfer = {
        .request = request, .response = ret_response, .arena = arena, .curl = client->curl};
    struct curl_slist *headers = NULL;
    struct buffer path = BUFFER_INIT;
    struct buffer url = BUFFER_INIT;
    char why[CURL_ERROR_SIZE] = "";
    CURLcode code;
    enum status st;

    memset(ret_response, 0, sizeof(*ret_response));
    append_path(client, request, &path);
    st = make_headers(client, request, buffer_bytes(&path), arena, &headers, err);
    if (st != ST_OK) {
        goto out;
    }
    buffer_append_bytes(&url, client->base);
    buffer_append_bytes(&url, buffer_bytes(&path));
    if (request->query != NULL) {
        buffer_printf(&url, "?%s", request->query);
    }
    buffer_append_char(&url, '\0');
    curl_easy_reset(client->curl);
    configure(client->curl, client, request, &transfer);
    curl_easy_setopt(client->curl, CURLOPT_URL, url.data);
    curl_easy_setopt(client->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, why);
    code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &transfer.status);
    if (transfer.failure != NULL) {
        st = fail(err, ST_IO, "%s %s: %s", request->method, url.data, transfer.failure);
    } else if (code != CURLE_OK) {
        st = fail(err, ST_IO, "%s: %s", client->options->endpoint,
                  why[0] != '\0' ? why : curl_easy_strerror(code));
    } else if (transfer.status / 100 != 2) {
        st = explain(request, &transfer, err);
    }
    ret_response->status = (int)transfer.status;
    ret_response->body = arena_copy(arena, buffer_bytes(&transfer.body));
out:
    curl_slist_free_all(headers);
    buffer_release(&transfer.body);
    buffer_release(&path);
    buffer_release(&url);
    return st;
}

struct bytes
s3_client_header(const struct s3_client_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (bytes_equal_string(response->headers[i].name, name)) {
            return response->headers[i].value;
        }
    }
    return BYTES_NONE;
}

enum status
s3_client_parse_path(const char *text, struct bytes *ret_bucket, struct bytes *ret_key,
                     struct error *err)
{
    struct bytes rest = bytes_of_string(text);
    struct bytes bucket;

    if (bytes_has_prefix(rest, BYTES_LITERAL("s3://"))) {
        rest = bytes_slice(rest, 5, rest.size);
    }
    bucket = bytes_cut(&rest, '/');
    if (bucket.size == 0) {
        return fail(err, ST_INVALID, "'%s' names no bucket; it looks like s3://bucket/key", text);
    }
    *ret_bucket = bucket;
    *ret_key = rest;
    return ST_OK;
}
