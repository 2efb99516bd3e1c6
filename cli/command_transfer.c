/* SPDX-License-Identifier: Apache-2.0 */
/* lode put, get.  A file above the part size is sent in parts; each part goes with its CRC64NVME.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/memory.h"
#include "base/xml_reader.h"
#include "cli/command.h"
#include "stream/digest.h"

#include "base/banned.h"

/* SPEC: S3 multipart: at most 10,000 parts; larger files get larger parts. */
#define PART_COUNT_MAX 10000
#define READ_BYTES ((size_t)1 << 20)

struct upload {
    struct command_context *context;
    struct bytes bucket;
    struct bytes key;
    int fd;
    uint64_t size;
    struct progress progress;
};

/* "x-amz-checksum-crc64nvme: ..." of a piece of the file, so that the server can refuse damage. */
static enum status
checksum_header(const struct upload *upload, uint64_t offset, uint64_t size,
                const char **ret_header, struct error *err)
{
    struct digest digest;
    struct digest_value value;
    char text[ENCODE_BASE64_SIZE(DIGEST_SIZE_MAX) + 1];
    char *data = xmalloc(READ_BYTES);
    enum status st = ST_OK;

    digest_init(&digest, DIGEST_CRC64NVME);
    for (uint64_t done = 0; done < size && st == ST_OK;) {
        size_t wanted = size - done < READ_BYTES ? (size_t)(size - done) : READ_BYTES;
        ssize_t got = pread(upload->fd, data, wanted, (off_t)(offset + done));

        if (got <= 0) {
            st = fail_errno(err, ST_IO, "%s cannot be read", upload->context->words[0]);
            break;
        }
        digest_update(&digest, bytes_of(data, (size_t)got));
        done += (uint64_t)got;
    }
    digest_final(&digest, &value);
    encode_base64(digest_value_bytes(&value), text);
    digest_release(&digest);
    if (st == ST_OK) {
        *ret_header = arena_printf(upload->context->arena, "x-amz-checksum-crc64nvme: %s", text);
    }
    free(data);
    return st;
}

static enum status
send_piece(struct upload *upload, const char *query, uint64_t offset, uint64_t size,
           struct s3_client_response *response, struct error *err)
{
    const char *headers[2] = {NULL, NULL};
    struct s3_client_request request = {.method = "PUT",
                                        .bucket = upload->bucket,
                                        .key = upload->key,
                                        .query = query,
                                        .headers = headers,
                                        .has_body_file = true,
                                        .body_fd = upload->fd,
                                        .body_offset = offset,
                                        .body_size = size,
                                        .progress = &upload->progress,
                                        .progress_base = offset};
    enum status st = checksum_header(upload, offset, size, &headers[0], err);

    return st == ST_OK ? s3_client_send(upload->context->client, &request, upload->context->arena,
                                        response, err)
                       : st;
}

static enum status
post(struct upload *upload, const char *query, const char *const *headers, struct bytes body,
     struct xml_node **ret_root, struct error *err)
{
    struct s3_client_request request = {.method = "POST",
                                        .bucket = upload->bucket,
                                        .key = upload->key,
                                        .query = query,
                                        .headers = headers,
                                        .body = body};
    struct s3_client_response response;
    struct arena *arena = upload->context->arena;
    enum status st = s3_client_send(upload->context->client, &request, arena, &response, err);

    if (st == ST_OK) {
        st = xml_read(response.body, arena, ret_root, err);
    }
    if (st == ST_OK && bytes_equal_string((*ret_root)->name, "Error")) {
        st = fail(err, ST_INVALID, "%.*s", BYTES_ARGS(xml_find_text(*ret_root, "Message")));
    }
    return st;
}

static enum status
send_parts(struct upload *upload, const char *upload_id, struct buffer *list, struct error *err)
{
    struct arena *arena = upload->context->arena;
    uint64_t part_bytes = upload->context->options->part_bytes;
    enum status st = ST_OK;

    while (upload->size / part_bytes >= PART_COUNT_MAX) {
        part_bytes *= 2;
    }
    buffer_append_string(list, "<CompleteMultipartUpload>");
    for (uint64_t offset = 0, number = 1; offset < upload->size && st == ST_OK; number++) {
        uint64_t left = upload->size - offset;
        struct s3_client_response response;
        const char *query =
            arena_printf(arena, "partNumber=%" PRIu64 "&uploadId=%s", number, upload_id);

        st = send_piece(upload, query, offset, left < part_bytes ? left : part_bytes, &response,
                        err);
        if (st == ST_OK) {
            struct bytes etag = s3_client_header(&response, "etag");
            struct bytes crc = s3_client_header(&response, "x-amz-checksum-crc64nvme");

            buffer_printf(list, "<Part><PartNumber>%" PRIu64 "</PartNumber><ETag>%.*s</ETag>",
                          number, BYTES_ARGS(etag));
            buffer_printf(list, "<ChecksumCRC64NVME>%.*s</ChecksumCRC64NVME></Part>",
                          BYTES_ARGS(crc));
        }
        offset += left < part_bytes ? left : part_bytes;
    }
    buffer_append_string(list, "</CompleteMultipartUpload>");
    return st;
}

