/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_reply.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "net/http_body.h"
#include "net/http_listener.h"
#include "net/http_relay.h"
#include "net/http_reply_head.h"
#include "net/http_run.h"

#include "base/banned.h"

static enum http_reply_step give_up(struct http_connection *connection, int status,
                                    const char *error_code, const char *sentence);
static void run_read_job(struct worker_job *job);
static void on_read_done(struct loop_message *message);

/* ---- the head ---- */

static bool
is_head_request(const struct http_exchange *exchange)
{
    return bytes_equal_string(exchange->request.method, "HEAD");
}

static bool
has_no_body(int status)
{
    return status == 204 || status == 304;
}

static enum http_connection_header
connection_header(const struct http_exchange *exchange)
{
    if (exchange->wants_close) {
        return HTTP_SAY_CLOSE;
    }
    return exchange->is_http_1_0 ? HTTP_SAY_KEEP_ALIVE : HTTP_SAY_NOTHING;
}

static void
write_head(struct http_connection *connection, uint64_t length)
{
    struct http_exchange *exchange = &connection->exchange;
    struct http_reply *reply = &exchange->reply;
    const struct http_response *response = &exchange->response;
    struct http_reply_head head = {
        .status = response->status,
        .date = http_loop_date(connection->loop),
        .server = connection->loop->shared->server_name,
        .connection = connection_header(exchange),
        .is_chunked = reply->is_chunked,
        .has_length = length != HTTP_LENGTH_UNKNOWN && !has_no_body(response->status),
        .length = length,
        .headers = response->headers,
        .header_count = response->header_count,
    };
    struct bytes bytes = http_reply_head_write(&head, &exchange->arena);

    reply->parts[0] = (struct iovec){(void *)(uintptr_t)bytes.data, bytes.size};
    reply->part_first = 0;
    reply->part_count = 1;
    reply->frame_bytes = bytes.size;
}

/* A large body in memory counts, lest many slow clients that ask for such hold more than all
 * streams may. */
static bool
charge_body(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;
    size_t size = connection->exchange.response.body.size;

    if (size <= BODY_BUFFER_SMALL_BYTES) {
        return true;
    }
    if (!body_budget_take(&connection->loop->shared->budget, size)) {
        return false;
    }
    reply->charged_bytes = size;
    return true;
}

void
http_reply_begin(struct http_connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    struct http_reply *reply = &exchange->reply;
    const struct http_response *response = &exchange->response;
    bool is_from_source = response->source != NULL || response->is_relayed;
    uint64_t length = is_from_source || (is_head_request(exchange) && response->body.size == 0)
                          ? response->content_length
                          : response->body.size;

    memset(reply, 0, sizeof(*reply));
    reply->source = response->source;
    reply->file_fd = -1;
    reply->job.run = run_read_job;
    reply->job_message.run = on_read_done;
    reply->has_body = !is_head_request(exchange) && !has_no_body(response->status) && length != 0;
    exchange->wants_close |=
        response->must_close ||
        (!connection->listener->is_reserved && http_gate_spares_descriptors(connection->loop)) ||
        http_body_spoils_connection(&exchange->body) ||
        atomic_load_explicit(&connection->loop->shared->is_draining, memory_order_relaxed);
    if (length == HTTP_LENGTH_UNKNOWN && reply->has_body) {
        reply->is_chunked = !exchange->is_http_1_0;
        reply->must_reset = exchange->is_http_1_0;
        exchange->wants_close |= exchange->is_http_1_0;
    }
    write_head(connection, length);
    reply->left = reply->has_body ? length : 0;
    reply->is_ended = !reply->has_body;
    reply->must_fill = reply->has_body && is_from_source;
    if (reply->has_body && !is_from_source && !charge_body(connection)) {
        give_up(connection, 503, "SlowDown", "No memory is left for bodies.");
        return;
    }
    if (reply->has_body && !is_from_source) {
        reply->parts[1] =
            (struct iovec){(void *)(uintptr_t)response->body.data, response->body.size};
        reply->part_count = 2;
        reply->left = 0;
        reply->is_ended = true;
    }
}

