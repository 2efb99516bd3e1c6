/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/http_body.h"
#include "net/http_listener.h"
#include "net/http_metrics.h"
#include "net/http_run.h"

#include "base/banned.h"

#define BIT(state) (1U << (state))

/*
 * From each state: where it may go.  What it waits for, what the handler may do, which timer runs:
 *
 *   HANDSHAKE | TLS                    | -                                | HANDSHAKE
 *   IDLE      | first byte of a head   | -                                | HEAD if new, IDLE if
 * kept HEAD      | the rest of it         | -                                | HEAD, in total
 *   HANDLER   | the handler            | ask for the body, work, respond  | WATCH
 *   BODY      | client, or else sink   | respond once done was called     | RATE, or else WATCH
 *   REPLY     | socket, or else source | nothing: it gave the exchange up | RATE
 *   LINGER    | end of the client      | -                                | LINGER
 *   CLOSING   | goodbye of TLS         | as HANDLER, answers are dropped  | LINGER
 *   CLOSED    | handler, source        | as HANDLER, answers are dropped  | none
 */
static const unsigned ALLOWED_MOVES[HTTP_STATE_COUNT] = {
    [HTTP_HANDSHAKE] = BIT(HTTP_IDLE) | BIT(HTTP_CLOSING),
    [HTTP_IDLE] = BIT(HTTP_HEAD) | BIT(HTTP_CLOSING),
    [HTTP_HEAD] = BIT(HTTP_HANDLER) | BIT(HTTP_REPLY) | BIT(HTTP_CLOSING),
    [HTTP_HANDLER] = BIT(HTTP_BODY) | BIT(HTTP_REPLY) | BIT(HTTP_CLOSING),
    [HTTP_BODY] = BIT(HTTP_HANDLER) | BIT(HTTP_REPLY) | BIT(HTTP_CLOSING),
    [HTTP_REPLY] = BIT(HTTP_IDLE) | BIT(HTTP_LINGER) | BIT(HTTP_CLOSING),
    [HTTP_LINGER] = BIT(HTTP_CLOSING),
    [HTTP_CLOSING] = BIT(HTTP_CLOSED),
    [HTTP_CLOSED] = 0,
};

static void on_readable(h2o_socket_t *socket, const char *failure);

void
http_connection_move(struct http_connection *connection, enum http_connection_state state)
{
    CHECK(ALLOWED_MOVES[connection->state] & BIT(state));
    connection->state = state;
}

/* ---- timer and reading ---- */

static uint64_t
progress_of(struct http_connection *connection)
{
    const struct http_exchange *exchange = &connection->exchange;
    int queued = 0;

    if (connection->state == HTTP_BODY) {
        return exchange->body.bytes_in + exchange->body.chunked.overhead_bytes;
    }
    /* What stands in the kernel's queue was not taken by the client yet. */
    if (ioctl(h2o_socket_get_fd(connection->socket), SIOCOUTQ, &queued) != 0 ||
        (uint64_t)queued > exchange->reply.sent_bytes) {
        queued = 0;
    }
    return exchange->reply.sent_bytes - (uint64_t)queued;
}

void
http_connection_stop_timer(struct http_connection *connection)
{
    h2o_timeout_unlink(&connection->timer);
    connection->timer_kind = HTTP_TIMER_COUNT;
}

void
http_connection_set_timer(struct http_connection *connection, enum http_timer kind)
{
    http_connection_stop_timer(connection);
    http_loop_link_timer(connection->loop, kind, &connection->timer);
    connection->timer_kind = kind;
    if (kind == HTTP_TIMER_RATE) {
        connection->rate_mark = progress_of(connection);
    }
}

/* As set_timer, but what runs already runs on. */
void
http_connection_keep_timer(struct http_connection *connection, enum http_timer kind)
{
    if (connection->timer_kind != kind) {
        http_connection_set_timer(connection, kind);
    }
}

static void
set_reading(struct http_connection *connection, enum http_reading reading)
{
    if (connection->reading == reading) {
        return;
    }
    if (reading == HTTP_READ_OFF) {
        h2o_socket_read_stop(connection->socket);
    } else {
        h2o_socket_dont_read(connection->socket, reading == HTTP_READ_NOTIFY);
        if (connection->reading == HTTP_READ_OFF) {
            h2o_socket_read_start(connection->socket, on_readable);
        }
    }
    connection->reading = reading;
}

