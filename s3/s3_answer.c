/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_answer.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/http_answer_head.h"
#include "object/object_relay.h"
#include "object/upload_pin.h"
#include "s3/s3_error.h"

#include "base/banned.h"

#define HEADERS_MIN 32
/* To the node that passed the request on, for its log. */
#define S3_RELAYED_CODE_HEADER "lode-error-code"
/* SPEC: S3 SlowDown, ServiceUnavailable: clients wait and try again. */
static const struct bytes RETRY_AFTER_S = {"1", 1};

static struct metric request_metrics[S3_OPERATION_COUNT + 1]; /* the last: refused before routing */
static struct metric duration_metrics[S3_OPERATION_COUNT + 1];
static char metric_labels[S3_OPERATION_COUNT + 1][80];

void
s3_answer_register_metrics(void)
{
    for (size_t i = 0; i <= S3_OPERATION_COUNT; i++) {
        const char *name =
            i < S3_OPERATION_COUNT ? s3_operation_get((enum s3_operation_id)i)->name : "Unknown";

        snprintf(metric_labels[i], sizeof(metric_labels[i]), "operation=\"%s\"", name);
        request_metrics[i].kind = METRIC_COUNTER;
        request_metrics[i].name = "lode_s3_requests_total";
        request_metrics[i].help = "S3 requests answered, by operation.";
        request_metrics[i].labels = metric_labels[i];
        metric_register(&request_metrics[i]);
    }
    for (size_t i = 0; i < S3_OPERATION_COUNT; i++) {
        if (s3_operation_get((enum s3_operation_id)i)->is_implemented) {
            duration_metrics[i].kind = METRIC_HISTOGRAM;
            duration_metrics[i].name = "lode_s3_request_duration_seconds";
            duration_metrics[i].help = "Time from the head of a request to its answer.";
            duration_metrics[i].labels = metric_labels[i];
            metric_register(&duration_metrics[i]);
        }
    }
}

void
s3_reply_header(struct s3_request *request, const char *name, struct bytes value)
{
    struct s3_reply *reply = &request->reply;

    if (reply->header_count == reply->header_capacity) {
        size_t capacity = reply->header_capacity == 0 ? HEADERS_MIN : 2 * reply->header_capacity;
        struct http_header *headers = arena_alloc(request->arena, capacity * sizeof(*headers));

        if (reply->header_count != 0) {
            memcpy(headers, reply->headers, reply->header_count * sizeof(*headers));
        }
        reply->headers = headers;
        reply->header_capacity = capacity;
    }
    reply->headers[reply->header_count++] = (struct http_header){bytes_of_string(name), value};
}

