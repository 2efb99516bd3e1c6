/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_relay.h"

#include "base/check.h"
#include "net/http_body.h"
#include "net/http_channel.h"
#include "net/http_connection.h"
#include "net/http_metrics.h"
#include "net/http_request_head.h"
#include "net/http_run.h"

#include "base/banned.h"

/* Chunk line, data, what ends the chunk or the body. */
#define RELAY_PARTS_MAX 3

struct http_relay {
    struct http_exchange *exchange;
    struct http_channel *channel; /* NULL: left */
    struct loop_task task;
    http_relay_fn *done;
    void *arg;
    bool is_chunked;
    bool is_delivered;     /* done was called */
    bool is_last_framed;   /* the end of the body is among the parts, or was sent */
    bool is_client_broken; /* the body failed */
    struct iovec parts[RELAY_PARTS_MAX];
    size_t part_first;
    size_t part_count;
    char chunk_line[24];
};

/* ---- from the client's connection ---- */

static void
skip_sent(struct http_relay *relay, size_t size)
{
    while (relay->part_first < relay->part_count) {
        struct iovec *part = &relay->parts[relay->part_first];

        if (size < part->iov_len) {
            part->iov_base = (char *)part->iov_base + size;
            part->iov_len -= size;
            return;
        }
        size -= part->iov_len;
        relay->part_first++;
    }
    relay->part_first = relay->part_count = 0;
}

enum status
http_relay_push(struct http_exchange *exchange)
{
    struct http_relay *relay = exchange->relay;

    while (relay->part_count != 0) {
        size_t size = 0;
        enum status st;

        if (relay->channel == NULL || relay->channel->state != HTTP_CHANNEL_WAITING) {
            return ST_CANCELLED;
        }
        st = http_channel_write(relay->channel, relay->parts + relay->part_first,
                                relay->part_count - relay->part_first, &size);
        if (st == ST_WOULD_WAIT) {
            return st;
        }
        if (st != ST_OK) {
            event_loop_defer(&http_connection_of(exchange)->loop->event_loop, &relay->task);
            return ST_CANCELLED;
        }
        skip_sent(relay, size);
    }
    if (relay->channel == NULL || relay->channel->state != HTTP_CHANNEL_WAITING) {
        return ST_CANCELLED;
    }
    return ST_OK;
}

static void
add_part(struct http_relay *relay, const void *data, size_t size)
{
    relay->parts[relay->part_count++] = (struct iovec){(void *)(uintptr_t)data, size};
}

void
http_relay_frame(struct http_exchange *exchange, const char *data, size_t size, bool is_last)
{
    static const char DIGITS[] = "0123456789abcdef";
    struct http_relay *relay = exchange->relay;
    size_t first = sizeof(relay->chunk_line);
    size_t rest = size;

    CHECK(relay->part_count == 0 && !relay->is_last_framed);
    relay->is_last_framed = is_last;
    if (!relay->is_chunked) {
        add_part(relay, data, size);
        return;
    }
    if (size == 0) {
        add_part(relay, "0\r\n\r\n", 5);
        return;
    }
    relay->chunk_line[--first] = '\n';
    relay->chunk_line[--first] = '\r';
    do {
        relay->chunk_line[--first] = DIGITS[rest % 16];
        rest /= 16;
    } while (rest != 0);
    add_part(relay, relay->chunk_line + first, sizeof(relay->chunk_line) - first);
    add_part(relay, data, size);
    add_part(relay, "\r\n0\r\n\r\n", is_last ? 7 : 2);
}

void
http_relay_settle(struct http_exchange *exchange)
{
    struct http_relay *relay = exchange->relay;

    if (exchange->body.failure != ST_OK) {
        relay->is_client_broken = true;
        event_loop_defer(&http_connection_of(exchange)->loop->event_loop, &relay->task);
    } else if (relay->channel != NULL) {
        http_channel_body_sent(relay->channel);
    }
}

enum status
http_relay_read(struct http_exchange *exchange, char *out, size_t capacity, size_t *ret_size)
{
    return http_channel_read(exchange->relay->channel, out, capacity, ret_size);
}

void
http_relay_release(struct http_exchange *exchange)
{
    struct http_relay *relay = exchange->relay;

    if (relay == NULL) {
        return;
    }
    exchange->relay = NULL;
    event_loop_cancel(&relay->task);
    http_channel_leave(&relay->channel);
}

/* ---- the flow ---- */