void
http_connection_read_input(struct http_connection *connection)
{
    set_reading(connection, connection->is_tls ? HTTP_READ_TLS : HTTP_READ_NOTIFY);
}

/* Nothing is received now, but the end of the client should be noticed.  Reading that is off stays
 * so: there was input, and the loop would spin on it. */
void
http_connection_watch_input(struct http_connection *connection)
{
    if (connection->reading == HTTP_READ_TLS) {
        set_reading(connection, HTTP_READ_NOTIFY);
    }
}

static void
run_resume(struct loop_task *task)
{
    http_run(CONTAINER_OF(struct http_connection, resume, task));
}

void
http_connection_resume_later(struct http_connection *connection)
{
    event_loop_defer(&connection->loop->event_loop, &connection->resume);
}

/* ---- the end of the socket ---- */

static void
on_socket_closed(void *arg)
{
    struct http_connection *connection = http_connection_from(arg);

    http_connection_stop_timer(connection);
    connection->socket = NULL;
    connection->reading = HTTP_READ_OFF;
    http_connection_move(connection, HTTP_CLOSED);
    http_run(connection);
}

void
http_connection_close(struct http_connection *connection)
{
    http_connection_move(connection, HTTP_CLOSING);
    set_reading(connection, HTTP_READ_OFF);
    http_connection_set_timer(connection, HTTP_TIMER_LINGER);
    h2o_socket_close(connection->socket); /* clear text: on_socket_closed at once */
}

/* The connection ended before its exchange did. */
void
http_connection_lose(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;

    atomic_store_explicit(&exchange->is_abandoned, true, memory_order_relaxed);
    if (exchange->is_active) {
        http_body_fail(exchange, ST_CLOSED, "The client closed the connection during the body.");
    }
    http_connection_close(connection);
}

void
http_connection_linger(struct http_connection *connection)
{
    http_connection_move(connection, HTTP_LINGER);
    h2o_buffer_consume(&connection->socket->input, connection->socket->input->size);
    connection->linger_left = connection->loop->shared->limits.linger_bytes;
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_WR);
    http_connection_set_timer(connection, HTTP_TIMER_LINGER);
    set_reading(connection, HTTP_READ_NOTIFY);
}

static void
drain_input(struct http_connection *connection)
{
    char scratch[16 * 1024];
    ssize_t size = 1;

    for (size_t turn = 0; turn < HTTP_BYTES_PER_TURN && size > 0; turn += (size_t)size) {
        size = recv(h2o_socket_get_fd(connection->socket), scratch, sizeof(scratch), 0);
        if (size > 0 && connection->linger_left > (uint64_t)size) {
            connection->linger_left -= (uint64_t)size;
        } else if (size == 0 || size > 0 || (errno != EAGAIN && errno != EINTR)) {
            http_connection_close(connection);
            return;
        }
    }
}

/* ---- events ---- */

void
http_connection_on_written(h2o_socket_t *socket, const char *failure)
{
    struct http_connection *connection = http_connection_from(socket->data);

    if (failure != NULL) {
        http_connection_lose(connection);
        return;
    }
    http_run(connection);
}

/* One bounded receive of head bytes; what of a body comes with them is moved on later. */
static bool
receive_head(struct http_connection *connection)
{
    h2o_buffer_t **input = &connection->socket->input;
    h2o_iovec_t room = h2o_buffer_reserve(input, HTTP_HEAD_READ_BYTES / 2);
    ssize_t size;

    CHECK(room.base != NULL);
    do {
        size = recv(h2o_socket_get_fd(connection->socket), room.base,
                    room.len < HTTP_HEAD_READ_BYTES ? room.len : HTTP_HEAD_READ_BYTES, 0);
    } while (size == -1 && errno == EINTR);
    if (size > 0) {
        (*input)->size += (size_t)size;
        return true;
    }
    return size == -1 && errno == EAGAIN;
}

static bool
is_peer_finished(struct http_connection *connection)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    if (getsockopt(h2o_socket_get_fd(connection->socket), IPPROTO_TCP, TCP_INFO, &info, &size) !=
        0) {
        return true;
    }
    return info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE;
}

