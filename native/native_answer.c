/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_answer.h"

#include "base/log.h"

#include "base/banned.h"

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
native_answer(struct http_exchange *exchange, const char *content_type, struct bytes body)
{
    respond(exchange, 200, content_type, body, NULL);
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
        return 404;
    case ST_EXISTS:
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
