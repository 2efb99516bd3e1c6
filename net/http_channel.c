/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_channel_internal.h"

#include "base/memory.h"
#include "net/http_metrics.h"

#include "base/banned.h"

#define BIT(state) (1U << (state))

static const unsigned ALLOWED_MOVES[HTTP_CHANNEL_STATE_COUNT] = {
    [HTTP_CHANNEL_RESOLVING] = BIT(HTTP_CHANNEL_CONNECTING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_CONNECTING] =
        BIT(HTTP_CHANNEL_HANDSHAKE) | BIT(HTTP_CHANNEL_SENDING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_HANDSHAKE] = BIT(HTTP_CHANNEL_SENDING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_SENDING] =
        BIT(HTTP_CHANNEL_WAITING) | BIT(HTTP_CHANNEL_ANSWERING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_WAITING] = BIT(HTTP_CHANNEL_ANSWERING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_ANSWERING] = BIT(HTTP_CHANNEL_IDLE) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_IDLE] = BIT(HTTP_CHANNEL_SENDING) | BIT(HTTP_CHANNEL_CLOSED),
    [HTTP_CHANNEL_CLOSED] = 0,
};

static void on_readable(h2o_socket_t *socket, const char *failure);

static struct http_channel *
channel_from(void *arg)
{
    struct http_channel *channel = arg;

    CHECK(channel->magic == HTTP_CHANNEL_MAGIC);
    return channel;
}

void
http_channel_move(struct http_channel *channel, enum http_channel_state state)
{
    CHECK(ALLOWED_MOVES[channel->state] & BIT(state));
    channel->state = state;
}

/* ---- timer, reading, end ---- */

/* The peer's silence counts only while something is expected of it. */
void
http_channel_expect(struct http_channel *channel, enum http_timer kind)
{
    h2o_timeout_unlink(&channel->timer);
    http_loop_link_timer(channel->loop, kind, &channel->timer);
}

void
http_channel_set_reading(struct http_channel *channel, bool is_reading)
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

void
http_channel_close_socket(struct http_channel *channel)
{
    h2o_timeout_unlink(&channel->timer);
    if (channel->question != NULL) {
        (void)host_question_cancel(&channel->question, NULL);
    }
    if (channel->socket != NULL) {
        wire_end(&channel->wire);
        h2o_socket_close(channel->socket);
        channel->socket = NULL;
        channel->is_reading = false;
    }
}

static void
lose(struct http_channel *channel, enum status st, const char *sentence)
{
    /* It has acted on nothing. */
    if (channel->wire.alert != NULL) {
        st = ST_UNAVAILABLE;
        sentence = arena_printf(channel->options.arena,
                                "The node that has to answer, at %.*s, refused this node's "
                                "certificate: %s",
                                BYTES_ARGS(channel->options.wire.host), channel->wire.alert);
    }
    channel->failure = st;
    channel->sentence = sentence;
    http_channel_close_socket(channel);
    http_channel_move(channel, HTTP_CHANNEL_CLOSED);
}

