/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_caller.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/memory.h"
#include "net/call_connection.h"
#include "net/http_chunked.h"
#include "net/http_limits.h"
#include "net/http_request_head.h"

#include "base/banned.h"

/* One piece of a payload: as large as a body buffer. */
#define PIECE_BYTES BODY_BUFFER_BYTES

struct http_caller {
    pthread_mutex_t lock;
    struct list kept;  /* guarded by lock; kept last first */
    size_t kept_count; /* guarded by lock */
};

struct call_body {
    struct source source;
    struct http_caller *caller;
    struct call_connection *connection;
    struct http_chunked chunked;
    bool is_chunked;
    bool is_over;
    bool may_keep;
    uint64_t left;
    int64_t timeout_ms;
};

struct http_caller *
http_caller_create(void)
{
    struct http_caller *caller = xcalloc(1, sizeof(*caller));

    CHECK(pthread_mutex_init(&caller->lock, NULL) == 0);
    list_init(&caller->kept);
    return caller;
}

void
http_caller_destroy(struct http_caller **take_caller)
{
    struct http_caller *caller = *take_caller;
    struct list *node;

    if (caller == NULL) {
        return;
    }
    *take_caller = NULL;
    while ((node = list_take_first(&caller->kept)) != NULL) {
        call_connection_close(CONTAINER_OF(struct call_connection, node, node));
    }
    pthread_mutex_destroy(&caller->lock);
    free(caller);
}

/* ---- the pool ---- */

static struct call_connection *
find_kept_locked(struct http_caller *caller, const struct wire_options *wire)
{
    for (struct list *node = caller->kept.next; node != &caller->kept; node = node->next) {
        struct call_connection *connection = CONTAINER_OF(struct call_connection, node, node);

        if (wire_leads_to(&connection->wire, wire)) {
            list_remove(&connection->node);
            caller->kept_count--;
            return connection;
        }
    }
    return NULL;
}

static bool
is_usable(const struct call_connection *connection)
{
    return clock_monotonic_ns() - connection->kept_ns <
               (int64_t)HTTP_LIMITS_DEFAULT.kept_ms * CLOCK_NS_PER_MS &&
           wire_is_quiet(&connection->wire);
}

static struct call_connection *
take_kept(struct http_caller *caller, const struct wire_options *wire)
{
    for (;;) {
        struct call_connection *connection = NULL;

        WITH_LOCK (&caller->lock) {
            connection = find_kept_locked(caller, wire);
        }
        if (connection == NULL || is_usable(connection)) {
            return connection;
        }
        call_connection_close(connection);
    }
}

static void
keep(struct http_caller *caller, struct call_connection *connection)
{
    struct call_connection *surplus = NULL;

    connection->kept_ns = clock_monotonic_ns();
    WITH_LOCK (&caller->lock) {
        list_prepend(&caller->kept, &connection->node);
        if (++caller->kept_count > HTTP_CALLER_KEPT_MAX) {
            surplus = CONTAINER_OF(struct call_connection, node, caller->kept.previous);
            list_remove(&surplus->node);
            caller->kept_count--;
        }
    }
    call_connection_close(surplus);
}

static void
use_input(struct call_connection *connection, size_t size)
{
    connection->input.size -= size;
    memmove(connection->input.data, connection->input.data + size, connection->input.size);
}

static enum status
read_head(struct call_connection *connection, struct arena *arena,
          struct http_answer_head *ret_head, struct error *err)
{
    size_t seen = 0;

    for (;;) {
        size_t size;
        enum status st;

        switch (http_answer_head_parse(buffer_bytes(&connection->input), seen, false, arena,
                                       ret_head)) {
        case HTTP_HEAD_READY:
            use_input(connection, ret_head->size);
            return ST_OK;
        case HTTP_HEAD_REFUSED:
            return fail(err, ST_INVALID, "The answer of a node cannot be read: %s",
                        ret_head->refusal);
        case HTTP_HEAD_INCOMPLETE:
            break;
        }
        seen = connection->input.size;
        st = call_connection_receive(connection,
                                     buffer_reserve(&connection->input, HTTP_HEAD_READ_BYTES),
                                     HTTP_HEAD_READ_BYTES, &size, err);
        if (st != ST_OK) {
            return st;
        }
        connection->input.size += size;
    }
}

/* ---- the payload ---- */

struct http_call {
    struct http_caller *caller;
    struct call_connection *connection;
    struct source *payload;
    uint64_t payload_size;
    int64_t timeout_ms;
};