/* Input while nothing is read: either the next request, or the end of the client.  One that only
 * ended its sending side still gets its answer. */
static void
notice_input(struct http_connection *connection)
{
    set_reading(connection, HTTP_READ_OFF);
    if (is_peer_finished(connection)) {
        atomic_store_explicit(&connection->exchange.is_abandoned, true, memory_order_relaxed);
    }
}

static void
on_readable(h2o_socket_t *socket, const char *failure)
{
    struct http_connection *connection = http_connection_from(socket->data);
    bool is_alive = failure == NULL;

    switch (connection->state) {
    case HTTP_IDLE:
    case HTTP_HEAD:
        if (is_alive && !connection->is_tls) {
            is_alive = receive_head(connection);
        }
        if (!is_alive) {
            http_connection_close(connection);
            return;
        }
        http_run(connection);
        return;
    case HTTP_BODY:
        if (connection->is_choked) {
            notice_input(connection);
            return;
        }
        if (!is_alive) {
            set_reading(connection, HTTP_READ_OFF);
            connection->is_input_over = true; /* once what came before is used */
        }
        http_run(connection);
        return;
    case HTTP_LINGER:
        drain_input(connection);
        return;
    default:
        notice_input(connection);
        return;
    }
}

static void
rate_timed_out(struct http_connection *connection)
{
    if (connection->state == HTTP_BODY) {
        metric_add(&http_timeouts_total[HTTP_TIMED_OUT_RECEIVE], 1);
        http_body_fail(&connection->exchange, ST_TIMEOUT, "The client sends too slowly.");
        connection->exchange.wants_close = true;
        http_run(connection);
        return;
    }
    metric_add(&http_timeouts_total[HTTP_TIMED_OUT_SEND], 1);
    http_connection_lose(connection);
}

static void
judge_rate(struct http_connection *connection)
{
    if (connection->exchange.reply.is_reading || connection->exchange.reply.is_awaiting ||
        progress_of(connection) - connection->rate_mark >=
            connection->loop->shared->limits.rate_window_bytes) {
        http_connection_set_timer(connection, HTTP_TIMER_RATE);
        return;
    }
    rate_timed_out(connection);
}

void
http_connection_shed(struct http_connection *connection)
{
    uint64_t now_ms = h2o_now(connection->loop->event_loop.h2o);
    bool is_old = connection->timer_kind == HTTP_TIMER_IDLE ||
                  (connection->timer_kind == HTTP_TIMER_HEAD &&
                   now_ms - connection->timer.registered_at >= HTTP_SHED_AFTER_MS);

    if (connection->state == HTTP_IDLE && is_old && !connection->listener->is_reserved) {
        http_connection_close(connection);
    }
}

static void
head_timed_out(struct http_connection *connection)
{
    metric_add(&http_timeouts_total[HTTP_TIMED_OUT_HEAD], 1);
    if (connection->state == HTTP_IDLE) {
        http_connection_close(connection);
        return;
    }
    http_run_answer_timeout(connection);
}

static void
on_timer(h2o_timeout_entry_t *timer)
{
    struct http_connection *connection = CONTAINER_OF(struct http_connection, timer, timer);
    enum http_timer kind = connection->timer_kind;

    connection->timer_kind = HTTP_TIMER_COUNT;
    switch (kind) {
    case HTTP_TIMER_HANDSHAKE:
        metric_add(&http_timeouts_total[HTTP_TIMED_OUT_HANDSHAKE], 1);
        http_connection_close(connection);
        return;
    case HTTP_TIMER_HEAD:
        head_timed_out(connection);
        return;
    case HTTP_TIMER_RATE:
        judge_rate(connection);
        return;
    case HTTP_TIMER_WATCH:
        if (is_peer_finished(connection)) {
            atomic_store_explicit(&connection->exchange.is_abandoned, true, memory_order_relaxed);
        }
        http_connection_set_timer(connection, HTTP_TIMER_WATCH);
        return;
    case HTTP_TIMER_LINGER:
        if (connection->state == HTTP_CLOSING) {
            /* The goodbye of TLS does not get out: make its write fail. */
            shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
            return;
        }
        http_connection_close(connection);
        return;
    default:
        http_connection_close(connection);
        return;
    }
}