void
http_reply_set_error(struct http_connection *connection, int status, const char *error_code,
                     const char *sentence)
{
    struct http_exchange *exchange = &connection->exchange;
    const struct http_server_options *options = &connection->loop->shared->options;
    const char *content_type = "text/plain";
    struct http_header *header = arena_calloc(&exchange->arena, 1, sizeof(*header));
    struct bytes body = bytes_of_string(sentence);

    if (options->render_error != NULL) {
        body = options->render_error(&exchange->arena, status, exchange->request.id,
                                     exchange->request.path, sentence, &content_type);
    }
    header->name = BYTES_LITERAL("Content-Type");
    header->value = bytes_of_string(content_type);
    exchange->response = (struct http_response){
        .status = status,
        .headers = header,
        .header_count = 1,
        .body = body,
        .error_code = error_code,
        .must_close = true,
    };
}

void
http_reply_release(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;

    CHECK(!reply->is_reading);
    source_release(&reply->source);
    http_loop_put_buffer(connection->loop, &reply->buffer);
    if (reply->charged_bytes != 0) {
        body_budget_give(&connection->loop->shared->budget, reply->charged_bytes);
        reply->charged_bytes = 0;
    }
}

uint64_t
http_reply_body_bytes(const struct http_reply *reply)
{
    return reply->sent_bytes > reply->frame_bytes ? reply->sent_bytes - reply->frame_bytes : 0;
}

/* ---- filling from a source ---- */

static enum http_reply_step
give_up(struct http_connection *connection, int status, const char *error_code,
        const char *sentence)
{
    struct http_reply *reply = &connection->exchange.reply;

    if (reply->is_head_out) {
        return HTTP_REPLY_STEP_CUT;
    }
    http_reply_release(connection);
    http_reply_set_error(connection, status, error_code, sentence);
    http_reply_begin(connection);
    return HTTP_REPLY_STEP_SENT; /* as far as filling goes */
}

static void
add_part(struct http_reply *reply, const void *data, size_t size, bool is_frame)
{
    CHECK(reply->part_count < HTTP_REPLY_PARTS_MAX);
    reply->parts[reply->part_count++] = (struct iovec){(void *)(uintptr_t)data, size};
    if (is_frame) {
        reply->frame_bytes += size;
    }
}

/* "<hex>\r\n" before a chunk's data. */
static void
add_chunk_line(struct http_reply *reply, size_t size)
{
    static const char DIGITS[] = "0123456789abcdef";
    size_t first = sizeof(reply->chunk_line);

    reply->chunk_line[--first] = '\n';
    reply->chunk_line[--first] = '\r';
    do {
        reply->chunk_line[--first] = DIGITS[size % 16];
        size /= 16;
    } while (size != 0);
    add_part(reply, reply->chunk_line + first, sizeof(reply->chunk_line) - first, true);
}

/* The source gave size bytes (0: its end) in the buffer, or failed. */
static enum http_reply_step
take_read(struct http_connection *connection, enum status st, size_t size)
{
    struct http_reply *reply = &connection->exchange.reply;

    reply->must_fill = false;
    if (st != ST_OK) {
        return give_up(connection, 500, "InternalError", "The content could not be read.");
    }
    CHECK(size <= reply->read_capacity);
    if (size == 0) {
        if (reply->left != HTTP_LENGTH_UNKNOWN) {
            return give_up(connection, 500, "InternalError", "The content is shorter than stated.");
        }
        reply->is_ended = true;
        if (reply->is_chunked) {
            add_part(reply, "0\r\n\r\n", 5, true);
        }
        return HTTP_REPLY_STEP_SENT;
    }
    if (reply->is_chunked) {
        add_chunk_line(reply, size);
    }
    add_part(reply, reply->buffer->data, size, false);
    if (reply->is_chunked) {
        add_part(reply, "\r\n", 2, true);
    }
    if (reply->left != HTTP_LENGTH_UNKNOWN) {
        reply->left -= size;
        reply->is_ended = reply->left == 0;
    }
    return HTTP_REPLY_STEP_SENT;
}