static void
deliver(struct http_relay *relay)
{
    struct http_exchange *exchange = relay->exchange;
    struct http_channel *channel = relay->channel;
    struct http_relay_result result = {.status = ST_OK, .arg = relay->arg};

    if (relay->is_client_broken) {
        result.status = exchange->body.failure;
        result.sentence = exchange->body.sentence;
        result.is_client_at_fault = true;
    } else if (channel->state == HTTP_CHANNEL_ANSWERING) {
        result.answer = &channel->answer;
    } else {
        result.status = channel->failure;
        result.sentence = channel->sentence;
    }
    relay->is_delivered = true;
    if (result.status != ST_OK) {
        http_channel_leave(&relay->channel);
    }
    relay->done(exchange, &result); /* all this may be gone now */
}

static bool
has_news(const struct http_relay *relay)
{
    return relay->is_client_broken || relay->channel->state == HTTP_CHANNEL_ANSWERING ||
           relay->channel->state == HTTP_CHANNEL_CLOSED;
}

static void
run_task(struct loop_task *task)
{
    struct http_relay *relay = CONTAINER_OF(struct http_relay, task, task);
    struct http_connection *connection = http_connection_of(relay->exchange);

    if (relay->is_delivered) {
        http_run(connection);
        return;
    }
    /* Also where the answer has come with it: the client waits for both. */
    if (relay->channel->has_continue && relay->channel->state != HTTP_CHANNEL_CLOSED &&
        relay->exchange->body.mode == HTTP_BODY_UNASKED) {
        http_body_ask(connection, HTTP_BODY_RELAY);
    }
    /* It pumps on, or ends the body; while the exchange has its handler it stays alive. */
    http_run(connection);
    if (has_news(relay)) {
        deliver(relay);
    }
}

static void
on_changed(struct http_channel *channel, void *arg)
{
    struct http_relay *relay = arg;

    event_loop_defer(&channel->loop->event_loop, &relay->task);
}

/* As a chunk of its own. */
static struct bytes
frame_prefix(struct arena *arena, struct bytes prefix)
{
    struct bytes line = arena_printf_bytes(arena, "%zx\r\n", prefix.size);
    char *framed = arena_alloc(arena, line.size + prefix.size + 2);

    memcpy(framed, line.data, line.size);
    memcpy(framed + line.size, prefix.data, prefix.size);
    memcpy(framed + line.size + prefix.size, "\r\n", 2);
    return bytes_of(framed, line.size + prefix.size + 2);
}

void
http_exchange_relay(struct http_exchange *exchange, const struct http_relay_options *options,
                    http_relay_fn *done)
{
    const struct http_request *request = &exchange->request;
    struct http_relay *relay = arena_calloc(&exchange->arena, 1, sizeof(*relay));
    bool has_payload = !exchange->body.is_complete;
    struct http_request_head head = {
        .path = options->path,
        .host = options->wire.host,
        .headers = options->headers,
        .header_count = options->header_count,
        .prefix_size = options->prefix.size,
        .payload_size = has_payload ? request->content_length : 0,
        .expects_continue = has_payload || request->expects_continue,
    };
    struct http_channel_options channel_options = {
        .wire = options->wire,
        .prefix = options->prefix,
        .has_payload = has_payload,
        .is_head = bytes_equal_string(request->method, "HEAD"),
        .is_fresh = options->is_fresh,
        .arena = &exchange->arena,
        .changed = on_changed,
        .arg = relay,
    };

    assert_on_loop();
    CHECK(exchange->has_handler && exchange->body.mode == HTTP_BODY_UNASKED);
    http_relay_release(exchange);
    metric_add(&http_relays_total, 1);
    relay->exchange = exchange;
    relay->task.run = run_task;
    relay->done = done;
    relay->arg = options->arg;
    relay->is_chunked = head.payload_size == HTTP_LENGTH_UNKNOWN;
    if (relay->is_chunked) {
        channel_options.prefix = frame_prefix(&exchange->arena, options->prefix);
    }
    channel_options.head = http_request_head_write(&head, &exchange->arena);
    exchange->relay = relay;
    relay->channel = http_channel_open(http_connection_of(exchange)->loop, &channel_options);
}

void
http_exchange_respond_relayed(struct http_exchange *exchange, const struct http_response *response)
{
    struct http_response relayed = *response;
    const struct http_relay *relay = exchange->relay;

    CHECK(relay != NULL && relay->is_delivered && relay->channel != NULL);
    relayed.source = NULL;
    relayed.body = BYTES_NONE;
    relayed.is_relayed = true;
    relayed.content_length = relay->channel->answer.content_length;
    http_exchange_respond(exchange, &relayed);
}

bool
http_exchange_may_relay_again(const struct http_exchange *exchange)
{
    return exchange->body.mode == HTTP_BODY_UNASKED && exchange->body.failure == ST_OK;
}
