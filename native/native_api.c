/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow of a native request.
 *
 *   loop:   authenticate, route by method, path and query
 *   body:   none     -> (loop, may not wait) worker: run
 *           message  -> loop: collected -> parsed, routed again by its action -> worker: run
 *           streamed -> loop: prepare -> workers: through the sink -> worker: run
 *   any:    answer, once
 *
 * Failure: every step that fails answers with its error, and nothing after it runs.
 */
#include "native/native_api.h"

#include "base/check.h"
#include "native/native_call.h"
#include "native/native_redirect.h"
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

static enum status
admit(struct native_call *call, struct error *err)
{
    struct authenticate_options options = {.credentials = call->native->credentials,
                                           .service = "s3"};
    enum status st;

    if (!has_credentials(call->http, &call->query)) {
        return call->native->is_anonymous_allowed
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

/* One node of a cluster: keys of others are theirs. */
static enum status
check_owner(struct native_call *call, struct error *err)
{
    if (!object_store_is_clustered(call->native->objects) || call->bucket_name.size == 0) {
        return ST_OK;
    }
    return fail(err, ST_NOT_IMPLEMENTED,
                "native requests on buckets are not supported in a cluster of several nodes");
}

static void
run(struct native_call *call)
{
    struct error err = ERROR_INIT;

    if (call->route->run(call, &err) == ST_OK) {
        native_call_answer(call);
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

static enum status
take_message(struct native_call *call, struct bytes body, struct error *err)
{
    enum status st = ST_OK;

    call->body = body;
    if (call->has_authentication && call->authentication.payload_mode == PAYLOAD_SIGNED) {
        struct digest_value sha256;

        digest_of(DIGEST_SHA256, body, &sha256);
        st = authentication_check_body(&call->authentication, &sha256, err);
    }
    if (st == ST_OK) {
        st = native_message_parse(body, &call->message, err);
    }
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

    if (take_message(call, call->body, &err) == ST_OK) {
        run_on_worker(exchange);
    } else {
        native_call_answer_error(call, &err);
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
        if (call->has_bucket) {
            bucket_close(&call->bucket);
            call->has_bucket = false;
        }
        buffer_release(&call->reply.body);
        memset(&call->reply, 0, sizeof(call->reply));
        http_exchange_run_on_worker(call->exchange, run_on_worker);
        return;
    default:
        native_call_answer_error(call, &err);
        return;
    }
}

void
native_api_handle(struct http_exchange *exchange, struct native *native)
{
    struct native_call *call = native_call_create(native, exchange);
    struct error err = ERROR_INIT;
    enum status st = native_query_parse(call->http->query, call->arena, &call->query, &err);

    if (st == ST_OK && !bytes_equal_string(call->http->path, "/v1/health")) {
        st = admit(call, &err);
    }
    if (st == ST_OK) {
        st = find_route(call, false, &err);
    }
    if (st == ST_OK) {
        st = read_names(call, false, &err);
    }
    if (st == ST_OK) {
        st = check_owner(call, &err);
    }
    if (st != ST_OK) {
        native_call_answer_error(call, &err);
    } else if (native_redirect_is_probe(call)) {
        native_redirect_answer(call);
    } else {
        start(call);
    }
}