static void
run_read_job(struct worker_job *job)
{
    struct http_reply *reply = CONTAINER_OF(struct http_reply, job, job);
    struct http_exchange *exchange = CONTAINER_OF(struct http_exchange, reply, reply);

    reply->read_status = source_read(reply->source, READ_MAY_WAIT, reply->buffer->data,
                                     reply->read_capacity, &reply->read_size, NULL);
    event_loop_post(&http_connection_of(exchange)->loop->event_loop, &reply->job_message);
}

static void
on_read_done(struct loop_message *message)
{
    struct http_reply *reply = CONTAINER_OF(struct http_reply, job_message, message);
    struct http_exchange *exchange = CONTAINER_OF(struct http_exchange, reply, reply);
    struct http_connection *connection = http_connection_of(exchange);

    reply->is_reading = false;
    reply->has_read = true;
    http_run(connection);
}

static bool
use_file(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;

    if (connection->is_tls || reply->left == HTTP_LENGTH_UNKNOWN ||
        reply->source->ops->file_range == NULL ||
        !reply->source->ops->file_range(reply->source, &reply->file_fd, &reply->file_offset,
                                        &reply->file_left)) {
        return false;
    }
    CHECK(reply->file_left > 0 && reply->file_left <= reply->left);
    reply->left -= reply->file_left;
    reply->is_ended = reply->left == 0;
    reply->must_fill = false;
    return true;
}

/* The connection is run again when the peer has sent more. */
static enum http_reply_step
fill_from_peer(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;
    size_t size = 0;
    enum status st =
        http_relay_read(&connection->exchange, reply->buffer->data, reply->read_capacity, &size);

    reply->is_awaiting = st == ST_WOULD_WAIT;
    if (reply->is_awaiting) {
        return HTTP_REPLY_STEP_WAIT;
    }
    if (st != ST_OK) {
        return give_up(connection, 503, "ServiceUnavailable",
                       "The node that has the content was lost. Please try again.");
    }
    return take_read(connection, st, size);
}

/* SENT: parts or a file range are ready.  WAIT: a worker reads. */
static enum http_reply_step
fill(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;
    bool is_relayed = connection->exchange.response.is_relayed;
    size_t size = 0;
    enum status st;

    if (!is_relayed && use_file(connection)) {
        return HTTP_REPLY_STEP_SENT;
    }
    if (reply->buffer == NULL) {
        reply->buffer = http_loop_get_buffer(connection->loop, reply->left);
    }
    if (reply->buffer == NULL) {
        return give_up(connection, 503, "SlowDown", "No memory is left for bodies.");
    }
    reply->read_capacity = reply->buffer->capacity;
    if (connection->is_tls && reply->read_capacity > HTTP_TLS_WRITE_BYTES) {
        reply->read_capacity = HTTP_TLS_WRITE_BYTES;
    }
    if (reply->read_capacity > reply->left) {
        reply->read_capacity = (size_t)reply->left;
    }
    if (is_relayed) {
        return fill_from_peer(connection);
    }
    st = source_read(reply->source, READ_NO_WAIT, reply->buffer->data, reply->read_capacity, &size,
                     NULL);
    if (st != ST_WOULD_WAIT) {
        return take_read(connection, st, size);
    }
    reply->is_reading = true;
    worker_pool_submit(connection->loop->shared->options.workers, &reply->job);
    return HTTP_REPLY_STEP_WAIT;
}

/* ---- sending ---- */

static void
skip_sent(struct http_reply *reply, size_t size)
{
    reply->sent_bytes += size;
    while (reply->part_first < reply->part_count) {
        struct iovec *part = &reply->parts[reply->part_first];

        if (size < part->iov_len) {
            part->iov_base = (char *)part->iov_base + size;
            part->iov_len -= size;
            return;
        }
        size -= part->iov_len;
        reply->part_first++;
    }
    reply->part_first = reply->part_count = 0;
}

static enum http_reply_step
wait_writable(struct http_connection *connection)
{
    h2o_socket_notify_write(connection->socket, http_connection_on_written);
    return HTTP_REPLY_STEP_WAIT;
}