/* ---- birth and forced end ---- */

static void
begin_idle(struct http_connection *connection)
{
    http_connection_set_timer(connection, HTTP_TIMER_HEAD);
    http_run(connection);
}

/* Of a node that is not known for one: whoever runs the cluster looks for it.  Clients of the
 * public listener fail all the time, and are told themselves. */
static void
tell_refused(struct http_connection *connection, const char *failure)
{
    struct http_loop *loop = connection->loop;
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    int64_t now_s = clock_monotonic_ns() / CLOCK_NS_PER_S;

    if (now_s != loop->refused_s) {
        loop->refused_s = now_s;
        loop->refused_count = 0;
    }
    if (!connection->listener->is_mutual || loop->refused_count == HTTP_REFUSED_LINES_MAX) {
        return;
    }
    loop->refused_count++;
    log_warn(NULL, "peer_tls_refused", "A connection from %s was refused: %s%s%s%s",
             connection->peer, failure, reason != NULL ? " (" : "", reason != NULL ? reason : "",
             reason != NULL ? ")" : "");
}

static void
on_handshake(h2o_socket_t *socket, const char *failure)
{
    struct http_connection *connection = http_connection_from(socket->data);

    if (failure != NULL) {
        tell_refused(connection, failure);
        http_connection_close(connection);
        return;
    }
    /* Full records from the start; the library would send 1,400 bytes each at first. */
    socket->_latency_optimization.state = H2O_SOCKET_LATENCY_OPTIMIZATION_STATE_NEEDS_UPDATE;
    socket->_latency_optimization.suggested_tls_payload_size = HTTP_TLS_RECORD_BYTES;
    socket->_latency_optimization.suggested_write_size = SIZE_MAX;
    http_connection_move(connection, HTTP_IDLE);
    begin_idle(connection);
}

static void
write_peer(struct http_connection *connection)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char text[INET6_ADDRSTRLEN] = "";

    if (getpeername(h2o_socket_get_fd(connection->socket), (struct sockaddr *)&address, &size) !=
        0) {
        return; /* gone already */
    }
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;

        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
        snprintf(connection->peer, sizeof(connection->peer), "[%s]:%u", text, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;

        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
        snprintf(connection->peer, sizeof(connection->peer), "%s:%u", text, ntohs(v4->sin_port));
    }
}

void
http_connection_accept(struct http_loop *loop, const struct http_listener *listener,
                       h2o_socket_t *socket, bool is_refused)
{
    struct http_connection *connection = xcalloc(1, sizeof(*connection));
    SSL_CTX *tls = listener->tls != NULL ? tls_context_get(listener->tls) : NULL;

    connection->magic = HTTP_CONNECTION_MAGIC;
    connection->loop = loop;
    connection->listener = listener;
    connection->socket = socket;
    connection->timer.cb = on_timer;
    connection->timer_kind = HTTP_TIMER_COUNT;
    connection->resume.run = run_resume;
    connection->is_refused = is_refused;
    connection->is_tls = tls != NULL;
    connection->exchange.arena = ARENA_INIT;
    http_exchange_init(&connection->exchange);
    socket->data = connection;
    socket->on_close.cb = on_socket_closed;
    socket->on_close.data = connection;
    write_peer(connection);
    list_append(&loop->connections, &connection->node);
    if (tls != NULL) {
        connection->state = HTTP_HANDSHAKE;
        http_connection_set_timer(connection, HTTP_TIMER_HANDSHAKE);
        h2o_socket_ssl_handshake(socket, tls, NULL, on_handshake);
        SSL_CTX_free(tls);
    } else {
        connection->state = HTTP_IDLE;
        begin_idle(connection);
    }
}

void
http_connection_drain(struct http_connection *connection)
{
    if (connection->state != HTTP_IDLE || connection->is_running) {
        return;
    }
    /* A request may stand in the kernel's queue. */
    if (!connection->is_tls && receive_head(connection) && connection->socket->input->size != 0) {
        http_run(connection);
        return;
    }
    http_connection_close(connection);
}

void
http_connection_cut(struct http_connection *connection)
{
    if (connection->state == HTTP_CLOSED) {
        return;
    }
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
    if (connection->state != HTTP_CLOSING) {
        http_connection_lose(connection);
    }
}
