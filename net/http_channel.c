/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_channel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "net/http_metrics.h"

#include "base/banned.h"

#define BIT(state) (1U << (state))

static const unsigned ALLOWED_MOVES[HTTP_CHANNEL_STATE_COUNT] = {
    [HTTP_CHANNEL_CONNECTING] = BIT(HTTP_CHANNEL_SENDING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_SENDING] =
        BIT(HTTP_CHANNEL_WAITING) | BIT(HTTP_CHANNEL_ANSWERING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_WAITING] = BIT(HTTP_CHANNEL_ANSWERING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_ANSWERING] = BIT(HTTP_CHANNEL_IDLE) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_IDLE] = BIT(HTTP_CHANNEL_SENDING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_CLOSED] = 0,
};

static void on_readable(h2o_socket_t *socket, const char *failure);
static void send_head(struct http_channel *channel);

static struct http_channel *
channel_from(void *arg)
{
    struct http_channel *channel = arg;

    CHECK(channel->magic == HTTP_CHANNEL_MAGIC);
    return channel;
}

static void
move(struct http_channel *channel, enum http_channel_state state)
{
    CHECK(ALLOWED_MOVES[channel->state] & BIT(state));
    channel->state = state;
}

/* ---- timer, reading, end ---- */

/* The peer's silence counts only while something is expected of it. */
static void
expect(struct http_channel *channel, enum http_timer kind)
{
    h2o_timeout_unlink(&channel->timer);
    http_loop_link_timer(channel->loop, kind, &channel->timer);
}

static void
set_reading(struct http_channel *channel, bool is_reading)
{
    if (channel->is_reading == is_reading) {
        return;
    }
    channel->is_reading = is_reading;
    if (is_reading) {
        h2o_socket_read_start(channel->socket, on_readable);
    } else {
        h2o_socket_read_stop(channel->socket);
    }
}

static void
close_socket(struct http_channel *channel)
{
    h2o_timeout_unlink(&channel->timer);
    if (channel->socket != NULL) {
        h2o_socket_close(channel->socket);
        channel->socket = NULL;
        channel->is_reading = false;
    }
}

static void
lose(struct http_channel *channel, enum status st, const char *sentence)
{
    channel->failure = st;
    channel->sentence = sentence;
    close_socket(channel);
    move(channel, HTTP_CHANNEL_CLOSED);
}

static void
destroy(struct http_channel *channel)
{
    if (list_is_linked(&channel->node)) {
        list_remove(&channel->node);
        channel->loop->kept_channel_count--;
    }
    event_loop_cancel(&channel->failed_task);
    close_socket(channel);
    channel->magic = 0;
    free(channel);
}

static void
tell(struct http_channel *channel)
{
    channel->options.changed(channel, channel->options.arg);
}

/* An event found the end of it. */
static void
lose_and_tell(struct http_channel *channel, enum status st, const char *sentence)
{
    lose(channel, st, sentence);
    tell(channel);
}

static void
on_timer(h2o_timeout_entry_t *timer)
{
    struct http_channel *channel = CONTAINER_OF(struct http_channel, timer, timer);

    if (channel->state == HTTP_CHANNEL_IDLE) {
        destroy(channel);
        return;
    }
    lose_and_tell(channel, channel->state == HTTP_CHANNEL_CONNECTING ? ST_UNAVAILABLE : ST_TIMEOUT,
                  "The node that has to answer was silent for too long.");
}

/* ---- receiving ---- */

/* One bounded receive of what is a head, or begins with one.  ST_WOULD_WAIT, ST_CLOSED. */
static enum status
receive_head(struct http_channel *channel)
{
    h2o_buffer_t **input = &channel->socket->input;
    h2o_iovec_t room = h2o_buffer_reserve(input, HTTP_HEAD_READ_BYTES / 2);
    ssize_t size;

    CHECK(room.base != NULL);
    do {
        size = recv(h2o_socket_get_fd(channel->socket), room.base,
                    room.len < HTTP_HEAD_READ_BYTES ? room.len : HTTP_HEAD_READ_BYTES, 0);
    } while (size == -1 && errno == EINTR);
    if (size > 0) {
        (*input)->size += (size_t)size;
        channel->has_heard = true;
        return ST_OK;
    }
    return size == -1 && errno == EAGAIN ? ST_WOULD_WAIT : ST_CLOSED;
}

