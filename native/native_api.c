/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow of a native request.
 *
 *   loop:   authenticate, or believe the node that sent it; route by method, path and query
 *           another node has the key: redirect
 *   body:   none     -> (loop, may not wait) worker: run
 *           message  -> loop: collected -> parsed, routed again by its action -> worker: run
 *           streamed -> loop: prepare -> workers: through the sink -> worker: run
 *   run:    a write that came before is told its answer; all others go to the handler
 *   any:    answer, once
 *
 * Failure: every step that fails answers with its error, and nothing after it runs.
 */
#include "native/native_api.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "native/native_place.h"
#include "native/native_repeat.h"
#include "native/native_reverse.h"
#include "native/native_route.h"
#include "object/object_cluster.h"
#include "object/object_route.h"

#include "base/banned.h"

static struct native_call *
call_of(struct http_exchange *exchange)
{
    struct native_call *call = http_exchange_data(exchange);

    CHECK(call->magic == NATIVE_CALL_MAGIC);
    return call;
}

static bool
has_credentials(const struct http_request *request, const struct native_query *query)
{
    return http_request_header(request, "authorization").data != NULL ||
           native_query_get(query, "X-Amz-Signature").data != NULL ||
           native_query_get(query, "X-Amz-Credential").data != NULL;
}

/* Of a request that no other node sent here.  One that a node passed on was admitted there. */
static enum status
admit_client(struct native_call *call, struct error *err)
{
    struct authenticate_options options = {.credentials = call->native->credentials,
                                           .service = "s3"};
    enum status st;

    if (!has_credentials(call->http, &call->query)) {
        return call->native->is_anonymous_allowed || call->http->is_from_peer
                   ? authenticate_native_anonymous(call->http, &call->authentication, err)
                   : fail(err, ST_UNAUTHENTICATED,
                          "token required: this server was not started with "
                          "--allow-anonymous-native");
    }
    if (bytes_has_prefix(http_request_header(call->http, "authorization"),
                         BYTES_LITERAL("Bearer "))) {
        return fail(err, ST_UNAUTHENTICATED, "invalid token: this server has no token issuer");
    }
    st = authenticate(&options, call->http, call->arena, &call->authentication, err);
    call->has_authentication = st == ST_OK;
    if (st == ST_OK && (call->authentication.payload_mode == PAYLOAD_STREAMING_SIGNED ||
                        call->authentication.payload_mode == PAYLOAD_STREAMING_UNSIGNED)) {
        return fail(err, ST_NOT_IMPLEMENTED, "native requests do not take aws-chunked bodies");
    }
    return st;
}

static enum status
find_route(struct native_call *call, bool has_message, struct error *err)
{
    struct native_match match = {.method = call->http->method,
                                 .path = call->http->path,
                                 .query = &call->query,
                                 .has_message = has_message,
                                 .action = call->message.action};
    const struct native_route *route = native_route_find(&match);
    struct bytes methods;

    if (route != NULL) {
        call->route = route;
        return ST_OK;
    }
    if (has_message) {
        return fail_as(err, ST_INVALID, "ErrUnsupp", "invalid action \"%.*s\" for %.*s %.*s",
                       (int)(match.action.size < 64 ? match.action.size : 64), match.action.data,
                       BYTES_ARGS(match.method),
                       (int)(match.path.size < 128 ? match.path.size : 128), match.path.data);
    }
    methods = native_route_methods(match.path, call->arena);
    if (methods.size == 0) {
        return fail(err, ST_INVALID, "invalid URL path \"%.*s\"",
                    (int)(match.path.size < 128 ? match.path.size : 128), match.path.data);
    }
    /* SPEC: AIStore cmn/err.go: 405 with the methods that there are. */
    native_reply_header(call, "Allow", methods);
    call->reply.http_status = 405;
    return fail(err, ST_INVALID, "invalid method \"%.*s\", expecting one of: %.*s",
                (int)(match.method.size < 32 ? match.method.size : 32), match.method.data,
                BYTES_ARGS(methods));
}