static enum http_reply_step
send_tls(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;
    h2o_iovec_t parts[HTTP_REPLY_PARTS_MAX];
    size_t count = 0;
    size_t size = 0;

    /* A large body from memory goes in pieces, for the copy of its ciphertext. */
    for (size_t i = reply->part_first; i < reply->part_count && size < HTTP_TLS_WRITE_BYTES; i++) {
        size_t part_size = reply->parts[i].iov_len;

        if (part_size > HTTP_TLS_WRITE_BYTES) {
            part_size = HTTP_TLS_WRITE_BYTES;
        }
        parts[count++] = h2o_iovec_init(reply->parts[i].iov_base, part_size);
        size += part_size;
        if (part_size != reply->parts[i].iov_len) {
            break;
        }
    }
    reply->is_head_out = true;
    skip_sent(reply, size);
    h2o_socket_write(connection->socket, parts, count, http_connection_on_written);
    return HTTP_REPLY_STEP_WAIT;
}

static enum http_reply_step
send_clear(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;
    struct msghdr message = {.msg_iov = reply->parts + reply->part_first,
                             .msg_iovlen = reply->part_count - reply->part_first};
    ssize_t size;

    do {
        size = sendmsg(h2o_socket_get_fd(connection->socket), &message,
                       MSG_NOSIGNAL | (reply->file_left != 0 ? MSG_MORE : 0));
    } while (size == -1 && errno == EINTR);
    if (size >= 0) {
        reply->is_head_out = true;
        skip_sent(reply, (size_t)size);
        return reply->part_count == 0 ? HTTP_REPLY_STEP_SENT : wait_writable(connection);
    }
    return errno == EAGAIN ? wait_writable(connection) : HTTP_REPLY_STEP_CUT;
}

static enum http_reply_step
send_file(struct http_connection *connection, size_t *turn_left)
{
    struct http_reply *reply = &connection->exchange.reply;
    size_t wanted = reply->file_left < *turn_left ? reply->file_left : *turn_left;
    ssize_t size;

    do {
        size = sendfile(h2o_socket_get_fd(connection->socket), reply->file_fd, &reply->file_offset,
                        wanted);
    } while (size == -1 && errno == EINTR);
    if (size > 0) {
        reply->file_left -= (size_t)size;
        reply->sent_bytes += (size_t)size;
        *turn_left -= (size_t)size;
        return HTTP_REPLY_STEP_SENT;
    }
    if (size == -1 && errno == EAGAIN) {
        return wait_writable(connection);
    }
    return HTTP_REPLY_STEP_CUT; /* the file has shrunk, or the client is gone */
}

static enum http_reply_step
send_parts(struct http_connection *connection, size_t *turn_left)
{
    struct http_reply *reply = &connection->exchange.reply;
    uint64_t sent_before = reply->sent_bytes;
    enum http_reply_step step = connection->is_tls ? send_tls(connection) : send_clear(connection);
    uint64_t size = reply->sent_bytes - sent_before;

    *turn_left -= size < *turn_left ? (size_t)size : *turn_left;
    return step;
}

enum http_reply_step
http_reply_pump(struct http_connection *connection)
{
    struct http_reply *reply = &connection->exchange.reply;
    size_t turn_left = HTTP_BYTES_PER_TURN;

    for (;;) {
        enum http_reply_step step = HTTP_REPLY_STEP_SENT;

        if (h2o_socket_is_writing(connection->socket) || reply->is_reading) {
            return HTTP_REPLY_STEP_WAIT;
        }
        if (turn_left == 0) {
            return HTTP_REPLY_STEP_YIELD;
        }
        if (reply->has_read) {
            reply->has_read = false;
            step = take_read(connection, reply->read_status, reply->read_size);
        } else if (reply->must_fill) {
            step = fill(connection);
        } else if (reply->part_count != 0) {
            step = send_parts(connection, &turn_left);
        } else if (reply->file_left != 0) {
            step = send_file(connection, &turn_left);
        } else if (reply->is_ended) {
            return HTTP_REPLY_STEP_SENT;
        } else {
            reply->must_fill = true;
        }
        if (step != HTTP_REPLY_STEP_SENT) {
            return step;
        }
    }
}
