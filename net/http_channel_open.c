/* SPDX-License-Identifier: Apache-2.0 */
/* How a channel comes to a connection: one that was kept, or a new one. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "net/http_channel_internal.h"
#include "net/http_metrics.h"

#include "base/banned.h"

/* ---- connecting ---- */

void
http_channel_shake_hands(struct http_channel *channel)
{
    struct error err = ERROR_INIT;
    enum status st = wire_handshake(&channel->wire, &err);

    if (st == ST_OK) {
        http_channel_move(channel, HTTP_CHANNEL_SENDING);
        http_channel_send_head(channel);
    } else if (st != ST_WOULD_WAIT) {
        channel->wire.alert = NULL; /* the sentence says it */
        http_channel_lose_later(channel, st,
                                arena_string(channel->options.arena, bytes_of_string(err.text)));
    } else if (!channel->wire.wants_write) {
        http_channel_set_reading(channel, true);
    } else if (!h2o_socket_is_writing(channel->socket)) {
        h2o_socket_notify_write(channel->socket, http_channel_on_writable);
    }
}

void
http_channel_begin_wire(struct http_channel *channel)
{
    wire_begin(&channel->wire, h2o_socket_get_fd(channel->socket), &channel->options.wire);
    if (channel->options.wire.tls == NULL) {
        http_channel_move(channel, HTTP_CHANNEL_SENDING);
        http_channel_send_head(channel);
        return;
    }
    http_channel_move(channel, HTTP_CHANNEL_HANDSHAKE);
    http_channel_expect(channel, HTTP_TIMER_HANDSHAKE);
    http_channel_shake_hands(channel);
}

/* ---- birth, pool ---- */

static void
begin_request(struct http_channel *channel, const struct http_channel_options *options)
{
    channel->options = *options;
    channel->has_continue = false;
    channel->has_heard = false;
    channel->is_body_sent = !options->has_payload;
    channel->head_seen = 0;
    channel->is_answer_over = false;
    channel->part_first = 0;
    channel->parts[0] = (struct iovec){(void *)(uintptr_t)options->head.data, options->head.size};
    channel->parts[1] =
        (struct iovec){(void *)(uintptr_t)options->prefix.data, options->prefix.size};
}

static struct http_channel *
find_kept(struct http_loop *loop, const struct http_channel_options *options)
{
    for (struct list *node = loop->kept_channels.next; node != &loop->kept_channels;
         node = node->next) {
        struct http_channel *channel = CONTAINER_OF(struct http_channel, node, node);

        if (wire_leads_to(&channel->wire, &options->wire)) {
            return channel;
        }
    }
    return NULL;
}

