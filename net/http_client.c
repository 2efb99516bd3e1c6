/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each request runs a curl multi handle of its own with one easy handle, so that it can be woken
 * (stopper) and does something now and then (tick).  Handles are kept with their connections and
 * used again.
 */
#include "net/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

/* A dead peer is noticed by keep-alive probes of the kernel (s). */
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
/* A stopper wakes the wait; this only bounds it (ms). */
#define POLL_MS_MAX 1000

struct handle {
    struct list node;
    CURLM *multi;
    CURL *easy;
    bool was_used; /* it may hold a connection */
};

struct http_client {
    char *ca_file;
    char *certificate_file;
    char *key_file;
    pthread_mutex_t lock;
    struct list idle;  /* guarded by lock */
    size_t idle_count; /* guarded by lock */
};

struct http_client_stopper {
    pthread_mutex_t lock;
    bool is_stopped; /* guarded by lock */
    CURLM *multi;    /* guarded by lock; of the request in progress, or NULL */
};

/* One request in progress; on its thread's stack. */
struct transfer {
    const struct http_client_request *request;
    struct http_client_answer *answer;
    struct handle *handle;
    struct curl_slist *headers;
    enum status st; /* of part, or ST_TOO_LARGE */
    struct error *err;
    char text[CURL_ERROR_SIZE];
};

/* ---- client and handles ---- */

static void
init_library(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static enum status
copy_path(const char *path, char **ret_path, struct error *err)
{
    if (path != NULL && access(path, R_OK) != 0) {
        return fail_errno(err, ST_INVALID, "%s cannot be read", path);
    }
    *ret_path = path != NULL ? xstrdup(path) : NULL;
    return ST_OK;
}

enum status
http_client_create(const struct http_client_options *options, struct http_client **ret_client,
                   struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_client *client = xcalloc(1, sizeof(*client));
    enum status st;

    CHECK(pthread_once(&once, init_library) == 0);
    CHECK(pthread_mutex_init(&client->lock, NULL) == 0);
    list_init(&client->idle);
    st = copy_path(options->ca_file, &client->ca_file, err);
    if (st == ST_OK) {
        st = copy_path(options->certificate_file, &client->certificate_file, err);
    }
    if (st == ST_OK) {
        st = copy_path(options->key_file, &client->key_file, err);
    }
    if (st != ST_OK) {
        http_client_destroy(&client);
        return st;
    }
    *ret_client = client;
    return ST_OK;
}

static void
handle_close(struct handle *handle)
{
    curl_easy_cleanup(handle->easy);
    CHECK(curl_multi_cleanup(handle->multi) == CURLM_OK);
    free(handle);
}

void
http_client_destroy(struct http_client **take_client)
{
    struct http_client *client = *take_client;
    struct list *node;

    if (client == NULL) {
        return;
    }
    while ((node = list_take_first(&client->idle)) != NULL) {
        handle_close(CONTAINER_OF(struct handle, node, node));
    }
    CHECK(pthread_mutex_destroy(&client->lock) == 0);
    free(client->ca_file);
    free(client->certificate_file);
    free(client->key_file);
    free(client);
    *take_client = NULL;
}

static struct handle *
handle_take(struct http_client *client)
{
    struct list *node = NULL;
    struct handle *handle;

    WITH_LOCK (&client->lock) {
        node = list_take_first(&client->idle);
        client->idle_count -= node != NULL ? 1 : 0;
    }
    if (node != NULL) {
        return CONTAINER_OF(struct handle, node, node);
    }
    handle = xcalloc(1, sizeof(*handle));
    handle->multi = curl_multi_init();
    handle->easy = curl_easy_init();
    CHECK(handle->multi != NULL && handle->easy != NULL);
    return handle;
}

static void
handle_give(struct http_client *client, struct handle *handle)
{
    bool is_kept = false;

    curl_easy_reset(handle->easy);
    WITH_LOCK (&client->lock) {
        is_kept = client->idle_count < HTTP_CLIENT_IDLE_MAX;
        if (is_kept) {
            list_prepend(&client->idle, &handle->node);
            client->idle_count++;
        }
    }
    if (!is_kept) {
        handle_close(handle);
    }
}

/* ---- stopping ---- */

struct http_client_stopper *
http_client_stopper_create(void)
{
    struct http_client_stopper *stopper = xcalloc(1, sizeof(*stopper));

    CHECK(pthread_mutex_init(&stopper->lock, NULL) == 0);
    return stopper;
}

void
http_client_stopper_destroy(struct http_client_stopper **take_stopper)
{
    struct http_client_stopper *stopper = *take_stopper;

    if (stopper != NULL) {
        CHECK(pthread_mutex_destroy(&stopper->lock) == 0);
        free(stopper);
        *take_stopper = NULL;
    }
}

void
http_client_stopper_stop(struct http_client_stopper *stopper)
{
    WITH_LOCK (&stopper->lock) {
        stopper->is_stopped = true;
        if (stopper->multi != NULL) {
            CHECK(curl_multi_wakeup(stopper->multi) == CURLM_OK);
        }
    }
}

/* multi NULL: the request has ended.  False: stopped. */
static bool
stopper_attach(struct http_client_stopper *stopper, CURLM *multi)
{
    bool is_stopped = false;

    if (stopper == NULL) {
        return true;
    }
    WITH_LOCK (&stopper->lock) {
        is_stopped = stopper->is_stopped;
        stopper->multi = multi;
    }
    return !is_stopped;
}

/* ---- one request ---- */

static size_t
receive(char *data, size_t one, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    const struct http_client_request *request = transfer->request;
    struct bytes part = {data, one * count};
    long code = 0;

    curl_easy_getinfo(transfer->handle->easy, CURLINFO_RESPONSE_CODE, &code);
    if (request->part != NULL && code == 200) {
        transfer->st = request->part(part, request->arg, transfer->err);
    } else if (part.size > request->answer_bytes_max - transfer->answer->body.size) {
        transfer->st = fail(transfer->err, ST_TOO_LARGE, "the answer of %s is above %zu bytes",
                            request->url, request->answer_bytes_max);
    } else {
        buffer_append_bytes(&transfer->answer->body, part);
    }
    return transfer->st == ST_OK ? part.size : CURL_WRITEFUNC_ERROR;
}

static void
configure_tls(const struct http_client *client, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (client->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (client->certificate_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, client->certificate_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
    }
}

static void
configure(const struct http_client *client, struct transfer *transfer)
{
    const struct http_client_request *request = transfer->request;
    CURL *easy = transfer->handle->easy;

    /* Without this header curl asks for permission before it sends a larger body. */
    transfer->headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < request->header_count; i++) {
        transfer->headers = curl_slist_append(transfer->headers, request->headers[i]);
    }
    CHECK(transfer->headers != NULL);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (request->body.data != NULL) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    }
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CLIENT_CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    configure_tls(client, easy);
}

