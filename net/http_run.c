/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_run.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "net/http_body.h"
#include "net/http_head.h"
#include "net/http_listener.h"
#include "net/http_metrics.h"
#include "net/http_relay.h"
#include "net/http_reply.h"

#include "base/banned.h"

/* ---- exchanges ---- */

static void
begin_exchange(struct http_connection *connection, const struct http_head *head)
{
    struct http_exchange *exchange = &connection->exchange;
    uint64_t id = entropy_u64();

    exchange->request = head->request;
    exchange->request.is_tls = connection->is_tls;
    exchange->request.peer_address = bytes_of_string(connection->peer);
    exchange->request.received_ns = clock_monotonic_ns();
    for (int i = 0; i < 16; i++) {
        exchange->request.id[i] = "0123456789ABCDEF"[(id >> (60 - 4 * i)) & 15];
    }
    exchange->data = NULL;
    exchange->is_active = true;
    exchange->has_handler = false;
    exchange->has_response = false;
    exchange->load_class = LOAD_SMALL;
    exchange->gate.is_counted = false;
    exchange->is_http_1_0 = head->is_http_1_0;
    exchange->wants_close = head->wants_close;
    atomic_store_explicit(&exchange->is_abandoned, false, memory_order_relaxed);
    http_body_begin(exchange);
}

static void
begin_reply(struct http_connection *connection)
{
    connection->exchange.has_handler = false;
    connection->is_choked = false;
    http_connection_move(connection, HTTP_REPLY);
    http_connection_watch_input(connection);
    http_body_skip_received(connection);
    if (connection->timer_kind == HTTP_TIMER_RATE) {
        http_connection_stop_timer(connection); /* it measured the body */
    }
    http_reply_begin(connection);
}

/* An answer of our own to what was no request, or one over the cap. */
static void
answer_error(struct http_connection *connection, int status, const char *error_code,
             const char *sentence)
{
    /* What follows is unread, and not to be understood: linger. */
    connection->exchange.body.is_complete = false;
    connection->exchange.body.left = UINT64_MAX;
    http_reply_set_error(connection, status, error_code, sentence);
    begin_reply(connection);
}

static void
write_log(struct http_connection *connection, uint64_t bytes_out)
{
    const struct http_exchange *exchange = &connection->exchange;
    const struct http_server_options *options = &connection->loop->shared->options;
    struct http_log_entry entry = {
        .request = &exchange->request,
        .status = exchange->response.status,
        .bytes_in = exchange->body.bytes_in,
        .bytes_out = bytes_out,
        .duration_ns = clock_monotonic_ns() - exchange->request.received_ns,
        .operation = exchange->response.operation,
        .error_code = exchange->response.error_code,
        .user = exchange->response.user,
    };

    if (options->log != NULL) {
        options->log(&entry, options->log_arg);
    }
}

/* The answer is with the kernel, or will never be. */
static void
finish_exchange(struct http_connection *connection, bool is_cut)
{
    struct http_exchange *exchange = &connection->exchange;
    uint64_t bytes_out = http_reply_body_bytes(&exchange->reply);

    metric_add(&http_sent_bytes_total, (int64_t)bytes_out);
    metric_add(&http_responses_total[exchange->response.status / 100 - 1], 1);
    if (is_cut) {
        metric_add(&http_cut_total, 1);
    }
    http_reply_release(connection);
    http_relay_release(exchange);
    http_body_release(connection);
    write_log(connection, bytes_out);
    http_gate_leave(exchange);
    arena_release(&exchange->arena);
    exchange->is_active = false;
    connection->head_seen = 0;
}

static void
after_reply(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    bool has_unread = http_body_is_unread(&exchange->body) ||
                      connection->reading == HTTP_READ_OFF || connection->socket->input->size != 0;

    finish_exchange(connection, false);
    if (!exchange->wants_close) {
        http_connection_move(connection, HTTP_IDLE);
        http_connection_set_timer(connection, HTTP_TIMER_IDLE);
    } else if (has_unread) {
        http_connection_linger(connection);
    } else {
        http_connection_close(connection);
    }
}

