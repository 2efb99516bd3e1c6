/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_answer.h"

#include "base/log.h"

#include "base/banned.h"

/* Less than what AIStore's clients wait by themselves; queues of ours are empty again by then. */
#define RETRY_AFTER_S 1U

static void
respond(struct http_exchange *exchange, int http_status, const char *content_type,
        struct bytes body, const char *error_code)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct http_header *header = arena_alloc(arena, sizeof(*header));
    struct http_response response = {.status = http_status,
                                     .headers = header,
                                     .header_count = 1,
                                     .body = arena_copy(arena, body),
                                     .operation = "Native",
                                     .error_code = error_code};

    *header = (struct http_header){BYTES_LITERAL("Content-Type"), bytes_of_string(content_type)};
    http_exchange_respond(exchange, &response);
}

void
native_answer_error(struct http_exchange *exchange, int http_status, const struct error *error)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct buffer body = BUFFER_INIT;

    buffer_printf(&body, "{\"status\":%d,\"message\":", http_status);
    log_append_json_string(&body, bytes_of_string(error->text));
    buffer_append_string(&body, ",\"method\":");
    log_append_json_string(&body, request->method);
    buffer_append_string(&body, ",\"url_path\":");
    log_append_json_string(&body, request->path);
    buffer_append_string(&body, "}");
    respond(exchange, http_status, "application/json", buffer_bytes(&body),
            status_name(error->code));
    buffer_release(&body);
}

static void
append_failure(const struct http_request *request, const struct native_failure *failure,
               struct buffer *out)
{
    buffer_append_char(out, '{');
    if (failure->tcode != NULL) {
        buffer_printf(out, "\"tcode\":\"%s\",", failure->tcode);
    }
    buffer_append_string(out, "\"message\":");
    log_append_json_string(out, failure->message);
    buffer_append_string(out, ",\"method\":");
    log_append_json_string(out, request->method);
    buffer_append_string(out, ",\"url_path\":");
    log_append_json_string(out, request->path);
    buffer_append_string(out, ",\"remote_addr\":");
    log_append_json_string(out, request->peer_address);
    buffer_printf(out, ",\"caller\":\"\",\"node\":\"t[%s]\",\"status\":%d}", failure->node_id,
                  failure->http_status);
}

void
native_answer_failure(struct http_exchange *exchange, const struct native_failure *failure)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct arena *arena = http_exchange_arena(exchange);
    size_t count = failure->header_count;
    struct http_header *headers = arena_alloc(arena, (count + 4) * sizeof(*headers));
    struct buffer body = BUFFER_INIT;
    struct http_response response = {.status = failure->http_status,
                                     .headers = headers,
                                     .operation = failure->operation,
                                     .error_code = status_name(failure->code)};

    append_failure(request, failure, &body);
    if (count > 0) {
        memcpy(headers, failure->headers, count * sizeof(*headers));
    }
    headers[count++] =
        (struct http_header){BYTES_LITERAL("Content-Type"), BYTES_LITERAL("application/json")};
    headers[count++] =
        (struct http_header){BYTES_LITERAL("X-Content-Type-Options"), BYTES_LITERAL("nosniff")};
    if (failure->http_status == 429 || failure->http_status == 503) {
        unsigned wait_s = failure->retry_after_s != 0 ? failure->retry_after_s : RETRY_AFTER_S;

        headers[count++] = (struct http_header){BYTES_LITERAL("Retry-After"),
                                                arena_printf_bytes(arena, "%u", wait_s)};
    }
    if (bytes_equal_string(request->method, "HEAD")) {
        headers[count++] = (struct http_header){BYTES_LITERAL("Hdr-Error"),
                                                arena_copy(arena, buffer_bytes(&body))};
    } else {
        response.body = arena_copy(arena, buffer_bytes(&body));
    }
    response.header_count = count;
    buffer_release(&body);
    http_exchange_respond(exchange, &response);
}

const char *
native_error_type(enum status st)
{
    switch (st) {
    case ST_NO_SUCH_BUCKET:
        return "ErrBckNotFound";
    case ST_NO_SUCH_KEY:
    case ST_NO_SUCH_UPLOAD:
    case ST_NOT_FOUND:
        return "ErrNotFound";
    case ST_NOT_IMPLEMENTED:
        return "ErrUnsupp";
    case ST_DIGEST_MISMATCH:
        return "ErrInvalidCksum";
    case ST_INVALID_RANGE:
        return "ErrRangeNotSatisfiable";
    case ST_BUSY:
        return "ErrBusy";
    case ST_NO_SPACE:
        return "ErrCapExceeded";
    default:
        return NULL;
    }
}

int
native_http_status(enum status st)
{
    switch (st) {
    case ST_UNAUTHENTICATED:
    case ST_SIGNATURE_MISMATCH:
        return 401;
    case ST_DENIED:
        return 403;
    case ST_NOT_FOUND:
    case ST_NO_SUCH_BUCKET:
    case ST_NO_SUCH_KEY:
    case ST_NO_SUCH_VERSION:
    case ST_NO_SUCH_UPLOAD:
        return 404;
    case ST_INVALID_RANGE:
        return 416;
    case ST_PRECONDITION:
        return 412;
    case ST_NO_SPACE:
        return 507;
    case ST_EXISTS:
    case ST_BUCKET_NOT_EMPTY:
    case ST_CONFLICT:
        return 409;
    case ST_TOO_LARGE:
        return 413;
    case ST_BUSY:
        return 429;
    case ST_NOT_IMPLEMENTED:
        return 501;
    case ST_UNAVAILABLE:
        return 503;
    case ST_INTERNAL:
    case ST_IO:
    case ST_CORRUPT:
        return 500;
    default:
        return 400;
    }
}
