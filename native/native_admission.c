/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_admission.h"

#include "native/native_answer.h"
#include "native/native_route.h"

#include "base/banned.h"

static const struct native_route *
find_route(struct http_exchange *exchange)
{
    const struct http_request *http = http_exchange_request(exchange);
    struct native_query query;
    struct native_match match = {.method = http->method, .path = http->path, .query = &query};

    return native_query_parse(http->query, http_exchange_arena(exchange), &query, NULL) == ST_OK
               ? native_route_find(&match)
               : NULL;
}

enum load_class
native_classify(struct http_exchange *exchange, void *arg)
{
    const struct native_route *route = find_route(exchange);

    (void)arg;
    return route != NULL ? native_route_class(route) : LOAD_SMALL;
}

void
native_refuse(struct http_exchange *exchange, unsigned retry_after_s, const char *sentence,
              void *arg)
{
    const struct native *native = arg;
    const struct native_route *route = find_route(exchange);
    struct native_failure failure = {
        .http_status = native_http_status(ST_BUSY),
        .tcode = native_error_type(ST_BUSY),
        .message = bytes_of_string(sentence),
        .node_id = native->node_id,
        .operation = route != NULL ? route->name : "Native",
        .code = ST_BUSY,
        .retry_after_s = retry_after_s,
    };

    native_answer_failure(exchange, &failure);
}