/* Until the transfer ends by itself (ret_code), or tick or stopper end it. */
static enum status
drive(struct transfer *transfer, CURLcode *ret_code)
{
    const struct http_client_request *request = transfer->request;
    CURLM *multi = transfer->handle->multi;
    int64_t next_tick_ns = clock_monotonic_ns() + request->tick_ms * CLOCK_NS_PER_MS;
    int running = 1;

    for (;;) {
        CURLMsg *message;
        int left;
        int wait_ms = request->tick != NULL && request->tick_ms < POLL_MS_MAX
                          ? (int)request->tick_ms
                          : POLL_MS_MAX;

        if (!stopper_attach(request->stopper, multi)) {
            return ST_CANCELLED;
        }
        CHECK(curl_multi_perform(multi, &running) == CURLM_OK);
        message = curl_multi_info_read(multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE) {
            *ret_code = message->data.result;
            return ST_OK;
        }
        CHECK(running > 0);
        if (request->tick != NULL && clock_monotonic_ns() >= next_tick_ns) {
            if (!request->tick(request->arg)) {
                return ST_CANCELLED;
            }
            next_tick_ns = clock_monotonic_ns() + request->tick_ms * CLOCK_NS_PER_MS;
        }
        CHECK(curl_multi_poll(multi, NULL, 0, wait_ms, NULL) == CURLM_OK);
    }
}

static enum status
translate(struct transfer *transfer, CURLcode code)
{
    const char *url = transfer->request->url;
    const char *text = transfer->text[0] != '\0' ? transfer->text : curl_easy_strerror(code);
    long sent_size = 0;

    /* What is not HTTP at all has the same code as a URL that is not http: */
    curl_easy_getinfo(transfer->handle->easy, CURLINFO_REQUEST_SIZE, &sent_size);
    if (code == CURLE_UNSUPPORTED_PROTOCOL && sent_size > 0) {
        return fail(transfer->err, ST_CLOSED, "%s: %s", url, text);
    }
    switch (code) {
    case CURLE_OK:
        return ST_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        /* With a kept connection a first attempt over it may have been made. */
        transfer->answer->was_never_sent = !transfer->handle->was_used;
        return fail(transfer->err, ST_UNAVAILABLE, "%s: %s", url, text);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        transfer->answer->was_never_sent = true;
        return fail(transfer->err, ST_INVALID, "%s: %s", url, text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        transfer->answer->was_never_sent = !transfer->handle->was_used;
        return fail(transfer->err, ST_DENIED, "%s: %s", url, text);
    case CURLE_OPERATION_TIMEDOUT:
        return fail(transfer->err, ST_TIMEOUT, "%s: %s", url, text);
    default:
        return fail(transfer->err, ST_CLOSED, "%s: %s", url, text);
    }
}

enum status
http_client_run(struct http_client *client, const struct http_client_request *request,
                struct http_client_answer *answer, struct error *err)
{
    struct transfer transfer = {.request = request,
                                .answer = answer,
                                .handle = handle_take(client),
                                .st = ST_OK,
                                .err = err};
    CURLcode code = CURLE_OK;
    enum status st;

    assert_on_worker();
    answer->was_never_sent = false;
    configure(client, &transfer);
    CHECK(curl_multi_add_handle(transfer.handle->multi, transfer.handle->easy) == CURLM_OK);
    st = drive(&transfer, &code);
    (void)stopper_attach(request->stopper, NULL);
    CHECK(curl_multi_remove_handle(transfer.handle->multi, transfer.handle->easy) == CURLM_OK);
    if (st == ST_CANCELLED) {
        st = fail(err, ST_CANCELLED, "the request to %s was cancelled", request->url);
    } else if (transfer.st != ST_OK) {
        st = transfer.st; /* and its sentence is there already */
    } else {
        st = translate(&transfer, code);
    }
    if (st == ST_OK) {
        curl_easy_getinfo(transfer.handle->easy, CURLINFO_RESPONSE_CODE, &answer->code);
    }
    curl_slist_free_all(transfer.headers);
    transfer.handle->was_used = true;
    handle_give(client, transfer.handle);
    return st;
}