static void
begin_answer(struct http_channel *channel)
{
    const struct http_answer_head *answer = &channel->answer;

    move(channel, HTTP_CHANNEL_ANSWERING);
    h2o_timeout_unlink(&channel->timer);
    set_reading(channel, false);
    channel->chunked = HTTP_CHUNKED_INIT;
    channel->left = answer->has_body ? answer->content_length : 0;
    channel->is_answer_over = !answer->has_body;
}

/* ST_OK: a final answer has begun, or 100 Continue was taken (and nothing more is there). */
static enum status
take_heads(struct http_channel *channel)
{
    for (;;) {
        h2o_buffer_t *input = channel->socket->input;

        switch (http_answer_head_parse(bytes_of(input->bytes, input->size), channel->head_seen,
                                       channel->options.is_head, channel->options.arena,
                                       &channel->answer)) {
        case HTTP_HEAD_INCOMPLETE:
            channel->head_seen = input->size;
            return channel->has_continue && input->size == 0 ? ST_OK : ST_WOULD_WAIT;
        case HTTP_HEAD_REFUSED:
            return ST_INVALID;
        case HTTP_HEAD_READY:
            break;
        }
        h2o_buffer_consume(&channel->socket->input, channel->answer.size);
        channel->head_seen = 0;
        if (channel->answer.status != 100) {
            begin_answer(channel);
            return ST_OK;
        }
        if (channel->has_continue) {
            return ST_INVALID;
        }
        channel->has_continue = true;
        h2o_timeout_unlink(&channel->timer);
    }
}

static void
on_answer_bytes(struct http_channel *channel)
{
    enum status st = receive_head(channel);

    if (st == ST_OK) {
        st = take_heads(channel);
    }
    if (st == ST_WOULD_WAIT) {
        return;
    }
    if (st == ST_OK) {
        tell(channel);
    } else if (st == ST_CLOSED) {
        lose_and_tell(channel, st, "The node that has to answer closed the connection.");
    } else {
        lose_and_tell(channel, st, "The node that has to answer does not speak HTTP/1.1.");
    }
}

static void
on_readable(h2o_socket_t *socket, const char *failure)
{
    struct http_channel *channel = channel_from(socket->data);

    switch (channel->state) {
    case HTTP_CHANNEL_IDLE:
        destroy(channel); /* nobody asked for anything: the peer closes it */
        return;
    case HTTP_CHANNEL_SENDING:
    case HTTP_CHANNEL_WAITING:
        on_answer_bytes(channel);
        return;
    case HTTP_CHANNEL_ANSWERING:
        set_reading(channel, false);
        h2o_timeout_unlink(&channel->timer);
        tell(channel);
        return;
    default:
        UNREACHABLE("state of a channel that reads");
    }
}

/* ---- sending ---- */

static void
on_writable(h2o_socket_t *socket, const char *failure)
{
    struct http_channel *channel = channel_from(socket->data);

    if (failure != NULL) {
        lose_and_tell(channel,
                      channel->state == HTTP_CHANNEL_CONNECTING ? ST_UNAVAILABLE : ST_CLOSED,
                      "The node that has to answer cannot be reached.");
        return;
    }
    switch (channel->state) {
    case HTTP_CHANNEL_CONNECTING:
        move(channel, HTTP_CHANNEL_SENDING);
        send_head(channel);
        return;
    case HTTP_CHANNEL_SENDING:
        send_head(channel);
        return;
    case HTTP_CHANNEL_WAITING:
        h2o_timeout_unlink(&channel->timer);
        tell(channel);
        return;
    default:
        return; /* the answer came first */
    }
}

static void
wait_writable(struct http_channel *channel)
{
    expect(channel, HTTP_TIMER_SILENCE);
    if (!h2o_socket_is_writing(channel->socket)) {
        h2o_socket_notify_write(channel->socket, on_writable);
    }
}

static ssize_t
send_parts(struct http_channel *channel, const struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    ssize_t size;

    do {
        size = sendmsg(h2o_socket_get_fd(channel->socket), &message, MSG_NOSIGNAL);
    } while (size == -1 && errno == EINTR);
    return size;
}