/* The contract of the route, as soon as it is certain which one it is; names of bucket and object,
 * and whose bucket it is. */
static enum status
read_names(struct native_call *call, bool has_message, struct error *err)
{
    struct bytes bucket;
    struct bytes object;
    bool is_bucket_path = strstr(call->route->path, "{bucket}") != NULL;
    enum status st = ST_OK;

    native_route_cut(call->route, call->http->path, &bucket, &object);
    if (bucket.data != NULL) {
        st = native_decode(bucket, false, call->arena, &call->bucket_name, err);
    }
    if (st == ST_OK && object.data != NULL) {
        st = native_decode(object, false, call->arena, &call->object_name, err);
    }
    if (st == ST_OK && (has_message || call->route->body != NATIVE_BODY_MESSAGE)) {
        st = native_route_check(call->route, &call->query, &call->message, call->arena, err);
    }
    if (st == ST_OK && (is_bucket_path || call->route->is_bucket_optional)) {
        st = native_bck_init(native_call_parameter(call, "provider"),
                             native_call_parameter(call, "namespace"), call->bucket_name,
                             call->arena, &call->bck, err);
    }
    return st;
}

/* ---- the right node ---- */

static void start(struct native_call *call);
static void place(struct native_call *call);

static void
place_again(struct http_exchange *exchange)
{
    place(call_of(exchange));
}

static void
refresh_and_place(struct http_exchange *exchange)
{
    struct native_call *call = call_of(exchange);
    struct error err = ERROR_INIT;

    if (object_route_again(call->native->objects, call->anew_since_ns, &err) == ST_OK) {
        http_exchange_run_on_loop(exchange, place_again);
    } else {
        native_call_answer_error(call, &err);
    }
}

/* The key is another node's by now, and nothing was done. */
static void
begin_anew(struct native_call *call)
{
    if (call->anew_since_ns == 0) {
        call->anew_since_ns = clock_monotonic_ns();
    }
    native_call_reset(call);
    http_exchange_run_on_worker(call->exchange, refresh_and_place);
}

static void
run(struct native_call *call)
{
    struct error err = ERROR_INIT;
    bool is_told;
    enum status st = native_repeat_take(call, &is_told, &err);

    if (st == ST_OK && !is_told) {
        st = call->route->run(call, &err);
    }
    if (st == ST_OK) {
        native_call_answer(call);
    } else if (st == ST_MOVED && call->native->cluster != NULL) {
        begin_anew(call);
    } else {
        native_call_answer_error(call, &err);
    }
}

static void
run_on_worker(struct http_exchange *exchange)
{
    struct native_call *call = call_of(exchange);

    call->mode = READ_MAY_WAIT;
    run(call);
}

/* It is this node's. */
static void
proceed(struct native_call *call)
{
    if (call->has_streamed_body || native_redirect_is_probe(call)) {
        native_redirect_answer_self(call); /* the client has the body, and sends it then */
    } else if (call->has_message) {
        http_exchange_run_on_worker(call->exchange, run_on_worker);
    } else {
        start(call);
    }
}

static void
proceed_on_loop(struct http_exchange *exchange)
{
    proceed(call_of(exchange));
}

static void
go_to(struct native_call *call, enum status st, bool is_local,
      const struct native_redirect_target *target, const struct error *err)
{
    if (st != ST_OK) {
        native_call_answer_error(call, err);
    } else if (!is_local) {
        native_redirect_answer(call, target);
    } else {
        http_exchange_run_on_loop(call->exchange, proceed_on_loop);
    }
}

/* Its upload may be on its way between nodes. */
static void
search(struct http_exchange *exchange)
{
    struct native_call *call = call_of(exchange);
    struct native_redirect_target target = {.map_version = 0};
    struct error err = ERROR_INIT;
    bool is_local = false;
    enum status st = native_place_search(call, &is_local, &target, &err);

    go_to(call, st, is_local, &target, &err);
}