void
http_channel_destroy(struct http_channel *channel)
{
    if (list_is_linked(&channel->node)) {
        list_remove(&channel->node);
        channel->loop->kept_channel_count--;
    }
    event_loop_cancel(&channel->failed_task);
    http_channel_close_socket(channel);
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

void
http_channel_on_timer(h2o_timeout_entry_t *timer)
{
    struct http_channel *channel = CONTAINER_OF(struct http_channel, timer, timer);

    switch (channel->state) {
    case HTTP_CHANNEL_IDLE:
        http_channel_destroy(channel);
        return;
    case HTTP_CHANNEL_RESOLVING:
        http_channel_end_resolving(channel);
        return;
    case HTTP_CHANNEL_CONNECTING:
        http_channel_try_next(channel);
        return;
    default:
        lose_and_tell(channel, ST_TIMEOUT, "The node that has to answer was silent for too long.");
    }
}

/* ---- receiving ---- */

/* One bounded receive of what is a head, or begins with one.  ST_WOULD_WAIT, ST_CLOSED. */
static enum status
receive_head(struct http_channel *channel)
{
    h2o_buffer_t **input = &channel->socket->input;
    h2o_iovec_t room = h2o_buffer_reserve(input, HTTP_HEAD_READ_BYTES / 2);
    size_t size = 0;
    enum status st;

    CHECK(room.base != NULL);
    st = wire_receive(&channel->wire, room.base,
                      room.len < HTTP_HEAD_READ_BYTES ? room.len : HTTP_HEAD_READ_BYTES, &size);
    (*input)->size += size;
    channel->has_heard |= st == ST_OK;
    return st;
}

static void
begin_answer(struct http_channel *channel)
{
    const struct http_answer_head *answer = &channel->answer;

    http_channel_move(channel, HTTP_CHANNEL_ANSWERING);
    h2o_timeout_unlink(&channel->timer);
    http_channel_set_reading(channel, false);
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

/* As take_heads.  TLS may hold bytes that the socket does not tell of: until it has none. */
static enum status
hear(struct http_channel *channel)
{
    bool has_news = false;

    for (;;) {
        enum status st = receive_head(channel);

        if (st == ST_WOULD_WAIT) {
            return has_news ? ST_OK : st;
        }
        if (st == ST_OK) {
            st = take_heads(channel);
        }
        if ((st != ST_OK && st != ST_WOULD_WAIT) || channel->state == HTTP_CHANNEL_ANSWERING ||
            channel->wire.ssl == NULL) {
            return st;
        }
        has_news |= st == ST_OK;
    }
}

static void
on_answer_bytes(struct http_channel *channel)
{
    enum status st = hear(channel);

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
        http_channel_destroy(channel); /* nobody asked for anything: the peer closes it */
        return;
    case HTTP_CHANNEL_HANDSHAKE:
        http_channel_shake_hands(channel);
        return;
    case HTTP_CHANNEL_SENDING:
    case HTTP_CHANNEL_WAITING:
        on_answer_bytes(channel);
        return;
    case HTTP_CHANNEL_ANSWERING:
        http_channel_set_reading(channel, false);
        h2o_timeout_unlink(&channel->timer);
        tell(channel);
        return;
    default:
        UNREACHABLE("state of a channel that reads");
    }
}

/* ---- sending ---- */

void
http_channel_on_writable(h2o_socket_t *socket, const char *failure)
{
    struct http_channel *channel = channel_from(socket->data);

    if (failure != NULL && channel->state == HTTP_CHANNEL_CONNECTING) {
        http_channel_try_next(channel);
        return;
    }
    if (failure != NULL) {
        lose_and_tell(channel, channel->state < HTTP_CHANNEL_SENDING ? ST_UNAVAILABLE : ST_CLOSED,
                      "The node that has to answer cannot be reached.");
        return;
    }
    switch (channel->state) {
    case HTTP_CHANNEL_CONNECTING:
        http_channel_begin_wire(channel);
        return;
    case HTTP_CHANNEL_HANDSHAKE:
        http_channel_shake_hands(channel);
        return;
    case HTTP_CHANNEL_SENDING:
        http_channel_send_head(channel);
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
    http_channel_expect(channel, HTTP_TIMER_SILENCE);
    if (!h2o_socket_is_writing(channel->socket)) {
        h2o_socket_notify_write(channel->socket, http_channel_on_writable);
    }
}

void
http_channel_run_failed(struct loop_task *task)
{
    tell(CONTAINER_OF(struct http_channel, failed_task, task));
}

void
http_channel_lose_later(struct http_channel *channel, enum status st, const char *sentence)
{
    lose(channel, st, sentence);
    event_loop_defer(&channel->loop->event_loop, &channel->failed_task);
}

/* Head and prefix. */
void
http_channel_send_head(struct http_channel *channel)
{
    http_channel_set_reading(channel, true);
    while (channel->part_first < ARRAY_COUNT(channel->parts)) {
        struct iovec *part = &channel->parts[channel->part_first];
        size_t size = 0;
        enum status st = wire_send(&channel->wire, part,
                                   ARRAY_COUNT(channel->parts) - channel->part_first, &size);

        if (st == ST_WOULD_WAIT) {
            wait_writable(channel);
            return;
        }
        if (st != ST_OK) {
            http_channel_lose_later(channel, ST_CLOSED,
                                    "The node that has to answer closed the connection.");
            return;
        }
        while (channel->part_first < ARRAY_COUNT(channel->parts) && size >= part->iov_len) {
            size -= part->iov_len;
            channel->part_first++;
            part++;
        }
        if (channel->part_first < ARRAY_COUNT(channel->parts)) {
            part->iov_base = (char *)part->iov_base + size;
            part->iov_len -= (size_t)size;
        }
    }
    http_channel_move(channel, HTTP_CHANNEL_WAITING);
    http_channel_expect(channel, HTTP_TIMER_SILENCE);
}

enum status
http_channel_write(struct http_channel *channel, const struct iovec *parts, size_t count,
                   size_t *ret_size)
{
    enum status st;

    CHECK(channel->state == HTTP_CHANNEL_WAITING && channel->has_continue);
    if (h2o_socket_is_writing(channel->socket)) {
        return ST_WOULD_WAIT;
    }
    st = wire_send(&channel->wire, parts, count, ret_size);
    if (st == ST_WOULD_WAIT) {
        wait_writable(channel);
    }
    if (st != ST_CLOSED) {
        return st;
    }
    /* It may have said why before it closed: the event of its answer comes. */
    if (hear(channel) == ST_OK && channel->state == HTTP_CHANNEL_ANSWERING) {
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
        http_channel_expect(channel, HTTP_TIMER_SILENCE);
    }
}

/* ---- the answer's body ---- */

/* Raw bytes, from what was read ahead or from the socket; as receive_head. */
static enum status
receive(struct http_channel *channel, char *out, size_t room, size_t *ret_size)
{
    h2o_buffer_t *input = channel->socket->input;

    if (input->size != 0) {
        *ret_size = input->size < room ? input->size : room;
        memcpy(out, input->bytes, *ret_size);
        h2o_buffer_consume(&channel->socket->input, *ret_size);
        return ST_OK;
    }
    return wire_receive(&channel->wire, out, room, ret_size);
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
            http_channel_set_reading(channel, true);
            http_channel_expect(channel, HTTP_TIMER_SILENCE);
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
