/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the connections of one loop share, and below it what all loops of a server share.  All of
 * struct http_loop belongs to its thread; of struct http_shared only the atomic members change
 * after the start.
 */
#ifndef NET_HTTP_LOOP_H
#define NET_HTTP_LOOP_H

#include <stdatomic.h>

#include "net/body_buffers.h"
#include "net/event_loop.h"
#include "net/http_date.h"
#include "net/http_gate.h"
#include "net/http_limits.h"
#include "net/http_server.h"

struct http_shared {
    struct http_server_options options;
    struct http_limits limits;
    struct body_budget budget;
    struct body_budget input_budget; /* may be overdrawn by requests that were admitted */
    struct bytes server_name;
    size_t loop_count;
    _Atomic size_t connection_count;
    atomic_bool is_draining;
    pthread_mutex_t lock; /* only for the wait of drain and destroy */
    pthread_cond_t has_no_connections;
};

enum http_timer {
    HTTP_TIMER_HANDSHAKE,
    HTTP_TIMER_HEAD,
    HTTP_TIMER_IDLE,
    HTTP_TIMER_RATE,
    HTTP_TIMER_LINGER,
    HTTP_TIMER_WATCH,
    HTTP_TIMER_ACCEPT,
    HTTP_TIMER_TRIM,
    HTTP_TIMER_CONNECT,
    HTTP_TIMER_SILENCE,
    HTTP_TIMER_KEPT,
    HTTP_TIMER_GATE,
    HTTP_TIMER_COUNT
};

struct http_loop {
    struct event_loop event_loop;
    struct http_shared *shared;
    h2o_timeout_t timers[HTTP_TIMER_COUNT]; /* one list per duration, walked every turn */
    struct list connections;
    struct list acceptors;
    struct list kept_channels; /* to peers, idle; the one used last is first */
    size_t kept_channel_count;
    struct body_buffers buffers;
    struct http_gate gate;
    h2o_timeout_entry_t trim_timer;
    int64_t refused_s; /* monotonic, the second of ... */
    int refused_count; /* lines of the log about refused handshakes */
    int64_t date_s;    /* of date */
    char date[HTTP_DATE_SIZE + 1];
    struct loop_message drain_message;
    struct loop_message cut_message;
    struct loop_message shed_message;
    atomic_bool is_shed_posted;
};

MUST_USE enum status http_loop_init(struct http_loop *loop, size_t index,
                                    struct http_shared *shared, struct error *err);
void http_loop_release(struct http_loop *loop);
void http_loop_start(struct http_loop *loop);
/* Any thread: stop accepting and close what is idle. */
void http_loop_drain(struct http_loop *loop);
/* Any thread: close connections that wait for a request, because descriptors are short. */
void http_loop_shed(struct http_loop *loop);
/* Any thread: close every socket.  Requests with a handler end when it responds. */
void http_loop_cut(struct http_loop *loop);
/* Joins the thread once all handlers have responded.  Blocks. */
void http_loop_stop(struct http_loop *loop);

/* ON_LOOP */
void http_loop_link_timer(struct http_loop *loop, enum http_timer timer,
                          h2o_timeout_entry_t *entry);
struct bytes http_loop_date(struct http_loop *loop);
struct body_buffer *http_loop_get_buffer(struct http_loop *loop, uint64_t wanted);
void http_loop_put_buffer(struct http_loop *loop, struct body_buffer **take_buffer);
/* A connection came or went. */
void http_shared_count_connection(struct http_shared *shared, int change);

#endif
