/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_body.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/memory.h"
#include "net/http_metrics.h"
#include "net/http_relay.h"
#include "net/http_run.h"

#include "base/banned.h"

/* Room for the framing that ends a collected chunked body of exactly the greatest size. */
#define COLLECT_SLACK_BYTES ((size_t)1024)

static void run_job(struct worker_job *job);
static void on_job_done(struct loop_message *message);

void
http_body_begin(struct http_exchange *exchange)
{
    struct http_body *body = &exchange->body;

    memset(body, 0, sizeof(*body));
    body->is_chunked = exchange->request.content_length == HTTP_LENGTH_UNKNOWN;
    body->left = body->is_chunked ? 0 : exchange->request.content_length;
    body->is_complete = !exchange->request.has_body;
    /* Also of an empty body: botocore takes an answer without 100 Continue for a refusal, and
     * misreads the next one on the same connection. */
    body->needs_continue = exchange->request.expects_continue;
    body->chunked = HTTP_CHUNKED_INIT;
    list_init(&body->ready);
    list_init(&body->batch);
    atomic_init(&body->is_unwanted, false);
    body->job.run = run_job;
    body->job_message.run = on_job_done;
}

void
http_body_ask(struct http_connection *connection, enum http_body_mode mode)
{
    struct http_exchange *exchange = &connection->exchange;

    assert_on_loop();
    CHECK(exchange->has_handler && exchange->body.mode == HTTP_BODY_UNASKED);
    exchange->body.mode = mode;
    if (mode == HTTP_BODY_COLLECT && exchange->body.left > exchange->body.size_max) {
        http_body_fail(exchange, ST_TOO_LARGE, "The body is too large.");
    }
    http_run_receive_body(connection);
}

void
http_body_fail(struct http_exchange *exchange, enum status st, const char *sentence)
{
    struct http_body *body = &exchange->body;

    if (!body->is_complete && body->failure == ST_OK) {
        body->failure = st;
        body->sentence = sentence;
    }
}

bool
http_body_is_unread(const struct http_body *body)
{
    return !body->is_complete;
}

void
http_body_skip_received(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;

    if (body->mode == HTTP_BODY_UNASKED && !body->is_complete && !body->is_chunked &&
        body->failure == ST_OK && body->left <= connection->socket->input->size) {
        h2o_buffer_consume(&connection->socket->input, (size_t)body->left);
        body->bytes_in = body->left;
        metric_add(&http_received_bytes_total, (int64_t)body->bytes_in);
        body->left = 0;
        body->is_complete = true;
    }
}

bool
http_body_spoils_connection(const struct http_body *body)
{
    /* Behind the prefix of a chunked one stands the end of its chunk. */
    if (body->is_withheld && body->needs_continue && !body->is_chunked && body->failure == ST_OK) {
        return false;
    }
    return http_body_is_unread(body) || body->needs_continue;
}

static bool
has_ended(const struct http_body *body)
{
    return body->is_complete || body->failure != ST_OK;
}

static void
put_list(struct http_connection *connection, struct list *list)
{
    struct http_body *body = &connection->exchange.body;
    struct list *node;

    while ((node = list_take_first(list)) != NULL) {
        struct body_buffer *buffer = CONTAINER_OF(struct body_buffer, node, node);

        http_loop_put_buffer(connection->loop, &buffer);
        body->buffer_count--;
    }
}

void
http_body_release(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;

    if (body->mode == HTTP_BODY_STREAM) {
        put_list(connection, &body->ready);
        put_list(connection, &body->batch);
    }
    if (body->mode == HTTP_BODY_STREAM || body->mode == HTTP_BODY_RELAY) {
        http_loop_put_buffer(connection->loop, &body->filling);
    }
    if (body->collected != NULL) {
        free(body->collected);
        body->collected = NULL;
        body_budget_give(&connection->loop->shared->budget, body->collected_capacity);
    }
}

/* ---- the worker's side ---- */