/* Here, or at the node that has the key or the upload. */
static void
place(struct native_call *call)
{
    struct native_redirect_target target;
    struct error err = ERROR_INIT;
    bool is_local = true;
    enum status st;

    if (!native_place_has_key(call)) {
        proceed(call);
        return;
    }
    st = native_place_lacks_bucket(call) ? fail(&err, ST_NO_SUCH_BUCKET, "there is no such bucket")
                                         : native_place_find(call, &is_local, &target, &err);
    if (st == ST_WOULD_WAIT) {
        http_exchange_run_on_worker(call->exchange, search);
    } else if (st == ST_OK && is_local) {
        proceed(call);
    } else {
        go_to(call, st, is_local, &target, &err);
    }
}

static enum status
take_message(struct native_call *call, struct bytes body, struct error *err)
{
    enum status st = ST_OK;

    call->body = body;
    if (call->authentication.principal != NULL &&
        call->authentication.payload_mode == PAYLOAD_SIGNED) {
        struct digest_value sha256;

        digest_of(DIGEST_SHA256, body, &sha256);
        st = authentication_check_body(&call->authentication, &sha256, err);
    }
    if (st == ST_OK) {
        st = native_message_parse(body, &call->message, err);
    }
    call->has_message = st == ST_OK;
    if (st == ST_OK) {
        st = find_route(call, true, err);
    }
    return st == ST_OK ? read_names(call, true, err) : st;
}

static void
run_message(struct http_exchange *exchange)
{
    struct native_call *call = call_of(exchange);
    struct error err = ERROR_INIT;

    if (take_message(call, call->body, &err) != ST_OK) {
        native_call_answer_error(call, &err);
    } else if (native_place_has_key(call)) {
        http_exchange_run_on_loop(exchange, place_again);
    } else {
        run_on_worker(exchange);
    }
}

static void
answer_body_failure(struct native_call *call, enum status st)
{
    struct error err = ERROR_INIT;

    fail(&err, st == ST_CLOSED || st == ST_TIMEOUT ? ST_INCOMPLETE : st,
         "the body cannot be taken: %s", status_text(st));
    native_call_answer_error(call, &err);
}

ON_LOOP static void
on_message(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct native_call *call = call_of(exchange);

    if (st != ST_OK) {
        answer_body_failure(call, st);
        return;
    }
    call->body = body;
    http_exchange_run_on_worker(exchange, run_message);
}

static void
on_streamed(struct http_exchange *exchange, enum status st, const struct error *err)
{
    struct native_call *call = call_of(exchange);

    if (st == ST_OK) {
        run_on_worker(exchange);
    } else if (err != NULL && err->code != ST_OK && err->text[0] != '\0') {
        native_call_answer_error(call, err);
    } else {
        answer_body_failure(call, st);
    }
}

static void
start(struct native_call *call)
{
    const struct native_route *route = call->route;
    struct error err = ERROR_INIT;

    switch (route->body) {
    case NATIVE_BODY_MESSAGE:
        if (call->http->has_body) {
            http_exchange_read_body(call->exchange, NATIVE_BODY_BYTES_MAX, on_message);
        } else {
            http_exchange_run_on_worker(call->exchange, run_message);
        }
        return;
    case NATIVE_BODY_STREAMED:
        if (route->prepare(call, &err) == ST_OK) {
            call->has_streamed_body = true;
            http_exchange_stream_body(call->exchange, call->sink, on_streamed);
        } else {
            native_call_answer_error(call, &err);
        }
        return;
    case NATIVE_BODY_NONE:
        break;
    }
    if (!route->is_tried_on_loop) {
        http_exchange_run_on_worker(call->exchange, run_on_worker);
        return;
    }
    call->mode = READ_NO_WAIT;
    switch (route->run(call, &err)) {
    case ST_OK:
        native_call_answer(call);
        return;
    case ST_WOULD_WAIT:
    case ST_MOVED:
        native_call_reset(call);
        http_exchange_run_on_worker(call->exchange, run_on_worker);
        return;
    default:
        native_call_answer_error(call, &err);
        return;
    }
}