/* False: the next address. */
static bool
connect_to(struct http_channel *channel, struct socket_address *address, struct error *err)
{
    int timeout_ms = HTTP_PEER_UNACKNOWLEDGED_MS;

    if (wire_check_address(&channel->options.wire, address, err) != ST_OK) {
        return false;
    }
    channel->socket =
        h2o_socket_connect(channel->loop->event_loop.h2o, (struct sockaddr *)&address->storage,
                           address->size, http_channel_on_writable);
    metric_add(&http_peer_connects_total, 1);
    if (channel->socket == NULL) {
        (void)fail(err, ST_UNAVAILABLE, "No connection to the node that has to answer.");
        return false;
    }
    channel->socket->data = channel;
    h2o_socket_dont_read(channel->socket, 1);
    setsockopt(h2o_socket_get_fd(channel->socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
               sizeof(timeout_ms));
    http_channel_expect(channel, HTTP_TIMER_CONNECT);
    return true;
}

/* In CONNECTING. */
void
http_channel_try_next(struct http_channel *channel)
{
    struct error err = ERROR_INIT;

    (void)fail(&err, ST_UNAVAILABLE, "The node that has to answer, at %.*s, cannot be reached.",
               BYTES_ARGS(channel->options.wire.host));
    http_channel_close_socket(channel);
    while (channel->address_next < channel->addresses.count) {
        if (connect_to(channel, &channel->addresses.list[channel->address_next++], &err)) {
            return;
        }
    }
    http_channel_lose_later(channel, ST_UNAVAILABLE,
                            arena_string(channel->options.arena, bytes_of_string(err.text)));
}

static void
take_answer(const struct host_addresses *addresses, const char *sentence, void *arg)
{
    struct http_channel *channel = arg;

    channel->question = NULL;
    if (addresses == NULL) {
        http_channel_lose_later(channel, ST_UNAVAILABLE,
                                arena_string(channel->options.arena, bytes_of_string(sentence)));
        return;
    }
    channel->addresses = *addresses;
    http_channel_move(channel, HTTP_CHANNEL_CONNECTING);
    http_channel_try_next(channel);
}

void
http_channel_end_resolving(struct http_channel *channel)
{
    struct host_addresses addresses;
    bool is_known = host_question_cancel(&channel->question, &addresses);

    take_answer(is_known ? &addresses : NULL,
                "The name of the node that has to answer was not looked up in time.", channel);
}

static void
begin_connecting(struct http_channel *channel)
{
    const struct wire_options *wire = &channel->options.wire;
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    channel->state = HTTP_CHANNEL_CONNECTING;
    if (wire->address.size != 0) {
        channel->addresses = (struct host_addresses){.count = 1, .list = {wire->address}};
    } else {
        st = host_resolver_find(wire->resolver, wire->host, &channel->addresses, &err);
    }
    if (st == ST_OK) {
        http_channel_try_next(channel);
    } else if (st == ST_WOULD_WAIT) {
        channel->state = HTTP_CHANNEL_RESOLVING;
        channel->question = host_resolver_ask(wire->resolver, wire->host,
                                              &channel->loop->event_loop, take_answer, channel);
        http_channel_expect(channel, HTTP_TIMER_CONNECT);
    } else {
        http_channel_lose_later(channel, st,
                                arena_string(channel->options.arena, bytes_of_string(err.text)));
    }
}

struct http_channel *
http_channel_open(struct http_loop *loop, const struct http_channel_options *options)
{
    struct http_channel *channel = options->is_fresh ? NULL : find_kept(loop, options);

    assert_on_loop();
    if (channel != NULL) {
        list_remove(&channel->node);
        loop->kept_channel_count--;
        h2o_timeout_unlink(&channel->timer);
        channel->is_reused = true;
        begin_request(channel, options);
        http_channel_move(channel, HTTP_CHANNEL_SENDING);
        http_channel_send_head(channel);
        return channel;
    }
    channel = xcalloc(1, sizeof(*channel));
    channel->magic = HTTP_CHANNEL_MAGIC;
    channel->loop = loop;
    channel->timer.cb = http_channel_on_timer;
    channel->failed_task.run = http_channel_run_failed;
    begin_request(channel, options);
    begin_connecting(channel);
    return channel;
}

/* Do both sides agree on where the next request begins? */
static bool
is_clean(const struct http_channel *channel)
{
    return channel->state == HTTP_CHANNEL_ANSWERING && channel->is_answer_over &&
           !channel->answer.wants_close && channel->socket->input->size == 0 &&
           channel->part_first == ARRAY_COUNT(channel->parts) &&
           !h2o_socket_is_writing(channel->socket) && wire_is_drained(&channel->wire) &&
           (channel->is_body_sent || !channel->has_continue);
}

void
http_channel_leave(struct http_channel **take_channel)
{
    struct http_channel *channel = *take_channel;

    if (channel == NULL) {
        return;
    }
    *take_channel = NULL;
    event_loop_cancel(&channel->failed_task);
    if (!is_clean(channel) || channel->loop->kept_channel_count >= HTTP_CHANNELS_KEPT_MAX) {
        http_channel_destroy(channel);
        return;
    }
    http_channel_move(channel, HTTP_CHANNEL_IDLE);
    channel->options.arena = NULL;
    list_prepend(&channel->loop->kept_channels, &channel->node);
    channel->loop->kept_channel_count++;
    http_channel_expect(channel, HTTP_TIMER_KEPT);
    http_channel_set_reading(channel, true);
}

void
http_channel_close_kept(struct http_loop *loop)
{
    while (!list_is_empty(&loop->kept_channels)) {
        http_channel_destroy(CONTAINER_OF(struct http_channel, node, loop->kept_channels.next));
    }
}
