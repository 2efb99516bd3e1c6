/* SPDX-License-Identifier: Apache-2.0 */
/* lode mb, rb, stat of a bucket or object, rm. */
#include <stdio.h>

#include "base/log.h"
#include "cli/command.h"

#include "base/banned.h"

static enum status
send_simple(struct command_context *context, const char *method, struct bytes bucket,
            struct bytes key, struct s3_client_response *response, struct error *err)
{
    struct s3_client_request request = {.method = method, .bucket = bucket, .key = key};

    return s3_client_send(context->client, &request, context->arena, response, err);
}

static enum status
parse_bucket(struct command_context *context, struct bytes *ret_bucket, struct error *err)
{
    struct bytes key;
    enum status st = s3_client_parse_path(context->words[0], ret_bucket, &key, err);

    if (st == ST_OK && key.size > 0) {
        st = fail(err, ST_INVALID, "'%s' is not just a bucket", context->words[0]);
    }
    return st;
}

/* What was done, for people or machines. */
static void
report(struct command_context *context, const char *what, struct bytes bucket, struct bytes key)
{
    const char *bucket_text = arena_string(context->arena, bucket);

    if (!context->options->is_json) {
        printf("%s %s%s%.*s\n", what, bucket_text, key.size > 0 ? "/" : "", BYTES_ARGS(key));
    } else if (key.size > 0) {
        command_print_json("done", what, "bucket", bucket_text, "key",
                           arena_string(context->arena, key), NULL);
    } else {
        command_print_json("done", what, "bucket", bucket_text, NULL);
    }
}

enum status
command_mb(struct command_context *context, struct error *err)
{
    struct s3_client_response response;
    struct bytes bucket;
    enum status st = parse_bucket(context, &bucket, err);

    if (st == ST_OK) {
        st = send_simple(context, "PUT", bucket, BYTES_NONE, &response, err);
    }
    if (st == ST_OK) {
        report(context, "made", bucket, BYTES_NONE);
    }
    return st;
}

struct removal {
    struct command_context *context;
    struct bytes bucket;
    bool is_reported;
};

static enum status
remove_entry(const struct command_entry *entry, void *arg, struct error *err)
{
    struct removal *removal = arg;
    struct s3_client_response response;
    enum status st =
        send_simple(removal->context, "DELETE", removal->bucket, entry->name, &response, err);

    if (st == ST_OK && removal->is_reported) {
        report(removal->context, "removed", removal->bucket, entry->name);
    }
    return st;
}

enum status
command_rb(struct command_context *context, struct error *err)
{
    struct s3_client_response response;
    struct removal removal = {.context = context};
    enum status st = parse_bucket(context, &removal.bucket, err);

    if (st == ST_OK && context->options->is_forced) {
        st = command_list(context, removal.bucket, BYTES_NONE, true, remove_entry, &removal, err);
    }
    if (st == ST_OK) {
        st = send_simple(context, "DELETE", removal.bucket, BYTES_NONE, &response, err);
    }
    if (st == ST_OK) {
        report(context, "removed", removal.bucket, BYTES_NONE);
    }
    return st;
}

enum status
command_rm(struct command_context *context, struct error *err)
{
    struct s3_client_response response;
    struct removal removal = {.context = context, .is_reported = true};
    struct bytes key;
    enum status st = s3_client_parse_path(context->words[0], &removal.bucket, &key, err);

    if (st != ST_OK) {
        return st;
    }
    if (context->options->is_recursive) {
        return command_list(context, removal.bucket, key, true, remove_entry, &removal, err);
    }
    if (key.size == 0) {
        return fail(err, ST_INVALID, "'%s' names no object; -r removes all of them, rb the bucket",
                    context->words[0]);
    }
    st = send_simple(context, "DELETE", removal.bucket, key, &response, err);
    if (st == ST_OK) {
        report(context, "removed", removal.bucket, key);
    }
    return st;
}

static bool
is_worth_showing(struct bytes name)
{
    static const char *const SHOWN[] = {"etag", "content-length", "last-modified", "content-type"};

    for (size_t i = 0; i < sizeof(SHOWN) / sizeof(SHOWN[0]); i++) {
        if (bytes_equal_string(name, SHOWN[i])) {
            return true;
        }
    }
    return bytes_has_prefix(name, BYTES_LITERAL("x-amz-meta-")) ||
           bytes_has_prefix(name, BYTES_LITERAL("x-amz-checksum-")) ||
           bytes_has_prefix(name, BYTES_LITERAL("x-amz-bucket-")) ||
           bytes_has_prefix(name, BYTES_LITERAL("content-")) ||
           bytes_has_prefix(name, BYTES_LITERAL("cache-"));
}

enum status
command_stat(struct command_context *context, struct error *err)
{
    static const char *const HEADERS[] = {"x-amz-checksum-mode: ENABLED", NULL};
    struct s3_client_request request = {.method = "HEAD", .headers = HEADERS};
    struct s3_client_response response;
    struct buffer line = BUFFER_INIT;
    enum status st = s3_client_parse_path(context->words[0], &request.bucket, &request.key, err);

    if (st == ST_OK) {
        request.headers = request.key.size > 0 ? HEADERS : NULL;
        st = s3_client_send(context->client, &request, context->arena, &response, err);
    }
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < response.header_count; i++) {
        if (!is_worth_showing(response.headers[i].name)) {
            continue;
        }
        if (context->options->is_json) {
            buffer_append_string(&line, line.size == 0 ? "{" : ",");
            log_append_json_string(&line, response.headers[i].name);
            buffer_append_char(&line, ':');
            log_append_json_string(&line, response.headers[i].value);
        } else {
            printf("%-28.*s %.*s\n", BYTES_ARGS(response.headers[i].name),
                   BYTES_ARGS(response.headers[i].value));
        }
    }
    if (context->options->is_json) {
        printf("%.*s}\n", BYTES_ARGS(buffer_bytes(&line)));
    }
    buffer_release(&line);
    return ST_OK;
}