static void
run_failed(struct loop_task *task)
{
    tell(CONTAINER_OF(struct http_channel, failed_task, task));
}

static void
lose_later(struct http_channel *channel, enum status st, const char *sentence)
{
    lose(channel, st, sentence);
    event_loop_defer(&channel->loop->event_loop, &channel->failed_task);
}

/* Head and prefix. */
static void
send_head(struct http_channel *channel)
{
    set_reading(channel, true);
    while (channel->part_first < ARRAY_COUNT(channel->parts)) {
        struct iovec *part = &channel->parts[channel->part_first];
        ssize_t size = send_parts(channel, part, ARRAY_COUNT(channel->parts) - channel->part_first);

        if (size < 0 && errno == EAGAIN) {
            wait_writable(channel);
            return;
        }
        if (size < 0) {
            lose_later(channel, ST_CLOSED, "The node that has to answer closed the connection.");
            return;
        }
        while (channel->part_first < ARRAY_COUNT(channel->parts) && (size_t)size >= part->iov_len) {
            size -= (ssize_t)part->iov_len;
            channel->part_first++;
            part++;
        }
        if (channel->part_first < ARRAY_COUNT(channel->parts)) {
            part->iov_base = (char *)part->iov_base + size;
            part->iov_len -= (size_t)size;
        }
    }
    move(channel, HTTP_CHANNEL_WAITING);
    expect(channel, HTTP_TIMER_SILENCE);
}

enum status
http_channel_write(struct http_channel *channel, const struct iovec *parts, size_t count,
                   size_t *ret_size)
{
    ssize_t size;

    CHECK(channel->state == HTTP_CHANNEL_WAITING && channel->has_continue);
    if (h2o_socket_is_writing(channel->socket)) {
        return ST_WOULD_WAIT;
    }
    size = send_parts(channel, parts, count);
    if (size >= 0) {
        *ret_size = (size_t)size;
        return ST_OK;
    }
    if (errno == EAGAIN) {
        wait_writable(channel);
        return ST_WOULD_WAIT;
    }
    /* It may have said why before it closed: the event of its answer comes. */
    if (receive_head(channel) == ST_OK && take_heads(channel) == ST_OK &&
        channel->state == HTTP_CHANNEL_ANSWERING) {
        event_loop_defer(&channel->loop->event_loop, &channel->failed_task);
        return ST_WOULD_WAIT;
    }
    lose(channel, ST_CLOSED, "The node that has to answer closed the connection.");
    return ST_CLOSED;
}

void
http_channel_body_sent(struct http_channel *channel)
{
    channel->is_body_sent = true;
    if (channel->state == HTTP_CHANNEL_WAITING) {
        expect(channel, HTTP_TIMER_SILENCE);
    }
}

/* ---- the answer's body ---- */

/* Raw bytes, from what was read ahead or from the socket; as receive_head. */
static enum status
receive(struct http_channel *channel, char *out, size_t room, size_t *ret_size)
{
    h2o_buffer_t *input = channel->socket->input;
    ssize_t size;

    if (input->size != 0) {
        *ret_size = input->size < room ? input->size : room;
        memcpy(out, input->bytes, *ret_size);
        h2o_buffer_consume(&channel->socket->input, *ret_size);
        return ST_OK;
    }
    do {
        size = recv(h2o_socket_get_fd(channel->socket), out, room, 0);
    } while (size == -1 && errno == EINTR);
    if (size > 0) {
        *ret_size = (size_t)size;
        return ST_OK;
    }
    return size == -1 && errno == EAGAIN ? ST_WOULD_WAIT : ST_CLOSED;
}

static enum status
take_raw(struct http_channel *channel, char *data, size_t raw_size, size_t *ret_size)
{
    size_t rest;
    enum status st;

    if (channel->answer.content_length != HTTP_LENGTH_UNKNOWN) {
        channel->left -= raw_size;
        channel->is_answer_over = channel->left == 0;
        *ret_size = raw_size;
        return ST_OK;
    }
    st = http_chunked_decode(&channel->chunked, data, raw_size, ret_size, &rest);
    if (st == ST_INVALID || (st == ST_OK && rest != 0)) {
        return ST_INVALID;
    }
    channel->is_answer_over = st == ST_OK;
    return ST_OK;
}