/* The handler asked.  What follows happens after it has returned. */
void
http_run_receive_body(struct http_connection *connection)
{
    if (connection->state != HTTP_CLOSING && connection->state != HTTP_CLOSED) {
        http_connection_move(connection, HTTP_BODY);
    }
    if (!connection->is_running) {
        http_connection_resume_later(connection);
    }
}

/* An answer without a request. */
static void
answer_nothing(struct http_connection *connection, int status, const char *error_code,
               const char *sentence)
{
    struct http_head nothing = {.wants_close = true};

    begin_exchange(connection, &nothing);
    answer_error(connection, status, error_code, sentence);
}

void
http_run_answer_timeout(struct http_connection *connection)
{
    answer_nothing(connection, 408, "RequestTimeout", "The head of the request took too long.");
    http_run(connection);
}

/* ---- memory of inputs ---- */

/* A whole head in a fresh buffer is free: that is the hot path, and over within this run. */
static bool
counts_as_input(const struct http_connection *connection)
{
    const h2o_buffer_t *input = connection->socket->input;

    return input->size != 0 &&
           (input->capacity > HTTP_INPUT_BYTES_FREE || connection->head_seen != 0);
}

static void
charge_input(struct http_connection *connection)
{
    struct body_budget *budget = &connection->loop->shared->input_budget;
    size_t wanted = connection->socket != NULL && counts_as_input(connection)
                        ? connection->socket->input->capacity
                        : 0;

    if (wanted > connection->input_charged) {
        body_budget_overdraw(budget, wanted - connection->input_charged);
    } else if (wanted < connection->input_charged) {
        body_budget_give(budget, connection->input_charged - wanted);
    }
    connection->input_charged = wanted;
}

/* ---- the steps of a run; true: go on with the new state ---- */

static bool
step_head(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    const h2o_buffer_t *input = connection->socket->input;
    struct http_head head;
    enum http_head_result result;

    if (input->size == 0) {
        http_connection_read_input(connection);
        return false;
    }
    if (connection->state == HTTP_IDLE) {
        http_connection_move(connection, HTTP_HEAD);
    }
    if (counts_as_input(connection) && connection->input_charged < input->capacity &&
        body_budget_is_spent(&connection->loop->shared->input_budget)) {
        answer_nothing(connection, 503, "SlowDown", "No memory is left for requests.");
        return true;
    }
    result = http_head_parse(bytes_of(input->bytes, input->size), connection->head_seen,
                             &exchange->arena, &head);
    if (result == HTTP_HEAD_INCOMPLETE) {
        http_connection_keep_timer(connection, HTTP_TIMER_HEAD);
        connection->head_seen = input->size;
        http_connection_read_input(connection);
        return false;
    }
    begin_exchange(connection, &head);
    if (result == HTTP_HEAD_REFUSED) {
        answer_error(connection, head.refusal_status, "BadRequest", head.refusal_sentence);
        return true;
    }
    h2o_buffer_consume(&connection->socket->input, head.size);
    if (connection->is_refused) {
        answer_error(connection, 503, "SlowDown", "Too many connections. Please slow down.");
        return true;
    }
    http_connection_move(connection, HTTP_HANDLER);
    exchange->has_handler = true;
    http_listener_handle(connection->listener, exchange);
    return true;
}

static bool
step_handler(struct http_connection *connection)
{
    if (connection->exchange.has_response) {
        begin_reply(connection);
        return true;
    }
    http_connection_keep_timer(connection, HTTP_TIMER_WATCH);
    http_connection_watch_input(connection);
    return false;
}

static bool
send_continue(struct http_connection *connection)
{
    struct http_body *body = &connection->exchange.body;
    static const char TEXT[] = "HTTP/1.1 100 Continue\r\n\r\n";
    h2o_iovec_t part = h2o_iovec_init(TEXT, sizeof(TEXT) - 1);

    /* Not needed where the client did not wait, or where the answer is a refusal. */
    if (!body->needs_continue || body->failure != ST_OK ||
        (connection->socket->input->size != 0 && !body->is_withheld)) {
        body->needs_continue = false;
        return false;
    }
    body->needs_continue = false;
    h2o_socket_write(connection->socket, &part, 1, http_connection_on_written);
    return true;
}

