/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: its states, its timer, its reading and its end.  Created by the acceptor, lives
 * on one loop.  Events end in http_run() of net/http_run.h, which also frees it.
 *
 *   HANDSHAKE -> IDLE -> HEAD -> HANDLER <-> BODY -> REPLY -> IDLE ...
 *                                                    REPLY -> LINGER -> CLOSING -> CLOSED
 *
 * Failure modes: a client that is slow, gone, or wrong ends its own connection.  If a handler has
 * the exchange at that time, the struct stays in CLOSED until it has responded.
 */
#ifndef NET_HTTP_CONNECTION_H
#define NET_HTTP_CONNECTION_H

#include "net/http_exchange_state.h"
#include "net/http_loop.h"

enum http_connection_state {
    HTTP_HANDSHAKE, /* TLS */
    HTTP_IDLE,      /* no byte of the next head */
    HTTP_HEAD,      /* some */
    HTTP_HANDLER,   /* the handler has the exchange; nothing is received */
    HTTP_BODY,      /* the same, and the body is being received */
    HTTP_REPLY,
    HTTP_LINGER,  /* answered; what still comes is discarded so that the answer can be read */
    HTTP_CLOSING, /* TLS says goodbye */
    HTTP_CLOSED,  /* no socket */
    HTTP_STATE_COUNT
};

/* TLS is read by h2o into socket->input.  Clear text is received by us, straight to where it goes;
 * h2o only tells when. */
enum http_reading { HTTP_READ_OFF, HTTP_READ_TLS, HTTP_READ_NOTIFY };

struct http_listener;

#define HTTP_CONNECTION_MAGIC UINT32_C(0x68636F6E)

struct http_connection {
    uint32_t magic;
    struct list node;
    struct http_loop *loop;
    const struct http_listener *listener;
    h2o_socket_t *socket;
    h2o_timeout_entry_t timer;
    struct loop_task resume;
    enum http_connection_state state;
    enum http_reading reading;
    enum http_timer timer_kind; /* HTTP_TIMER_COUNT: none */
    bool is_running;
    bool is_choked;  /* the sink is slower than the client */
    bool is_refused; /* over the cap: every request is answered 503 */
    bool is_tls;
    bool is_input_over;   /* TLS: nothing comes after what is in socket->input */
    size_t input_charged; /* bytes taken from the budget of inputs */
    size_t head_seen;     /* bytes of the head that were found incomplete */
    uint64_t rate_mark;   /* progress at the start of the rate window */
    uint64_t linger_left; /* bytes */
    char peer[64];
    struct http_exchange exchange;
};

/* Of socket->data and the like. */
static inline struct http_connection *
http_connection_from(void *arg)
{
    struct http_connection *connection = arg;

    CHECK(connection->magic == HTTP_CONNECTION_MAGIC);
    return connection;
}

/* Takes the socket; answers 503 to all requests if is_refused. */
void http_connection_accept(struct http_loop *loop, const struct http_listener *listener,
                            h2o_socket_t *socket, bool is_refused);
/* The server is draining: end now if nothing is in progress. */
void http_connection_drain(struct http_connection *connection);
/* Descriptors are short: end if it waits for a request, or has sent none in some seconds. */
void http_connection_shed(struct http_connection *connection);
/* End now; a handler may still hold the exchange. */
void http_connection_cut(struct http_connection *connection);

static inline struct http_connection *
http_connection_of(struct http_exchange *exchange)
{
    return CONTAINER_OF(struct http_connection, exchange, exchange);
}

/* For the steps and the pumps: state, timer, reading. */
void http_connection_move(struct http_connection *connection, enum http_connection_state state);
void http_connection_set_timer(struct http_connection *connection, enum http_timer kind);
/* As set_timer, but what runs already runs on. */
void http_connection_keep_timer(struct http_connection *connection, enum http_timer kind);
void http_connection_stop_timer(struct http_connection *connection);
void http_connection_read_input(struct http_connection *connection);
/* Nothing is received now, but the end of the client should be noticed. */
void http_connection_watch_input(struct http_connection *connection);
/* Run again in the next turn of the loop. */
void http_connection_resume_later(struct http_connection *connection);
/* h2o_socket_cb of every write. */
void http_connection_on_written(h2o_socket_t *socket, const char *failure);

/* Ends of the socket.  Outside of a run the connection may be gone afterwards. */
void http_connection_close(struct http_connection *connection);
/* Before the exchange has ended. */
void http_connection_lose(struct http_connection *connection);
/* After an answer that the client may not have read: discard what it still sends, for a while. */
void http_connection_linger(struct http_connection *connection);

#endif