static enum status
send_piece(struct call_connection *connection, char *data, size_t size, bool is_chunked,
           struct error *err)
{
    char line[24];
    struct iovec parts[3] = {{line, 0}, {data, size}, {(void *)(uintptr_t) "\r\n", 2}};
    struct arena arena = ARENA_INIT;
    struct bytes text;
    enum status st;

    if (!is_chunked) {
        return size == 0 ? ST_OK : call_connection_send(connection, parts + 1, 1, err);
    }
    /* "0\r\n" and "\r\n" end the body. */
    text = arena_printf_bytes(&arena, "%zx\r\n", size);
    CHECK(text.size <= sizeof(line));
    memcpy(line, text.data, text.size);
    arena_release(&arena);
    parts[0].iov_len = text.size;
    st = call_connection_send(connection, parts, ARRAY_COUNT(parts), err);
    return st;
}

/* *ret_is_whole: false: the peer answers already. */
static enum status
send_payload(struct http_call *call, bool *ret_is_whole, struct error *err)
{
    struct call_connection *connection = call->connection;
    bool is_chunked = call->payload_size == HTTP_LENGTH_UNKNOWN;
    char *piece = xmalloc(PIECE_BYTES);
    uint64_t left = call->payload_size;
    enum status st = ST_OK;
    size_t size = 1;

    *ret_is_whole = true;
    while (st == ST_OK && left != 0 && size != 0) {
        st = source_read(call->payload, READ_MAY_WAIT, piece,
                         left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &size, err);
        if (st == ST_OK && size == 0 && !is_chunked) {
            st = fail(err, ST_INTERNAL, "A payload for a node is shorter than announced");
        }
        if (st == ST_OK && wire_has_input(&connection->wire)) {
            *ret_is_whole = false;
            break;
        }
        call_connection_set_deadline(connection, call->timeout_ms);
        if (st == ST_OK) {
            st = send_piece(connection, piece, size, is_chunked, err);
        }
        left -= is_chunked ? 0 : size;
    }
    free(piece);
    call_connection_set_deadline(connection, call->timeout_ms);
    return st;
}

/* ---- the body of the answer ---- */

static enum status
body_receive(struct call_body *body, char *out, size_t capacity, size_t *ret_size,
             struct error *err)
{
    struct call_connection *connection = body->connection;

    if (connection->input.size != 0) {
        *ret_size = connection->input.size < capacity ? connection->input.size : capacity;
        memcpy(out, connection->input.data, *ret_size);
        use_input(connection, *ret_size);
        return ST_OK;
    }
    call_connection_set_deadline(connection, body->timeout_ms);
    return call_connection_receive(connection, out, capacity, ret_size, err);
}

static enum status
body_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
          struct error *err)
{
    struct call_body *body = CONTAINER_OF(struct call_body, source, source);
    size_t size = 0;

    if (mode == READ_NO_WAIT && !body->is_over) {
        return ST_WOULD_WAIT;
    }
    while (size == 0 && !body->is_over) {
        size_t room = !body->is_chunked && capacity > body->left ? (size_t)body->left : capacity;
        size_t rest = 0;
        enum status st = body_receive(body, out, room, &size, err);

        if (st != ST_OK) {
            return st;
        }
        if (!body->is_chunked) {
            body->left -= size;
            body->is_over = body->left == 0;
            continue;
        }
        st = http_chunked_decode(&body->chunked, out, size, &size, &rest);
        body->is_over = st == ST_OK;
        if (st == ST_INVALID || rest != 0) {
            return fail(err, ST_INVALID, "The chunked coding of a node's answer is broken");
        }
    }
    *ret_size = size;
    return ST_OK;
}

static void
leave(struct http_caller *caller, struct call_connection *connection, bool may_keep)
{
    if (may_keep && connection->input.size == 0 && wire_is_drained(&connection->wire)) {
        keep(caller, connection);
    } else {
        call_connection_close(connection);
    }
}

static void
body_release(struct source *source)
{
    struct call_body *body = CONTAINER_OF(struct call_body, source, source);

    leave(body->caller, body->connection, body->may_keep && body->is_over);
    free(body);
}

static const struct source_ops BODY_OPS = {body_read, NULL, body_release};

static struct source *
open_body(struct http_caller *caller, struct call_connection *connection,
          const struct http_answer_head *head, bool may_keep, int64_t timeout_ms)
{
    struct call_body *body = xcalloc(1, sizeof(*body));

    body->source.ops = &BODY_OPS;
    body->caller = caller;
    body->connection = connection;
    body->is_chunked = head->content_length == HTTP_LENGTH_UNKNOWN;
    body->chunked = HTTP_CHUNKED_INIT;
    body->left = head->content_length;
    body->may_keep = may_keep;
    body->timeout_ms = timeout_ms;
    return &body->source;
}

