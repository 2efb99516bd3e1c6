/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_call.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "native/native_answer.h"
#include "native/native_repeat.h"
#include "native/native_route.h"
#include "object/upload_pin.h"

#include "base/banned.h"

struct native_call *
native_call_create(struct native *native, struct http_exchange *exchange)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct native_call *call = arena_calloc(arena, 1, sizeof(*call));

    call->magic = NATIVE_CALL_MAGIC;
    call->native = native;
    call->exchange = exchange;
    call->http = http_exchange_request(exchange);
    call->arena = arena;
    call->mode = READ_MAY_WAIT;
    http_exchange_set_data(exchange, call);
    return call;
}

void
native_reply_header(struct native_call *call, const char *name, struct bytes value)
{
    struct native_reply *reply = &call->reply;

    if (reply->header_count == reply->header_capacity) {
        size_t capacity =
            reply->header_capacity == 0 ? NATIVE_REPLY_HEADERS_MIN : 2 * reply->header_capacity;
        struct http_header *headers = arena_alloc(call->arena, capacity * sizeof(*headers));

        if (reply->header_count > 0) {
            memcpy(headers, reply->headers, reply->header_count * sizeof(*headers));
        }
        reply->headers = headers;
        reply->header_capacity = capacity;
    }
    reply->headers[reply->header_count++] = (struct http_header){bytes_of_string(name), value};
}

void
native_reply_number(struct native_call *call, const char *name, uint64_t value)
{
    native_reply_header(call, name, arena_printf_bytes(call->arena, "%" PRIu64, value));
}

void
native_reply_json(struct native_call *call)
{
    call->reply.content_type = "application/json; charset=utf-8";
}

void
native_reply_text(struct native_call *call, struct bytes text)
{
    call->reply.content_type = "text/plain; charset=utf-8";
    buffer_append_bytes(&call->reply.body, text);
}

struct bytes
native_call_parameter(const struct native_call *call, const char *name)
{
    return native_query_get(&call->query, name);
}

enum status
native_call_open_bucket(struct native_call *call, enum action action, struct error *err)
{
    enum status st;

    CHECK(!call->has_bucket);
    st = bucket_open(call->native->objects, call->authentication.principal, call->bck.own_name,
                     action, &call->bucket, err);
    call->has_bucket = st == ST_OK;
    return st;
}

enum status
native_call_open_other(const struct native_call *call, const struct native_bck *bck,
                       enum action action, struct bucket *ret_bucket, struct error *err)
{
    struct object_store *store = call->native->objects;
    const struct principal *principal = call->authentication.principal;

    return call->native->cluster == NULL
               ? bucket_open(store, principal, bck->own_name, action, ret_bucket, err)
               : bucket_open_refreshed(store, principal, bck->own_name, action, ret_bucket, err);
}

enum status
native_call_authorize(struct native_call *call, enum action action, struct error *err)
{
    struct authorize_facts facts = {.principal = call->authentication.principal, .action = action};

    return authorize(&facts, err);
}

/* SPEC: AIStore cmn/cos ValidateOname. */
enum status
native_call_check_object_name(struct bytes name, struct error *err)
{
    struct bytes rest = name;

    if (name.size == 0 || name.data[name.size - 1] == '/' ||
        bytes_has_prefix(name, BYTES_LITERAL("~/"))) {
        return fail(err, ST_INVALID, "invalid object name \"%.*s\"",
                    (int)(name.size < 128 ? name.size : 128), name.data);
    }
    while (rest.size > 0) {
        struct bytes element = bytes_cut(&rest, '/');

        if (bytes_equal_string(element, "..") || bytes_equal_string(element, ".")) {
            return fail(err, ST_INVALID, "invalid object name \"%.*s\": has an element \"%.*s\"",
                        (int)(name.size < 128 ? name.size : 128), name.data, BYTES_ARGS(element));
        }
    }
    return ST_OK;
}

static void
give_pin_back(struct native_call *call)
{
    if (call->has_pin) {
        upload_pin_give_back(call->native->objects, call->upload);
        call->has_pin = false;
    }
}

void
native_call_reset(struct native_call *call)
{
    object_put_release(&call->put);
    give_pin_back(call);
    if (call->has_bucket) {
        bucket_close(&call->bucket);
        call->has_bucket = false;
    }
    source_release(&call->reply.source);
    buffer_release(&call->reply.body);
    memset(&call->reply, 0, sizeof(call->reply));
}

void
native_call_release(struct native_call *call)
{
    object_put_release(&call->put);
    give_pin_back(call);
    native_message_release(&call->message);
    if (call->has_bucket) {
        bucket_close(&call->bucket);
    }
    if (call->has_authentication) {
        authentication_release(&call->authentication);
    }
    buffer_release(&call->reply.body);
}

static const char *
operation_name(const struct native_call *call)
{
    return call->route != NULL ? call->route->name : "Native";
}

void
native_call_answer(struct native_call *call)
{
    struct native_reply *reply = &call->reply;
    struct http_response response = {
        .status = reply->http_status != 0 ? reply->http_status : 200,
        .source = reply->source,
        .operation = operation_name(call),
    };

    if (reply->content_type != NULL) {
        native_reply_header(call, "Content-Type", bytes_of_string(reply->content_type));
    }
    response.body = arena_copy(call->arena, buffer_bytes(&reply->body));
    response.content_length =
        reply->has_content_length ? reply->content_length : response.body.size;
    response.headers = reply->headers;
    response.header_count = reply->header_count;
    native_repeat_end(call, response.status / 100 == 2);
    native_call_release(call);
    http_exchange_respond(call->exchange, &response);
}

/* "t[ID]: " as AIStore's targets begin. */
static void
append_message(const struct native_call *call, const struct error *err, struct buffer *out)
{
    bool is_delete = bytes_equal_string(call->http->method, "DELETE");

    switch (err->code) {
    case ST_NO_SUCH_BUCKET:
        buffer_append_string(out, "bucket \"");
        native_bck_append_url(&call->bck, out);
        buffer_append_string(out, "\" does not exist");
        return;
    case ST_NO_SUCH_KEY:
        if (!is_delete) {
            buffer_printf(out, "t[%s]: ", call->native->node_id);
        }
        native_bck_append_url(&call->bck, out);
        buffer_printf(out, "/%.*s %s", BYTES_ARGS(call->object_name),
                      is_delete ? "doesn't exist" : "does not exist");
        return;
    case ST_DIGEST_MISMATCH:
        buffer_printf(out, "t[%s]: %s, object ", call->native->node_id, err->text);
        native_bck_append_url(&call->bck, out);
        buffer_printf(out, "/%.*s", BYTES_ARGS(call->object_name));
        return;
    default:
        buffer_append_string(out, err->text[0] != '\0' ? err->text : status_text(err->code));
        return;
    }
}

void
native_call_answer_error(struct native_call *call, const struct error *err)
{
    struct native_failure failure = {
        .http_status = call->reply.http_status >= 400 ? call->reply.http_status
                                                      : native_http_status(err->code),
        .tcode = err->dialect_code != NULL ? err->dialect_code : native_error_type(err->code),
        .node_id = call->native->node_id,
        .operation = operation_name(call),
        .code = err->code,
    };
    struct buffer message = BUFFER_INIT;

    append_message(call, err, &message);
    failure.message = arena_copy(call->arena, buffer_bytes(&message));
    failure.headers = call->reply.headers;
    failure.header_count = call->reply.header_count;
    buffer_release(&message);
    native_repeat_end(call, false);
    source_release(&call->reply.source);
    native_call_release(call);
    native_answer_failure(call->exchange, &failure);
}
