/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_relay.h"

#include "base/check.h"
#include "base/clock.h"
#include "object/object_relay.h"
#include "object/upload_find.h"
#include "object/upload_pin.h"
#include "s3/s3_answer.h"

#include "base/banned.h"

static struct s3_request *
request_of(struct http_exchange *exchange)
{
    struct s3_request *request = http_exchange_data(exchange);

    CHECK(request->magic == S3_REQUEST_MAGIC);
    return request;
}

static void route_again(struct s3_request *request);

static void
on_relayed(struct http_exchange *exchange, struct object_relay_result *result)
{
    struct s3_request *request = request_of(exchange);

    request->has_asked_body = result->has_asked_body;
    if (result->answer != NULL) {
        s3_answer_relayed(request, result->answer);
    } else if (result->is_local) {
        route_again(request);
    } else if (result->is_client_at_fault) {
        s3_answer_body_failure(request, result->status);
    } else {
        s3_answer_error(request, &result->error);
    }
}

static struct bytes
upload_name(const struct s3_request *request)
{
    return s3_query_value(&request->route.query, "uploadId");
}

/* Then request->upload is set, and how it is pinned. */
static bool
has_upload(struct s3_request *request)
{
    struct bytes node;

    request->pin = request->route.id == S3_UPLOAD_PART || request->route.id == S3_UPLOAD_PART_COPY
                       ? UPLOAD_PIN_PART
                       : UPLOAD_PIN_REQUEST;
    return upload_name(request).size != 0 &&
           object_upload_parse(upload_name(request), &request->upload, &node, NULL) == ST_OK;
}

static void
go_to(struct s3_request *request, const struct object_route *route)
{
    if (route->is_local) {
        s3_start_operation(request);
    } else if (request->http->is_from_peer) {
        s3_answer_moved(request);
    } else {
        object_relay(&request->bucket, request->route.key, upload_name(request), route,
                     request->exchange, on_relayed);
    }
}

/* ---- an upload that may be on its way between nodes ---- */

struct upload_search {
    int64_t end_ns; /* monotonic */
    enum status status;
    struct object_route route;
    struct error error;
};

static void
on_upload_found(struct http_exchange *exchange)
{
    struct s3_request *request = request_of(exchange);
    const struct upload_search *search = request->search;

    if (search->status == ST_OK) {
        go_to(request, &search->route);
    } else if (search->status == ST_MOVED && request->http->is_from_peer) {
        s3_answer_moved(request);
    } else {
        s3_answer_error(request, &search->error);
    }
}

/* ON_WORKER. */
static void
find_upload(struct http_exchange *exchange)
{
    struct s3_request *request = request_of(exchange);
    struct upload_search *search = request->search;
    bool is_upload = has_upload(request);
    const struct upload_find_options options = {.bucket = &request->bucket,
                                                .key = request->route.key,
                                                .name = upload_name(request),
                                                .pin = request->pin,
                                                .is_from_peer = request->http->is_from_peer,
                                                .end_ns = search->end_ns};

    search->status = upload_find(&options, request->arena, &search->route, &search->error);
    request->has_pin = search->status == ST_OK && search->route.is_local && is_upload;
    http_exchange_run_on_loop(exchange, on_upload_found);
}

static void
start_search(struct s3_request *request)
{
    if (request->search == NULL) {
        request->search = arena_calloc(request->arena, 1, sizeof(*request->search));
        request->search->end_ns = clock_monotonic_ns() + OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS;
    }
    request->search->error = ERROR_INIT;
    http_exchange_run_on_worker(request->exchange, find_upload);
}

/* False: it is about to leave this node. */
static bool
pin_upload(struct s3_request *request)
{
    if (!has_upload(request) || request->has_pin ||
        !object_store_is_clustered(request->s3->options.store)) {
        return true;
    }
    request->has_pin =
        upload_pin_take_as(request->s3->options.store, request->upload, request->pin);
    return request->has_pin;
}

enum status
s3_relay_or_run(struct s3_request *request, struct error *err)
{
    struct object_route route = {.is_local = true};
    enum status st = ST_OK;

    if (request->operation->target == S3_TARGET_OBJECT) {
        st = object_route(&request->bucket, request->route.key, upload_name(request),
                          request->arena, &route, err);
    }
    if (st == ST_WOULD_WAIT || (st == ST_OK && route.is_local && !pin_upload(request))) {
        start_search(request);
        return ST_OK;
    }
    if (st == ST_OK) {
        go_to(request, &route);
    }
    return st;
}

static void
route_again(struct s3_request *request)
{
    struct error err = ERROR_INIT;

    if (s3_relay_or_run(request, &err) != ST_OK) {
        s3_answer_error(request, &err);
    }
}