static enum status
write_batch(struct http_body *body, struct error *err)
{
    for (struct list *node = body->batch.next; node != &body->batch; node = node->next) {
        struct body_buffer *buffer = CONTAINER_OF(struct body_buffer, node, node);
        enum status st = sink_write(body->sink, bytes_of(buffer->data, buffer->size), err);

        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

static void
run_job(struct worker_job *job)
{
    struct http_body *body = CONTAINER_OF(struct http_body, job, job);
    struct http_exchange *exchange = CONTAINER_OF(struct http_exchange, body, body);
    struct error err = ERROR_INIT;
    enum status st;

    if (body->batch_failure != ST_OK) {
        st = fail(&err, body->batch_failure, "%s", body->sentence);
    } else {
        st = write_batch(body, &err);
        if (st == ST_OK && !body->is_last_batch) {
            event_loop_post(&http_connection_of(exchange)->loop->event_loop, &body->job_message);
            return;
        }
        if (st == ST_OK) {
            st = sink_finish(body->sink, &err);
        }
    }
    atomic_store_explicit(&body->is_unwanted, true, memory_order_relaxed);
    body->streamed_done(exchange, st, &err);
}

/* What was collected moves to the arena: the body may be collected once more. */
static struct bytes
take_collected(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    struct bytes bytes =
        arena_copy(&connection->exchange.arena, bytes_of(body->collected, body->collected_size));

    free(body->collected);
    body_budget_give(&connection->loop->shared->budget, body->collected_capacity);
    body->collected = NULL;
    body->collected_size = 0;
    body->collected_capacity = 0;
    return bytes;
}

/* ---- the loop's side of a stream ---- */

static void
submit_job(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;

    if (body->is_job_running || (list_is_empty(&body->ready) && !has_ended(body))) {
        return;
    }
    CHECK(list_is_empty(&body->batch));
    for (size_t i = 0; i < HTTP_BODY_BATCH_MAX && !list_is_empty(&body->ready); i++) {
        list_append(&body->batch, list_take_first(&body->ready));
    }
    body->batch_failure = body->failure;
    body->is_last_batch = body->is_complete && list_is_empty(&body->ready);
    body->is_job_running = true;
    worker_pool_submit(connection->loop->shared->options.workers, &body->job);
}

static void
on_job_done(struct loop_message *message)
{
    struct http_body *body = CONTAINER_OF(struct http_body, job_message, message);
    struct http_exchange *exchange = CONTAINER_OF(struct http_exchange, body, body);
    struct http_connection *connection = http_connection_of(exchange);

    put_list(connection, &body->batch);
    body->is_job_running = false;
    submit_job(connection);
    http_run(connection);
}

/* The rest is as it was: nobody asked for it. */
static void
settle_prefix(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    struct http_body *body = &exchange->body;
    bool has_prefix = body->collected_size == body->size_max;

    if (!has_prefix && !has_ended(body)) {
        return;
    }
    body->mode = HTTP_BODY_UNASKED;
    body->is_withheld = has_prefix;
    if (has_prefix) {
        body->bytes_in = 0;
        body->collected_done(exchange, ST_OK, take_collected(connection));
    } else {
        body->collected_done(exchange, body->failure != ST_OK ? body->failure : ST_INVALID,
                             BYTES_NONE);
    }
}

void
http_body_settle(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;

    if (body->mode == HTTP_BODY_PREFIX) {
        settle_prefix(connection);
        return;
    }
    if (!has_ended(body) || body->is_settled || body->mode == HTTP_BODY_UNASKED) {
        return;
    }
    body->is_settled = true;
    if (body->mode == HTTP_BODY_STREAM) {
        submit_job(connection);
    } else if (body->mode == HTTP_BODY_RELAY) {
        http_relay_settle(&connection->exchange);
    } else if (body->failure != ST_OK) {
        body->collected_done(&connection->exchange, body->failure, BYTES_NONE);
    } else {
        body->collected_done(&connection->exchange, ST_OK,
                             bytes_of(body->collected, body->collected_size));
    }
}

/* ---- receiving ---- */

/* Up to room bytes from what was read ahead, or from the socket.  ST_WOULD_WAIT, ST_INCOMPLETE
 * (the client ended its side), ST_CLOSED. */
static enum status
receive(struct http_connection *connection, char *out, size_t room, size_t *ret_size)
{
    h2o_buffer_t *input = connection->socket->input;
    ssize_t size;

    if (input->size != 0) {
        *ret_size = input->size < room ? input->size : room;
        memcpy(out, input->bytes, *ret_size);
        h2o_buffer_consume(&connection->socket->input, *ret_size);
        return ST_OK;
    }
    if (connection->is_tls) {
        return connection->is_input_over ? ST_INCOMPLETE : ST_WOULD_WAIT;
    }
    do {
        size = recv(h2o_socket_get_fd(connection->socket), out, room, 0);
    } while (size == -1 && errno == EINTR);
    if (size > 0) {
        *ret_size = (size_t)size;
        return ST_OK;
    }
    if (size == 0) {
        return ST_INCOMPLETE;
    }
    return errno == EAGAIN ? ST_WOULD_WAIT : ST_CLOSED;
}

/* What was received beyond the body belongs to the next request: back in front of the rest. */
static void
put_back(struct http_connection *connection, const char *data, size_t size)
{
    h2o_buffer_t **input = &connection->socket->input;
    size_t old_size = (*input)->size;

    if (size == 0) {
        return;
    }
    CHECK(h2o_buffer_reserve(input, size).base != NULL);
    if (old_size != 0) {
        memmove((*input)->bytes + size, (*input)->bytes, old_size);
    }
    memcpy((*input)->bytes, data, size);
    (*input)->size = old_size + size;
}

/* raw_size bytes stand at data: count or decode them.  ret_size of the body remain there. */
static void
take_raw(struct http_connection *connection, char *data, size_t raw_size, size_t *ret_size)
{
    struct http_body *body = &connection->exchange.body;
    size_t rest;
    enum status st;

    *ret_size = raw_size;
    if (body->is_chunked) {
        st = http_chunked_decode(&body->chunked, data, raw_size, ret_size, &rest);
        if (st == ST_INVALID) {
            *ret_size = 0;
            http_body_fail(&connection->exchange, ST_INVALID,
                           "The chunked coding of the body is broken.");
            return;
        }
        if (st == ST_OK) {
            put_back(connection, data + raw_size - rest, rest);
            body->is_complete = true;
        }
    } else {
        body->left -= raw_size;
        body->is_complete = body->left == 0;
    }
    body->bytes_in += *ret_size;
    metric_add(&http_received_bytes_total, (int64_t)*ret_size);
}

/* One receive to data; false if there was nothing. */
static bool
receive_part(struct http_connection *connection, char *data, size_t room, size_t *ret_size)
{
    struct http_exchange *exchange = &connection->exchange;
    size_t raw_size;
    enum status st;

    if (!exchange->body.is_chunked && room > exchange->body.left) {
        room = (size_t)exchange->body.left;
    }
    st = receive(connection, data, room, &raw_size);
    *ret_size = 0;
    if (st == ST_OK) {
        take_raw(connection, data, raw_size, ret_size);
    } else if (st == ST_INCOMPLETE) {
        exchange->wants_close = true;
        http_body_fail(exchange, st, "The client ended the body before its announced length.");
    } else if (st == ST_CLOSED) {
        exchange->wants_close = true;
        http_body_fail(exchange, st, "The client closed the connection during the body.");
    }
    return st == ST_OK;
}

/* ---- collect ---- */

static bool
grow_collected(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    struct body_budget *budget = &connection->loop->shared->budget;
    size_t limit = body->is_chunked ? body->size_max + COLLECT_SLACK_BYTES : (size_t)body->left;
    size_t capacity = body->is_chunked ? BODY_BUFFER_SMALL_BYTES : limit;

    if (body->collected != NULL) {
        capacity = body->collected_capacity * 2;
    }
    if (capacity > limit) {
        capacity = limit;
    }
    if (!body_budget_take(budget, capacity - body->collected_capacity)) {
        http_body_fail(&connection->exchange, ST_BUSY, "No memory is left for bodies.");
        return false;
    }
    body->collected = xrealloc(body->collected, capacity);
    body->collected_capacity = capacity;
    return true;
}

static enum http_body_step
pump_collect(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    size_t turn_bytes = 0;

    while (!has_ended(body)) {
        size_t room = body->collected_capacity - body->collected_size;
        size_t size;

        if (turn_bytes >= HTTP_BYTES_PER_TURN) {
            return HTTP_BODY_STEP_YIELD;
        }

        if (room == 0 && !grow_collected(connection)) {
            break;
        }
        room = body->collected_capacity - body->collected_size;
        if (!receive_part(connection, body->collected + body->collected_size, room, &size)) {
            return has_ended(body) ? HTTP_BODY_STEP_ENDED : HTTP_BODY_STEP_INPUT;
        }
        body->collected_size += size;
        turn_bytes += size;
        if (body->collected_size > body->size_max) {
            body->is_complete = false;
            http_body_fail(&connection->exchange, ST_TOO_LARGE, "The body is too large.");
        }
    }
    return HTTP_BODY_STEP_ENDED;
}

/* ---- stream ---- */

/* A buffer to fill, if this request and the budget have one more. */
static enum http_body_step
get_filling(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    uint64_t wanted = body->is_chunked ? BODY_BUFFER_BYTES : body->left;

    if (body->buffer_count == HTTP_BODY_BUFFERS_MAX) {
        return HTTP_BODY_STEP_ROOM;
    }
    body->filling = http_loop_get_buffer(connection->loop, wanted);
    if (body->filling != NULL) {
        body->buffer_count++;
        return HTTP_BODY_STEP_INPUT;
    }
    if (body->buffer_count != 0) {
        return HTTP_BODY_STEP_ROOM; /* its own buffers come back */
    }
    http_body_fail(&connection->exchange, ST_BUSY, "No memory is left for bodies.");
    return HTTP_BODY_STEP_ENDED;
}

static enum http_body_step
pump_stream(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    size_t turn_bytes = 0;

    while (!has_ended(body)) {
        struct body_buffer *buffer;
        size_t size;

        if (atomic_load_explicit(&body->is_unwanted, memory_order_relaxed)) {
            return HTTP_BODY_STEP_ENDED;
        }
        if (turn_bytes >= HTTP_BYTES_PER_TURN) {
            return HTTP_BODY_STEP_YIELD;
        }
        if (body->filling == NULL) {
            enum http_body_step step = get_filling(connection);

            if (step != HTTP_BODY_STEP_INPUT) {
                return step;
            }
        }
        buffer = body->filling;
        if (!receive_part(connection, buffer->data + buffer->size, buffer->capacity - buffer->size,
                          &size)) {
            return has_ended(body) ? HTTP_BODY_STEP_ENDED : HTTP_BODY_STEP_INPUT;
        }
        buffer->size += size;
        turn_bytes += size;
        if (buffer->size == buffer->capacity || (body->is_complete && buffer->size != 0)) {
            list_append(&body->ready, &buffer->node);
            body->filling = NULL;
            if (!body->is_complete) {
                submit_job(connection);
            }
        }
    }
    return HTTP_BODY_STEP_ENDED;
}

/* ---- to a peer ---- */

static enum http_body_step
pump_relay(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    size_t turn_bytes = 0;

    for (;;) {
        enum status st = http_relay_push(&connection->exchange);
        size_t size = 0;

        if (st != ST_OK) {
            return st == ST_WOULD_WAIT ? HTTP_BODY_STEP_ROOM : HTTP_BODY_STEP_ENDED;
        }
        if (has_ended(body)) {
            return HTTP_BODY_STEP_ENDED;
        }
        if (turn_bytes >= HTTP_BYTES_PER_TURN) {
            return HTTP_BODY_STEP_YIELD;
        }
        if (body->filling == NULL) {
            enum http_body_step step = get_filling(connection);

            if (step != HTTP_BODY_STEP_INPUT) {
                return step;
            }
        }
        if (!receive_part(connection, body->filling->data, body->filling->capacity, &size)) {
            return has_ended(body) ? HTTP_BODY_STEP_ENDED : HTTP_BODY_STEP_INPUT;
        }
        turn_bytes += size;
        if (body->failure == ST_OK && (size != 0 || body->is_complete)) {
            http_relay_frame(&connection->exchange, body->filling->data, size, body->is_complete);
        }
    }
}

/* ---- a part in front of the rest ---- */

static enum http_body_step
pump_prefix(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;

    if (body->collected == NULL) {
        if (!body_budget_take(&connection->loop->shared->budget, body->size_max)) {
            http_body_fail(&connection->exchange, ST_BUSY, "No memory is left for bodies.");
            return HTTP_BODY_STEP_ENDED;
        }
        body->collected = xmalloc(body->size_max);
        body->collected_capacity = body->size_max;
    }
    while (body->collected_size < body->size_max && !has_ended(body)) {
        size_t size;

        if (!receive_part(connection, body->collected + body->collected_size,
                          body->size_max - body->collected_size, &size)) {
            return has_ended(body) ? HTTP_BODY_STEP_ENDED : HTTP_BODY_STEP_INPUT;
        }
        body->collected_size += size;
    }
    return HTTP_BODY_STEP_ENDED;
}

enum http_body_step
http_body_pump(struct http_connection *connection)
{
    switch (connection->exchange.body.mode) {
    case HTTP_BODY_COLLECT:
        return pump_collect(connection);
    case HTTP_BODY_PREFIX:
        return pump_prefix(connection);
    case HTTP_BODY_RELAY:
        return pump_relay(connection);
    default:
        return pump_stream(connection);
    }
}