enum status
http_channel_read(struct http_channel *channel, char *out, size_t capacity, size_t *ret_size)
{
    size_t size = 0;

    if (channel->state != HTTP_CHANNEL_ANSWERING) {
        return channel->failure != ST_OK ? channel->failure : ST_CLOSED;
    }
    while (size == 0 && !channel->is_answer_over) {
        size_t room =
            channel->answer.content_length != HTTP_LENGTH_UNKNOWN && capacity > channel->left
                ? (size_t)channel->left
                : capacity;
        enum status st = receive(channel, out, room, &size);

        if (st == ST_OK) {
            st = take_raw(channel, out, size, &size);
        }
        if (st == ST_WOULD_WAIT) {
            set_reading(channel, true);
            expect(channel, HTTP_TIMER_SILENCE);
            return st;
        }
        if (st != ST_OK) {
            lose(channel, st, "The node that has to answer ended its answer early.");
            return st;
        }
    }
    *ret_size = size;
    return ST_OK;
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
find_kept(struct http_loop *loop, const struct socket_address *address)
{
    for (struct list *node = loop->kept_channels.next; node != &loop->kept_channels;
         node = node->next) {
        struct http_channel *channel = CONTAINER_OF(struct http_channel, node, node);

        if (socket_address_equal(&channel->options.address, address)) {
            return channel;
        }
    }
    return NULL;
}

static void
connect_to(struct http_channel *channel)
{
    struct socket_address *address = &channel->options.address;
    int timeout_ms = HTTP_PEER_UNACKNOWLEDGED_MS;

    channel->state = HTTP_CHANNEL_CONNECTING;
    channel->socket =
        h2o_socket_connect(channel->loop->event_loop.h2o, (struct sockaddr *)&address->storage,
                           address->size, on_writable);
    metric_add(&http_peer_connects_total, 1);
    if (channel->socket == NULL) {
        lose_later(channel, ST_UNAVAILABLE, "No connection to the node that has to answer.");
        return;
    }
    channel->socket->data = channel;
    h2o_socket_dont_read(channel->socket, 1);
    setsockopt(h2o_socket_get_fd(channel->socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
               sizeof(timeout_ms));
    expect(channel, HTTP_TIMER_CONNECT);
}

struct http_channel *
http_channel_open(struct http_loop *loop, const struct http_channel_options *options)
{
    struct http_channel *channel = options->is_fresh ? NULL : find_kept(loop, &options->address);

    assert_on_loop();
    if (channel != NULL) {
        list_remove(&channel->node);
        loop->kept_channel_count--;
        h2o_timeout_unlink(&channel->timer);
        channel->is_reused = true;
        begin_request(channel, options);
        move(channel, HTTP_CHANNEL_SENDING);
        send_head(channel);
        return channel;
    }
    channel = xcalloc(1, sizeof(*channel));
    channel->magic = HTTP_CHANNEL_MAGIC;
    channel->loop = loop;
    channel->timer.cb = on_timer;
    channel->failed_task.run = run_failed;
    begin_request(channel, options);
    connect_to(channel);
    return channel;
}

/* Do both sides agree on where the next request begins? */
static bool
is_clean(const struct http_channel *channel)
{
    return channel->state == HTTP_CHANNEL_ANSWERING && channel->is_answer_over &&
           !channel->answer.wants_close && channel->socket->input->size == 0 &&
           channel->part_first == ARRAY_COUNT(channel->parts) &&
           !h2o_socket_is_writing(channel->socket) &&
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
        destroy(channel);
        return;
    }
    move(channel, HTTP_CHANNEL_IDLE);
    channel->options.arena = NULL;
    list_prepend(&channel->loop->kept_channels, &channel->node);
    channel->loop->kept_channel_count++;
    expect(channel, HTTP_TIMER_KEPT);
    set_reading(channel, true);
}

void
http_channel_close_kept(struct http_loop *loop)
{
    while (!list_is_empty(&loop->kept_channels)) {
        destroy(CONTAINER_OF(struct http_channel, node, loop->kept_channels.next));
    }
}