struct bytes
s3_reply_number(struct s3_request *request, uint64_t value)
{
    char *out = arena_alloc(request->arena, 24);
    size_t at = 24;

    do {
        out[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return bytes_of(out + at, 24 - at);
}

struct bytes
s3_reply_quoted(struct s3_request *request, struct bytes etag)
{
    char *out = arena_alloc(request->arena, etag.size + 2);

    out[0] = '"';
    memcpy(out + 1, etag.data, etag.size);
    out[etag.size + 1] = '"';
    return bytes_of(out, etag.size + 2);
}

void
s3_reply_xml(struct s3_request *request, struct buffer *document)
{
    request->reply.body = arena_copy(request->arena, buffer_bytes(document));
    buffer_release(document);
    s3_reply_header(request, "Content-Type", BYTES_LITERAL("application/xml"));
}

void
s3_reply_checksum(struct s3_request *request, const struct checksum *checksum, uint32_t part_count,
                  bool with_type)
{
    char *text;

    if (checksum->algorithm == CHECKSUM_NONE || checksum->size == 0) {
        return;
    }
    text = arena_alloc(request->arena, S3_CHECKSUM_TEXT_SIZE);
    s3_reply_header(request, s3_checksum_header_name(checksum->algorithm),
                    s3_checksum_format(checksum, part_count, text));
    if (with_type) {
        s3_reply_header(request, "x-amz-checksum-type",
                        bytes_of_string(s3_checksum_type_name(checksum->type)));
    }
}

void
s3_answer_let_go(struct s3_request *request)
{
    if (request->has_pin) {
        upload_pin_give_back_as(request->s3->options.store, request->upload, request->pin);
        request->has_pin = false;
    }
    if (request->has_bucket) {
        bucket_close(&request->bucket);
        request->has_bucket = false;
    }
}

static void
give_back(struct s3_request *request)
{
    sink_release(&request->sink);
    s3_answer_let_go(request);
    if (request->has_authentication) {
        authentication_release(&request->authentication);
        request->has_authentication = false;
    }
}

static void
respond(struct s3_request *request, int http_status, const char *error_code)
{
    struct s3_reply *reply = &request->reply;
    struct bytes id = bytes_of_string(request->http->id);
    size_t slot = request->operation != NULL ? request->route.id : S3_OPERATION_COUNT;
    struct http_response response = {.status = http_status, .error_code = error_code};

    s3_reply_header(request, "x-amz-request-id", id);
    s3_reply_header(request, "x-amz-id-2", id);
    if (request->http->is_from_peer && error_code != NULL) {
        s3_reply_header(request, S3_RELAYED_CODE_HEADER, bytes_of_string(error_code));
    }
    response.headers = reply->headers;
    response.header_count = reply->header_count;
    response.body = reply->body;
    response.source = reply->source;
    response.content_length = reply->has_content_length ? reply->content_length : reply->body.size;
    response.operation = request->operation != NULL ? request->operation->name : "Unknown";
    if (request->has_authentication) {
        response.user = principal_user(request->authentication.principal);
    }
    /* Current aws-cli keeps the status line of an answer that came before 100 Continue for the next
     * response of the connection. */
    response.must_close = request->http->expects_continue && !request->has_asked_body;
    metric_add(&request_metrics[slot], 1);
    if (request->operation != NULL && request->operation->is_implemented) {
        metric_observe_ns(&duration_metrics[slot],
                          clock_monotonic_ns() - request->http->received_ns);
    }
    give_back(request);
    http_exchange_respond(request->exchange, &response);
}

/* What the connection of the client says itself, or what is between the nodes. */
static bool
is_hop_header(struct bytes name)
{
    static const char *const NAMES[] = {"connection", "content-length", "date",
                                        "keep-alive", "server",         "transfer-encoding"};

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        if (bytes_equal_ignore_case(name, NAMES[i])) {
            return true;
        }
    }
    return name.size > 5 && bytes_equal_ignore_case(bytes_slice(name, 0, 5), "lode-");
}

void
s3_answer_relayed(struct s3_request *request, const struct http_answer_head *answer)
{
    size_t slot = request->route.id;
    struct http_header *headers =
        arena_alloc(request->arena, (answer->header_count + 1) * sizeof(*headers));
    struct bytes code = http_answer_header(answer, S3_RELAYED_CODE_HEADER);
    struct http_response response = {
        .status = answer->status,
        .headers = headers,
        .operation = request->operation->name,
        .user = principal_user(request->authentication.principal),
        .must_close = request->http->expects_continue && !request->has_asked_body,
    };

    for (size_t i = 0; i < answer->header_count; i++) {
        if (!is_hop_header(answer->headers[i].name)) {
            headers[response.header_count++] = answer->headers[i];
        }
    }
    if (code.size != 0) {
        response.error_code = arena_string(request->arena, code);
    }
    metric_add(&request_metrics[slot], 1);
    metric_observe_ns(&duration_metrics[slot], clock_monotonic_ns() - request->http->received_ns);
    give_back(request);
    http_exchange_respond_relayed(request->exchange, &response);
}

void
s3_answer_moved(struct s3_request *request)
{
    struct object_store *store = request->s3->options.store;

    give_back(request);
    object_relay_refuse(store, request->exchange, ST_MOVED);
}

void
s3_answer(struct s3_request *request)
{
    CHECK(request->magic == S3_REQUEST_MAGIC);
    respond(request, request->reply.http_status != 0 ? request->reply.http_status : 200, NULL);
}

static struct bytes
resource_of(const struct s3_request *request)
{
    const struct s3_route *route = &request->route;

    if (route->bucket.size == 0) {
        return s3_error_whole_utf8(request->http->path.size != 0 ? request->http->path
                                                                 : BYTES_LITERAL("/"));
    }
    if (route->key.size == 0) {
        return arena_printf_bytes(request->arena, "/%.*s", BYTES_ARGS(route->bucket));
    }
    return arena_printf_bytes(request->arena, "/%.*s/%.*s", BYTES_ARGS(route->bucket),
                              BYTES_ARGS(route->key));
}

/* The sentence of an error as one: with a capital and a full stop. */
static struct bytes
message_of(struct arena *arena, const struct error *err)
{
    struct bytes text = s3_error_whole_utf8(bytes_of_string(err->text));
    char *out = arena_alloc(arena, text.size + 1);

    if (text.size == 0) {
        return bytes_of_string(status_text(err->code));
    }
    memcpy(out, text.data, text.size);
    if (out[0] >= 'a' && out[0] <= 'z') {
        out[0] = (char)(out[0] - 'a' + 'A');
    }
    if (strchr(".!?", out[text.size - 1]) == NULL) {
        out[text.size++] = '.';
    }
    return bytes_of(out, text.size);
}

static void
render_document(struct s3_request *request, const struct s3_error_code *code,
                const struct error *err)
{
    struct s3_error_document document = {
        .code = code->code,
        .message = message_of(request->arena, err),
        .resource = resource_of(request),
        .condition = request->reply.condition,
        .request_id = bytes_of_string(request->http->id),
        .host_id = bytes_of_string(request->http->id),
    };

    if (s3_error_is_ours(code)) {
        document.message = BYTES_LITERAL("We encountered an internal error. Please try again.");
    }
    if (strncmp(code->code, "Bucket", 6) == 0 || strcmp(code->code, "NoSuchBucket") == 0) {
        document.bucket = request->route.bucket;
    } else if (strcmp(code->code, "NoSuchKey") == 0) {
        document.key = request->route.key;
    } else if (strncmp(code->code, "Authorization", 13) == 0) {
        document.region = request->s3->region;
    }
    request->reply.body = s3_error_render(&document, request->arena);
    s3_reply_header(request, "Content-Type", BYTES_LITERAL("application/xml"));
}

static void
log_fault(const struct s3_request *request, const struct error *err)
{
    struct log_context context = {.request_id = request->http->id, .bucket = request->route.bucket};

    log_error(&context, "s3_internal_error", "%s: %s (%s)",
              request->operation != NULL ? request->operation->name : "Unknown", err->text,
              status_name(err->code));
}

/* Where AWS and Ceph differ, the options say whose code it is. */
static struct s3_error_code
code_by_rules(const struct s3_options *options, const struct error *err)
{
    struct s3_error_code code = s3_error_code_of(err);

    if (options->no_such_part_is_invalid && strcmp(code.code, "InvalidPartNumber") == 0) {
        return (struct s3_error_code){"InvalidPart", 400};
    }
    if (options->bad_checksum_is_bad_digest && err->dialect_code != NULL &&
        strcmp(err->dialect_code, S3_MALFORMED_CHECKSUM) == 0) {
        return (struct s3_error_code){"BadDigest", 400};
    }
    return code;
}

void
s3_answer_error(struct s3_request *request, const struct error *err)
{
    struct s3_error_code code = code_by_rules(&request->s3->options, err);
    struct s3_reply *reply = &request->reply;

    CHECK(request->magic == S3_REQUEST_MAGIC);
    source_release(&reply->source);
    reply->body = BYTES_NONE;
    reply->has_content_length = false;
    if (code.http_status == 304) {
        respond(request, 304, NULL);
        return;
    }
    reply->header_count = 0;
    if (s3_error_is_ours(&code)) {
        log_fault(request, err);
    }
    s3_error_count(code.code);
    if (reply->content_range.size != 0) {
        s3_reply_header(request, "Content-Range", reply->content_range);
    }
    if (code.http_status == 503) {
        s3_reply_header(request, "Retry-After",
                        request->retry_after_s != 0
                            ? s3_reply_number(request, request->retry_after_s)
                            : RETRY_AFTER_S);
    }
    if (!bytes_equal_string(request->http->method, "HEAD")) {
        render_document(request, &code, err);
    }
    respond(request, code.http_status, code.code);
}
