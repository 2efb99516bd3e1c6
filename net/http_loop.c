/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_loop.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/lock.h"
#include "net/http_acceptor.h"
#include "net/http_channel.h"
#include "net/http_connection.h"
#include "net/http_metrics.h"

#include "base/banned.h"

/* act may end any of them; each that is there at the start and stays has its turn once. */
static void
for_each_connection(struct http_loop *loop, void (*act)(struct http_connection *connection))
{
    struct list rest;
    struct list *node;

    list_init(&rest);
    while ((node = list_take_first(&loop->connections)) != NULL) {
        list_append(&rest, node);
    }
    while ((node = list_take_first(&rest)) != NULL) {
        list_append(&loop->connections, node);
        act(CONTAINER_OF(struct http_connection, node, node));
    }
}

static void
close_acceptors(struct http_loop *loop)
{
    for (struct list *node = loop->acceptors.next; node != &loop->acceptors; node = node->next) {
        http_acceptor_close(CONTAINER_OF(struct http_acceptor, node, node));
    }
}

static void
on_drain(struct loop_message *message)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, drain_message, message);

    close_acceptors(loop);
    for_each_connection(loop, http_connection_drain);
}

static void
on_cut(struct loop_message *message)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, cut_message, message);

    close_acceptors(loop);
    for_each_connection(loop, http_connection_cut);
}

static void
on_shed(struct loop_message *message)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, shed_message, message);

    atomic_store(&loop->is_shed_posted, false);
    for_each_connection(loop, http_connection_shed);
}

static void
on_trim(h2o_timeout_entry_t *timer)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, trim_timer, timer);

    if (body_buffers_trim(&loop->buffers)) {
        http_loop_link_timer(loop, HTTP_TIMER_TRIM, &loop->trim_timer);
    }
    metric_set(&http_body_memory_bytes, (int64_t)atomic_load(&loop->shared->budget.used_bytes));
}

static void
begin(struct event_loop *event_loop)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, event_loop, event_loop);
    const struct http_limits *limits = &loop->shared->limits;
    const uint32_t durations_ms[HTTP_TIMER_COUNT] = {
        [HTTP_TIMER_HANDSHAKE] = limits->handshake_ms, [HTTP_TIMER_HEAD] = limits->head_ms,
        [HTTP_TIMER_IDLE] = limits->idle_ms,           [HTTP_TIMER_RATE] = limits->rate_window_ms,
        [HTTP_TIMER_LINGER] = limits->linger_ms,       [HTTP_TIMER_WATCH] = limits->watch_ms,
        [HTTP_TIMER_ACCEPT] = HTTP_ACCEPT_PAUSE_MS,    [HTTP_TIMER_TRIM] = BODY_BUFFERS_TRIM_MS,
        [HTTP_TIMER_CONNECT] = limits->connect_ms,     [HTTP_TIMER_SILENCE] = limits->silence_ms,
        [HTTP_TIMER_KEPT] = limits->kept_ms,           [HTTP_TIMER_GATE] = HTTP_GATE_LOOK_MS,
    };

    for (size_t i = 0; i < HTTP_TIMER_COUNT; i++) {
        h2o_timeout_init(event_loop->h2o, &loop->timers[i], durations_ms[i]);
    }
    for (struct list *node = loop->acceptors.next; node != &loop->acceptors; node = node->next) {
        http_acceptor_open(CONTAINER_OF(struct http_acceptor, node, node));
    }
}

/* Handlers that still work keep their connection, and so the loop. */
static bool
end(struct event_loop *event_loop)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, event_loop, event_loop);

    if (!list_is_empty(&loop->connections)) {
        return false;
    }
    close_acceptors(loop);
    http_channel_close_kept(loop);
    h2o_timeout_unlink(&loop->trim_timer);
    http_gate_release(&loop->gate);
    for (size_t i = 0; i < HTTP_TIMER_COUNT; i++) {
        h2o_timeout_dispose(event_loop->h2o, &loop->timers[i]);
    }
    body_buffers_release(&loop->buffers);
    return true;
}

enum status
http_loop_init(struct http_loop *loop, size_t index, struct http_shared *shared, struct error *err)
{
    char name[16];
    enum status st;

    memset(loop, 0, sizeof(*loop));
    snprintf(name, sizeof(name), "lode-loop-%u", (unsigned)index % 100);
    st = event_loop_init(&loop->event_loop, name, err);
    if (st != ST_OK) {
        return st;
    }
    loop->event_loop.begin = begin;
    loop->event_loop.end = end;
    loop->shared = shared;
    loop->date_s = INT64_MIN;
    loop->trim_timer.cb = on_trim;
    loop->drain_message.run = on_drain;
    loop->cut_message.run = on_cut;
    loop->shed_message.run = on_shed;
    list_init(&loop->connections);
    list_init(&loop->acceptors);
    list_init(&loop->kept_channels);
    body_buffers_init(&loop->buffers, &shared->budget);
    http_gate_init(&loop->gate);
    return ST_OK;
}

void
http_loop_release(struct http_loop *loop)
{
    while (!list_is_empty(&loop->acceptors)) {
        struct http_acceptor *acceptor =
            CONTAINER_OF(struct http_acceptor, node, loop->acceptors.next);

        http_acceptor_destroy(&acceptor);
    }
    event_loop_release(&loop->event_loop);
}

void
http_loop_start(struct http_loop *loop)
{
    event_loop_start(&loop->event_loop);
}

void
http_loop_drain(struct http_loop *loop)
{
    event_loop_post(&loop->event_loop, &loop->drain_message);
}

void
http_loop_shed(struct http_loop *loop)
{
    if (!atomic_exchange(&loop->is_shed_posted, true)) {
        event_loop_post(&loop->event_loop, &loop->shed_message);
    }
}

void
http_loop_cut(struct http_loop *loop)
{
    event_loop_post(&loop->event_loop, &loop->cut_message);
}

void
http_loop_stop(struct http_loop *loop)
{
    event_loop_stop(&loop->event_loop);
}

void
http_loop_link_timer(struct http_loop *loop, enum http_timer timer, h2o_timeout_entry_t *entry)
{
    h2o_timeout_link(loop->event_loop.h2o, &loop->timers[timer], entry);
}

struct bytes
http_loop_date(struct http_loop *loop)
{
    int64_t now_s = clock_wall_s();

    if (now_s != loop->date_s) {
        http_date_format(now_s, loop->date);
        loop->date_s = now_s;
    }
    return bytes_of(loop->date, HTTP_DATE_SIZE);
}

struct body_buffer *
http_loop_get_buffer(struct http_loop *loop, uint64_t wanted)
{
    return body_buffers_get(&loop->buffers, wanted);
}

void
http_loop_put_buffer(struct http_loop *loop, struct body_buffer **take_buffer)
{
    if (*take_buffer == NULL) {
        return;
    }
    body_buffers_put(&loop->buffers, take_buffer);
    if (!h2o_timeout_is_linked(&loop->trim_timer)) {
        http_loop_link_timer(loop, HTTP_TIMER_TRIM, &loop->trim_timer);
    }
}

void
http_shared_count_connection(struct http_shared *shared, int change)
{
    size_t before;

    metric_add(&http_connections, change);
    before = atomic_fetch_add(&shared->connection_count, (size_t)(ssize_t)change);
    if (change < 0 && before == 1) {
        WITH_LOCK (&shared->lock) {
            CHECK(pthread_cond_broadcast(&shared->has_no_connections) == 0);
        }
    }
}