/* ---- what this node does not know yet ---- */

static void enter(struct native_call *call);

static void
enter_again(struct http_exchange *exchange)
{
    enter(call_of(exchange));
}

static void
learn(struct http_exchange *exchange)
{
    struct native_call *call = call_of(exchange);
    const struct object_cluster *cluster = object_store_cluster(call->native->objects);
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (native_place_is_behind(call)) {
        st = cluster->fetch_map(cluster->arg, call->mark.map_version, &err);
        if (st == ST_OK && native_place_is_behind(call)) {
            st = fail(&err, ST_UNAVAILABLE, "map %" PRIu64 " is not known to this node yet",
                      call->mark.map_version);
        }
    }
    if (st == ST_OK && native_place_lacks_bucket(call)) {
        call->has_refreshed_bucket = true;
        st = bucket_refresh(call->native->objects, call->bck.own_name, &err);
    }
    if (st == ST_OK) {
        http_exchange_run_on_loop(exchange, enter_again);
    } else {
        native_call_answer_error(call, &err);
    }
}

static void
enter(struct native_call *call)
{
    if (native_place_is_behind(call) ||
        (!call->has_refreshed_bucket && native_place_lacks_bucket(call))) {
        http_exchange_run_on_worker(call->exchange, learn);
    } else {
        place(call);
    }
}

static void handle(struct native_call *call);

static void
handle_again(struct http_exchange *exchange)
{
    handle(call_of(exchange));
}

/* A key that was made on another node a moment ago is asked for once. */
static void
refresh_key(struct http_exchange *exchange)
{
    struct native_call *call = call_of(exchange);
    struct authenticate_options options = {.credentials = call->native->credentials,
                                           .service = "s3"};
    struct error err = ERROR_INIT;
    enum status st = native_redirect_is_marked(call)
                         ? authenticate_vouched_refresh(call->native->credentials,
                                                        call->mark.access_key, call->arena, &err)
                         : authenticate_refresh(&options, call->http, call->arena, &err);

    if (st == ST_OK) {
        http_exchange_run_on_loop(exchange, handle_again);
    } else {
        native_call_answer_error(call, &err);
    }
}

static enum status
admit(struct native_call *call, struct error *err)
{
    if (bytes_equal_string(call->http->path, "/v1/health")) {
        return ST_OK;
    }
    return native_redirect_is_marked(call) ? native_redirect_admit(call, err)
                                           : admit_client(call, err);
}

static void
handle(struct native_call *call)
{
    struct error err = ERROR_INIT;
    enum status st = admit(call, &err);

    if (st != ST_OK && authenticate_misses_key(&err) && !call->has_refreshed_key &&
        call->native->cluster != NULL) {
        call->has_refreshed_key = true;
        http_exchange_run_on_worker(call->exchange, refresh_key);
        return;
    }
    if (st == ST_OK) {
        st = find_route(call, false, &err);
    }
    if (st == ST_OK) {
        http_exchange_set_class(call->exchange, native_route_class(call->route));
        st = native_place_check_role(call, &err);
    }
    if (st == ST_OK) {
        st = read_names(call, false, &err);
    }
    if (st != ST_OK) {
        native_call_answer_error(call, &err);
    } else if (native_reverse_is_for_other(call)) {
        native_reverse_pass_on(call);
    } else {
        enter(call);
    }
}

void
native_api_handle(struct http_exchange *exchange, struct native *native)
{
    struct native_call *call = native_call_create(native, exchange);
    struct error err = ERROR_INIT;

    if (native_query_parse(call->http->query, call->arena, &call->query, &err) == ST_OK) {
        handle(call);
    } else {
        native_call_answer_error(call, &err);
    }
}
