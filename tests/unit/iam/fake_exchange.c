/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/iam/fake_exchange.h"

#include "base/check.h"

#include "base/banned.h"

void
fake_exchange_init(struct http_exchange *exchange, const struct http_request *request,
                   struct bytes body)
{
    *exchange = (struct http_exchange){.request = *request, .arena = ARENA_INIT, .body = body};
    memcpy(exchange->request.id, "0123456789ABCDEF", 17);
}

void
fake_exchange_release(struct http_exchange *exchange)
{
    arena_release(&exchange->arena);
    arena_release(&exchange->kept);
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

void
http_exchange_read_body(struct http_exchange *exchange, size_t size_max, http_body_fn *done)
{
    exchange->was_body_read = true;
    if (exchange->body_status != ST_OK) {
        done(exchange, exchange->body_status, BYTES_NONE);
    } else if (exchange->body.size > size_max) {
        done(exchange, ST_TOO_LARGE, BYTES_NONE);
    } else {
        done(exchange, ST_OK, exchange->body);
    }
}

void
http_exchange_run_on_worker(struct http_exchange *exchange, http_work_fn *fn)
{
    fn(exchange);
}

void
http_exchange_respond(struct http_exchange *exchange, const struct http_response *response)
{
    struct http_header *headers;

    CHECK(exchange->answer_count == 0);
    exchange->answer = *response;
    headers = arena_calloc(&exchange->kept, response->header_count, sizeof(*headers));
    memcpy(headers, response->headers, response->header_count * sizeof(*headers));
    exchange->answer.headers = headers;
    exchange->answer.body = arena_copy(&exchange->kept, response->body);
    exchange->answer.user = arena_copy(&exchange->kept, response->user);
    exchange->answer_count++;
    /* From here on nobody may touch it: what does, AddressSanitizer shows. */
    arena_release(&exchange->arena);
    exchange->data = NULL;
}