static bool
step_body(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    enum http_body_step step;

    if (exchange->has_response) {
        begin_reply(connection);
        return true;
    }
    if ((exchange->body.mode != HTTP_BODY_PREFIX && send_continue(connection)) ||
        h2o_socket_is_writing(connection->socket)) {
        http_connection_keep_timer(connection, HTTP_TIMER_RATE);
        return false;
    }
    step = http_body_pump(connection);
    connection->is_choked = step == HTTP_BODY_STEP_ROOM;
    switch (step) {
    case HTTP_BODY_STEP_INPUT:
        http_connection_keep_timer(connection, HTTP_TIMER_RATE);
        http_connection_read_input(connection);
        return false;
    case HTTP_BODY_STEP_ROOM:
        http_connection_keep_timer(connection, HTTP_TIMER_WATCH);
        http_connection_watch_input(connection);
        return false;
    case HTTP_BODY_STEP_YIELD:
        http_connection_resume_later(connection);
        return false;
    case HTTP_BODY_STEP_ENDED:
    default:
        http_connection_move(connection, HTTP_HANDLER);
        http_body_settle(connection);
        return true;
    }
}

static bool
step_reply(struct http_connection *connection)
{
    static const struct linger RESET = {.l_onoff = 1, .l_linger = 0};

    switch (http_reply_pump(connection)) {
    case HTTP_REPLY_STEP_SENT:
        after_reply(connection);
        return true;
    case HTTP_REPLY_STEP_WAIT:
        http_connection_keep_timer(connection, HTTP_TIMER_RATE);
        http_connection_watch_input(connection);
        return false;
    case HTTP_REPLY_STEP_YIELD:
        http_connection_resume_later(connection);
        return false;
    case HTTP_REPLY_STEP_CUT:
    default:
        if (connection->exchange.reply.must_reset) {
            setsockopt(h2o_socket_get_fd(connection->socket), SOL_SOCKET, SO_LINGER, &RESET,
                       sizeof(RESET));
        }
        http_connection_lose(connection);
        return true;
    }
}

/* Without a socket: wait for the handler, then for the worker, then be over. */
static bool
step_closed(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;

    if (exchange->has_handler) {
        if (!exchange->has_response) {
            http_body_settle(connection);
            return exchange->has_response;
        }
        exchange->has_handler = false;
        memset(&exchange->reply, 0, sizeof(exchange->reply));
        exchange->reply.source = exchange->response.source;
    }
    if (exchange->is_active && !exchange->reply.is_reading) {
        finish_exchange(connection, true);
    }
    return false;
}

static bool
step(struct http_connection *connection)
{
    switch (connection->state) {
    case HTTP_IDLE:
    case HTTP_HEAD:
        return step_head(connection);
    case HTTP_HANDLER:
        return step_handler(connection);
    case HTTP_BODY:
        return step_body(connection);
    case HTTP_REPLY:
        return step_reply(connection);
    case HTTP_CLOSED:
        return step_closed(connection);
    default:
        return false; /* events drive these */
    }
}

static void
destroy(struct http_connection *connection)
{
    struct http_shared *shared = connection->loop->shared;

    event_loop_cancel(&connection->resume);
    list_remove(&connection->node);
    connection->magic = 0;
    free(connection);
    http_shared_count_connection(shared, -1);
}

void
http_run(struct http_connection *connection)
{
    int request_count = 0;

    if (connection->is_running) {
        return; /* the run that is under way goes on with it */
    }
    connection->is_running = true;
    while (step(connection)) {
        if (connection->state == HTTP_IDLE && ++request_count == HTTP_REQUESTS_PER_TURN) {
            http_connection_resume_later(connection);
            break;
        }
    }
    connection->is_running = false;
    charge_input(connection);
    if (connection->state == HTTP_CLOSED && !connection->exchange.is_active) {
        destroy(connection);
    }
}
