/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_exchange.h"

#include "net/http_body.h"
#include "net/http_connection.h"
#include "net/http_run.h"

#include "base/banned.h"

struct bytes
http_request_header(const struct http_request *request, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        if (header->name.size == size && memcmp(header->name.data, name, size) == 0) {
            return header->value;
        }
    }
    return BYTES_NONE;
}

size_t
http_request_header_count(const struct http_request *request, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++) {
        count += bytes_equal_string(request->headers[i].name, name);
    }
    return count;
}

const struct http_request *
http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct arena *
http_exchange_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
}

void
http_exchange_set_data(struct http_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *
http_exchange_data(const struct http_exchange *exchange)
{
    return exchange->data;
}

bool
http_exchange_is_abandoned(const struct http_exchange *exchange)
{
    return atomic_load_explicit(&exchange->is_abandoned, memory_order_relaxed);
}

static void
run_work(struct worker_job *job)
{
    struct http_exchange *exchange = CONTAINER_OF(struct http_exchange, work_job, job);

    exchange->work(exchange);
}

static void
on_work(struct loop_message *message)
{
    struct http_exchange *exchange = CONTAINER_OF(struct http_exchange, work_message, message);

    exchange->work(exchange);
}

static void
take_response(struct http_exchange *exchange)
{
    CHECK(exchange->has_handler && !exchange->has_response);
    exchange->has_response = true;
    http_run(http_connection_of(exchange));
}

static void
on_respond(struct loop_message *message)
{
    take_response(CONTAINER_OF(struct http_exchange, respond_message, message));
}

void
http_exchange_init(struct http_exchange *exchange)
{
    exchange->arena = ARENA_INIT;
    atomic_init(&exchange->is_abandoned, false);
    exchange->work_job.run = run_work;
    exchange->work_message.run = on_work;
    exchange->respond_message.run = on_respond;
}

void
http_exchange_read_body(struct http_exchange *exchange, size_t size_max, http_body_fn *done)
{
    CHECK(done != NULL);
    exchange->body.collected_done = done;
    exchange->body.size_max = size_max;
    http_body_ask(http_connection_of(exchange), HTTP_BODY_COLLECT);
}

void
http_exchange_stream_body(struct http_exchange *exchange, struct sink *sink, http_streamed_fn *done)
{
    CHECK(done != NULL && sink != NULL);
    exchange->body.streamed_done = done;
    exchange->body.sink = sink;
    http_body_ask(http_connection_of(exchange), HTTP_BODY_STREAM);
}

void
http_exchange_read_prefix(struct http_exchange *exchange, size_t size, http_body_fn *done)
{
    CHECK(done != NULL && size != 0);
    exchange->body.collected_done = done;
    exchange->body.size_max = size;
    http_body_ask(http_connection_of(exchange), HTTP_BODY_PREFIX);
}

void
http_exchange_substitute(struct http_exchange *exchange, const struct http_request *request)
{
    CHECK(exchange->has_handler && exchange->body.is_withheld &&
          exchange->body.mode == HTTP_BODY_UNASKED);
    exchange->request = *request;
    exchange->request.is_from_peer = true;
    exchange->request.has_body = !exchange->body.is_complete;
    exchange->request.content_length =
        exchange->body.is_chunked ? HTTP_LENGTH_UNKNOWN : exchange->body.left;
}

void
http_exchange_run_on_worker(struct http_exchange *exchange, http_work_fn *fn)
{
    struct worker_pool *workers = http_connection_of(exchange)->loop->shared->options.workers;

    CHECK(fn != NULL);
    exchange->work = fn;
    if (exchange->load_class == LOAD_CONTROL) {
        worker_pool_submit_urgent(workers, &exchange->work_job);
    } else {
        worker_pool_submit(workers, &exchange->work_job);
    }
}

void
http_exchange_set_class(struct http_exchange *exchange, enum load_class load_class)
{
    if (!exchange->gate.is_counted) { /* else it leaves as what it came in */
        exchange->load_class = load_class;
    }
}

void
http_exchange_run_on_loop(struct http_exchange *exchange, http_work_fn *fn)
{
    CHECK(fn != NULL);
    exchange->work = fn;
    event_loop_post(&http_connection_of(exchange)->loop->event_loop, &exchange->work_message);
}

void
http_exchange_respond(struct http_exchange *exchange, const struct http_response *response)
{
    struct event_loop *loop = &http_connection_of(exchange)->loop->event_loop;

    exchange->response = *response;
    if (event_loop_is_current(loop)) {
        take_response(exchange);
    } else {
        event_loop_post(loop, &exchange->respond_message);
    }
}