/* ---- the call ---- */

static enum status
send_request(struct call_connection *connection, const struct http_call_options *options,
             struct arena *arena, struct error *err)
{
    const struct http_request_head head = {
        .path = options->path,
        .host = options->wire.host,
        .headers = options->headers,
        .header_count = options->header_count,
        .prefix_size = options->prefix.size,
        .payload_size = options->payload != NULL ? options->payload_size : options->rest.size,
        .expects_continue = options->payload != NULL,
    };
    struct bytes text = http_request_head_write(&head, arena);
    struct iovec parts[3] = {{(void *)(uintptr_t)text.data, text.size},
                             {(void *)(uintptr_t)options->prefix.data, options->prefix.size},
                             {(void *)(uintptr_t)options->rest.data, options->rest.size}};
    struct bytes line;

    CHECK(options->payload == NULL || options->rest.size == 0);
    if (head.payload_size == HTTP_LENGTH_UNKNOWN) {
        line = arena_printf_bytes(arena, "%.*s%zx\r\n", BYTES_ARGS(text), options->prefix.size);
        parts[0] = (struct iovec){(void *)(uintptr_t)line.data, line.size};
        parts[2] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
    }
    return call_connection_send(connection, parts, ARRAY_COUNT(parts), err);
}

enum status
http_caller_begin(struct http_caller *caller, const struct http_call_options *options,
                  struct arena *arena, struct http_call **ret_call, struct error *err)
{
    struct call_connection *connection = take_kept(caller, &options->wire);
    struct http_call *call;
    enum status st = ST_OK;

    assert_on_worker();
    if (connection == NULL) {
        st = call_connection_open(&options->wire, options->timeout_ms, &connection, err);
    }
    if (st != ST_OK) {
        return st;
    }
    call_connection_set_deadline(connection, options->timeout_ms);
    st = send_request(connection, options, arena, err);
    if (st != ST_OK) {
        call_connection_close(connection);
        return st;
    }
    call = xcalloc(1, sizeof(*call));
    call->caller = caller;
    call->connection = connection;
    call->payload = options->payload;
    call->payload_size = options->payload_size;
    call->timeout_ms = options->timeout_ms;
    *ret_call = call;
    return ST_OK;
}

void
http_caller_cancel(struct http_call **take_call)
{
    struct http_call *call = *take_call;

    if (call != NULL) {
        *take_call = NULL;
        call_connection_close(call->connection);
        free(call);
    }
}

static enum status
converse(struct http_call *call, struct arena *arena, struct http_answer_head *ret_head,
         bool *ret_is_clean, struct error *err)
{
    bool is_whole = true;
    enum status st = read_head(call->connection, arena, ret_head, err);

    if (st == ST_OK && ret_head->status == 100 && call->payload != NULL) {
        st = send_payload(call, &is_whole, err);
        if (st == ST_OK) {
            st = read_head(call->connection, arena, ret_head, err);
        }
    }
    if (st == ST_OK && ret_head->status == 100) {
        st = fail(err, ST_INVALID, "A node asked for a payload that there is not");
    }
    *ret_is_clean = st == ST_OK && is_whole && !ret_head->wants_close;
    return st;
}

enum status
http_caller_finish(struct http_call **take_call, struct arena *arena,
                   struct http_call_result *ret_result, struct error *err)
{
    struct http_call *call = *take_call;
    struct http_answer_head head;
    bool is_clean = false;
    enum status st = converse(call, arena, &head, &is_clean, err);

    assert_on_worker();
    if (st != ST_OK) {
        http_caller_cancel(take_call);
        return st;
    }
    *take_call = NULL;
    ret_result->head = head;
    ret_result->body = NULL;
    if (head.has_body) {
        ret_result->body =
            open_body(call->caller, call->connection, &head, is_clean, call->timeout_ms);
    } else {
        leave(call->caller, call->connection, is_clean);
    }
    free(call);
    return ST_OK;
}

enum status
http_caller_call(struct http_caller *caller, const struct http_call_options *options,
                 struct arena *arena, struct http_call_result *ret_result, struct error *err)
{
    struct http_call *call;
    enum status st = http_caller_begin(caller, options, arena, &call, err);

    return st == ST_OK ? http_caller_finish(&call, arena, ret_result, err) : st;
}