static enum status
put_in_parts(struct upload *upload, struct bytes *ret_etag, struct error *err)
{
    static const char *const ALGORITHM[] = {"x-amz-checksum-algorithm: CRC64NVME",
                                            "x-amz-checksum-type: FULL_OBJECT", NULL};
    struct xml_node *root = NULL;
    struct buffer list = BUFFER_INIT;
    const char *upload_id;
    const char *query;
    enum status st = post(upload, "uploads=", ALGORITHM, BYTES_NONE, &root, err);

    if (st != ST_OK) {
        return st;
    }
    upload_id = arena_string(upload->context->arena, xml_find_text(root, "UploadId"));
    query = arena_printf(upload->context->arena, "uploadId=%s", upload_id);
    st = send_parts(upload, upload_id, &list, err);
    if (st == ST_OK) {
        st = post(upload, query, NULL, buffer_bytes(&list), &root, err);
    }
    if (st == ST_OK) {
        *ret_etag = xml_find_text(root, "ETag");
    } else {
        struct s3_client_request abort_request = {
            .method = "DELETE", .bucket = upload->bucket, .key = upload->key, .query = query};
        struct s3_client_response response;
        struct error ignored = ERROR_INIT;

        if (s3_client_send(upload->context->client, &abort_request, upload->context->arena,
                           &response, &ignored) != ST_OK) {
            fprintf(stderr, "lode: the parts already sent were not removed: %s\n", ignored.text);
        }
    }
    buffer_release(&list);
    return st;
}

static enum status
open_file(struct upload *upload, const char *path, struct error *err)
{
    struct stat status;

    upload->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (upload->fd == -1 || fstat(upload->fd, &status) != 0) {
        return fail_errno(err, ST_IO, "%s cannot be opened", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(err, ST_INVALID, "%s is not a regular file", path);
    }
    upload->size = (uint64_t)status.st_size;
    return ST_OK;
}

/* "bucket/" and "bucket/a/" take the file's own name. */
static void
complete_key(struct upload *upload, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (upload->key.size == 0 || upload->key.data[upload->key.size - 1] == '/') {
        upload->key = arena_printf_bytes(upload->context->arena, "%.*s%s", BYTES_ARGS(upload->key),
                                         slash != NULL ? slash + 1 : path);
    }
}

enum status
command_put(struct command_context *context, struct error *err)
{
    struct upload upload = {.context = context, .fd = -1};
    struct s3_client_response response;
    struct bytes etag = BYTES_NONE;
    char size[16];
    enum status st = s3_client_parse_path(context->words[1], &upload.bucket, &upload.key, err);

    if (st == ST_OK) {
        complete_key(&upload, context->words[0]);
        st = open_file(&upload, context->words[0], err);
    }
    if (st == ST_OK) {
        progress_begin(&upload.progress, context->words[0], upload.size,
                       !context->options->is_json && !context->options->is_quiet);
        if (upload.size > context->options->part_bytes) {
            st = put_in_parts(&upload, &etag, err);
        } else {
            st = send_piece(&upload, NULL, 0, upload.size, &response, err);
            etag = st == ST_OK ? s3_client_header(&response, "etag") : BYTES_NONE;
        }
        progress_end(&upload.progress);
    }
    if (st == ST_OK && context->options->is_json) {
        command_print_json("done", "stored", "bucket", arena_string(context->arena, upload.bucket),
                           "key", arena_string(context->arena, upload.key), "etag",
                           arena_string(context->arena, etag), NULL);
    } else if (st == ST_OK) {
        progress_format_size(upload.size, size, sizeof(size));
        printf("stored %.*s/%.*s  %s  %.*s\n", BYTES_ARGS(upload.bucket), BYTES_ARGS(upload.key),
               size, BYTES_ARGS(etag));
    }
    if (upload.fd != -1) {
        close(upload.fd);
    }
    return st;
}

/* Written under another name and renamed when it is whole: a cut transfer leaves no half file. */
static enum status
get_to_file(struct s3_client_request *request, struct command_context *context, const char *path,
            struct error *err)
{
    struct s3_client_response response;
    char *temporary = xasprintf("%s.lode-part", path);
    enum status st;

    request->output_fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (request->output_fd == -1) {
        st = fail_errno(err, ST_IO, "%s cannot be written", temporary);
        goto out;
    }
    st = s3_client_send(context->client, request, context->arena, &response, err);
    if (close(request->output_fd) != 0 && st == ST_OK) {
        st = fail_errno(err, ST_IO, "%s cannot be written", temporary);
    }
    if (st == ST_OK && rename(temporary, path) != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", path);
    }
    if (st != ST_OK) {
        unlink(temporary);
    }
out:
    free(temporary);
    return st;
}

enum status
command_get(struct command_context *context, struct error *err)
{
    struct s3_client_request request = {.method = "HEAD"};
    struct s3_client_response response;
    struct progress progress;
    const char *path;
    uint64_t size = 0;
    enum status st = s3_client_parse_path(context->words[0], &request.bucket, &request.key, err);

    if (st == ST_OK && request.key.size == 0) {
        st = fail(err, ST_INVALID, "'%s' names no object", context->words[0]);
    }
    if (st == ST_OK) {
        st = s3_client_send(context->client, &request, context->arena, &response, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (bytes_parse_u64(s3_client_header(&response, "content-length"), UINT64_MAX, &size) !=
        ST_OK) {
        return fail(err, ST_INVALID, "The server does not say how large the object is");
    }
    path = context->word_count == 2 ? context->words[1] : arena_string(context->arena, request.key);
    path = context->word_count < 2 && strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    progress_begin(&progress, path, size,
                   !context->options->is_json && !context->options->is_quiet);
    request.method = "GET";
    request.has_output_file = true;
    request.progress = &progress;
    if (strcmp(path, "-") == 0) {
        request.output_fd = STDOUT_FILENO;
        st = s3_client_send(context->client, &request, context->arena, &response, err);
    } else {
        st = get_to_file(&request, context, path, err);
    }
    progress_end(&progress);
    if (st == ST_OK && strcmp(path, "-") != 0) {
        if (context->options->is_json) {
            command_print_json("done", "fetched", "file", path, NULL);
        } else {
            printf("fetched %s\n", path);
        }
    }
    return st;
}
