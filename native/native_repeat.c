/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_repeat.h"

#include "base/check.h"
#include "base/field_codec.h"
#include "base/hash.h"

#include "base/banned.h"

/* Who asks, without the port, and what comes with the request. */
static uint64_t
request_digest(const struct native_call *call)
{
    struct bytes address = call->http->peer_address;
    size_t end = address.size;
    uint64_t body = call->has_message ? hash_bytes(call->body, 0) : call->body_digest;

    while (end > 0 && address.data[end - 1] != ':') {
        end--;
    }
    return hash_bytes(bytes_slice(address, 0, end), body);
}

static void
encode(const struct native_reply *reply, struct buffer *out)
{
    CHECK(reply->source == NULL && !reply->has_content_length);
    field_put_varint(out, reply->http_status != 0 ? (uint64_t)reply->http_status : 200);
    field_put_varint(out, reply->header_count);
    for (size_t i = 0; i < reply->header_count; i++) {
        field_put_counted(out, reply->headers[i].name);
        field_put_counted(out, reply->headers[i].value);
    }
    field_put_counted(out, buffer_bytes(&reply->body));
}

/* What encode made of it: anything else is our fault. */
static void
decode(struct native_call *call, struct bytes text)
{
    uint64_t http_status = 0;
    uint64_t count = 0;
    struct bytes body;

    CHECK(field_cut_varint(&text, &http_status) && field_cut_varint(&text, &count));
    for (uint64_t i = 0; i < count; i++) {
        struct bytes name;
        struct bytes value;

        CHECK(field_cut_counted(&text, &name) && field_cut_counted(&text, &value));
        native_reply_header(call, arena_string(call->arena, name), value);
    }
    CHECK(field_cut_counted(&text, &body) && text.size == 0);
    native_reply_header(call, NATIVE_REPEAT_HEADER, BYTES_LITERAL("true"));
    call->reply.http_status = (int)http_status;
    buffer_append_bytes(&call->reply.body, body);
}

static bool
is_write(const struct native_call *call)
{
    return !bytes_equal_string(call->http->method, "GET") &&
           !bytes_equal_string(call->http->method, "HEAD");
}

enum status
native_repeat_take(struct native_call *call, bool *ret_is_told, struct error *err)
{
    struct bytes answer = BYTES_NONE;
    enum status st;

    *ret_is_told = false;
    if (!call->is_marked || call->has_taken_mark || !is_write(call)) {
        return ST_OK;
    }
    if (call->mark.count == 0) {
        return fail(err, ST_DENIED, "the redirect is for a request that only reads");
    }
    call->mark_digest = request_digest(call);
    st = redirect_take(call->native->redirects, &call->mark, call->mark_digest, call->arena,
                       &answer, err);
    if (st == ST_OK && answer.size > 0) {
        decode(call, answer);
        *ret_is_told = true;
    }
    call->has_taken_mark = st == ST_OK && answer.size == 0;
    return st;
}

void
native_repeat_end(struct native_call *call, bool is_success)
{
    struct buffer answer = BUFFER_INIT;

    if (!call->has_taken_mark) {
        return;
    }
    call->has_taken_mark = false;
    if (is_success) {
        encode(&call->reply, &answer);
    }
    redirect_end(call->native->redirects, &call->mark, call->mark_digest, buffer_bytes(&answer));
    buffer_release(&answer);
}
