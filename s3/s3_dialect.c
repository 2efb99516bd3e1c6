/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow of a request.
 *
 *   loop:   route, authenticate, open the bucket (authorize)
 *           another node has the key: relay, answer with what it answers
 *           is_tried_on_loop: run; ST_WOULD_WAIT: again on a worker
 *   body:   none     -> worker: run
 *           whole    -> loop: collected -> worker: digests compared, run
 *           streamed -> loop: prepare -> workers: through the sink -> worker: run
 *   any:    answer, once
 *
 * Failure: every step that fails answers with its error, and nothing after it runs.
 */
#include "s3/s3_dialect.h"

#include <pthread.h>

#include "auth/sigv2_query.h"
#include "base/check.h"
#include "base/clock.h"
#include "object/object_relay.h"
#include "object/upload_pin.h"
#include "s3/s3_answer.h"
#include "s3/s3_body.h"
#include "s3/s3_error.h"
#include "s3/s3_handler.h"
#include "s3/s3_relay.h"

#include "base/banned.h"

static pthread_once_t metrics_once = PTHREAD_ONCE_INIT;

static void
register_metrics(void)
{
    s3_answer_register_metrics();
    s3_error_register_metrics();
    object_relay_register_metrics();
}

void
s3_init(struct s3 *ret_s3, const struct s3_options *options)
{
    CHECK(options->domain_count <= S3_DOMAIN_MAX);
    s3_handler_check();
    CHECK(pthread_once(&metrics_once, register_metrics) == 0);
    ret_s3->options = *options;
    ret_s3->region = bytes_of_string(options->region != NULL ? options->region
                                                             : object_store_region(options->store));
}

struct s3_route_input
s3_route_input_of(const struct s3 *s3, const struct http_request *http)
{
    return (struct s3_route_input){.method = http->method,
                                   .host = http->host,
                                   .path = http->path,
                                   .query = http->query,
                                   .domains = s3->options.domains,
                                   .domain_count = s3->options.domain_count};
}

bool
s3_accepts(const struct s3 *s3, const struct http_request *request)
{
    struct s3_route_input input = s3_route_input_of(s3, request);
    struct arena arena = ARENA_INIT;
    bool is_native = bytes_equal_string(request->path, "/v1") ||
                     bytes_has_prefix(request->path, BYTES_LITERAL("/v1/"));
    bool is_iam =
        bytes_equal_string(request->method, "POST") && bytes_equal_string(request->path, "/");

    if (is_native || is_iam) {
        is_native = s3_route_host_bucket(&input, &arena).data == NULL;
        arena_release(&arena);
        return !is_native;
    }
    return true;
}

struct bytes
s3_render_error(struct arena *arena, int http_status, const char *request_id, struct bytes resource,
                const char *sentence, const char **ret_content_type)
{
    struct s3_error_document document = {
        .code = http_status == 503   ? "SlowDown"
                : http_status == 408 ? "RequestTimeout"
                : http_status >= 500 ? "InternalError"
                                     : "BadRequest",
        .message = bytes_of_string(sentence),
        .resource = s3_error_whole_utf8(resource.size != 0 ? resource : BYTES_LITERAL("/")),
        .request_id = bytes_of_string(request_id),
        .host_id = bytes_of_string(request_id),
    };

    *ret_content_type = "application/xml";
    return s3_error_render(&document, arena);
}

static void enter_again(struct http_exchange *exchange);

/* The key is another node's by now, and nothing was done. */
static void
begin_anew(struct s3_request *request)
{
    struct error err = ERROR_INIT;

    if (request->http->is_from_peer) {
        s3_answer_moved(request);
        return;
    }
    if (request->anew_since_ns == 0) {
        request->anew_since_ns = clock_monotonic_ns();
    }
    if (object_route_again(request->s3->options.store, request->anew_since_ns, &err) == ST_OK) {
        memset(&request->reply, 0, sizeof(request->reply));
        s3_answer_let_go(request);
        http_exchange_run_on_loop(request->exchange, enter_again);
    } else {
        s3_answer_error(request, &err);
    }
}

static void
run_operation(struct s3_request *request)
{
    struct error err = ERROR_INIT;

    enum status st = s3_handler_get(request->route.id)->run(request, &err);

    if (st == ST_OK) {
        s3_answer(request);
    } else if (st == ST_MOVED && !request->has_asked_body) {
        begin_anew(request);
    } else {
        s3_answer_error(request, &err);
    }
}

static struct s3_request *
request_of(struct http_exchange *exchange)
{
    struct s3_request *request = http_exchange_data(exchange);

    CHECK(request->magic == S3_REQUEST_MAGIC);
    return request;
}

static void
run_on_worker(struct http_exchange *exchange)
{
    struct s3_request *request = request_of(exchange);

    request->mode = READ_MAY_WAIT;
    run_operation(request);
}

static void
check_body_and_run(struct http_exchange *exchange)
{
    struct s3_request *request = request_of(exchange);
    struct error err = ERROR_INIT;

    if (s3_body_check(request, &err) == ST_OK) {
        run_on_worker(exchange);
    } else {
        s3_answer_error(request, &err);
    }
}

/* Why the network layer could not give us the body. */
void
s3_answer_body_failure(struct s3_request *request, enum status st)
{
    struct error err = ERROR_INIT;

    switch (st) {
    case ST_TOO_LARGE:
        (void)fail_as(&err, st, "MaxMessageLengthExceeded",
                      "Your request was too big: the body of %s may have %zu bytes.",
                      request->operation->name, request->operation->body_size_max);
        break;
    case ST_BUSY:
        (void)fail(&err, st, "Too many request bodies are in memory; please slow down.");
        break;
    case ST_TIMEOUT:
        (void)fail(&err, st,
                   "Your socket connection to the server was not read from or written to within "
                   "the timeout period.");
        break;
    case ST_INVALID:
        (void)fail_as(&err, st, "IncompleteBody", "The body is not framed as HTTP requires.");
        break;
    default:
        (void)fail(&err, st,
                   "You did not provide the number of bytes specified by the Content-Length HTTP "
                   "header.");
        break;
    }
    s3_answer_error(request, &err);
}

static void
on_whole_body(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct s3_request *request = request_of(exchange);

    if (st != ST_OK) {
        s3_answer_body_failure(request, st);
        return;
    }
    request->body = body;
    http_exchange_run_on_worker(exchange, check_body_and_run);
}

static void
on_streamed_body(struct http_exchange *exchange, enum status st, const struct error *err)
{
    struct s3_request *request = request_of(exchange);

    if (st == ST_OK) {
        run_on_worker(exchange);
    } else if (err != NULL && err->code != ST_OK && err->text[0] != '\0') {
        s3_answer_error(request, err);
    } else {
        s3_answer_body_failure(request, st);
    }
}

/* SPEC: S3 ExpectedBucketOwner. */
static enum status
open_bucket(struct s3_request *request, struct error *err)
{
    struct bytes expected = request->headers.values[S3_EXPECTED_OWNER];
    enum status st =
        bucket_open(request->s3->options.store, request->authentication.principal,
                    request->route.bucket, request->operation->action, &request->bucket, err);

    if (st != ST_OK) {
        return st;
    }
    request->has_bucket = true;
    if (expected.data != NULL && !bytes_equal(expected, request->bucket.owner)) {
        return fail(err, ST_DENIED,
                    "The bucket does not belong to the owner named in "
                    "x-amz-expected-bucket-owner.");
    }
    return ST_OK;
}

void
s3_start_operation(struct s3_request *request)
{
    const struct s3_operation *operation = request->operation;
    struct http_exchange *exchange = request->exchange;
    struct error err = ERROR_INIT;
    enum status st;

    switch (operation->body) {
    case S3_BODY_WHOLE:
        if (request->http->has_body) {
            request->has_asked_body = true;
            http_exchange_read_body(exchange, operation->body_size_max, on_whole_body);
        } else {
            http_exchange_run_on_worker(exchange, check_body_and_run);
        }
        return;
    case S3_BODY_STREAMED:
        st = s3_handler_get(request->route.id)->prepare(request, &request->sink, &err);
        if (st == ST_OK) {
            request->has_asked_body = true;
            http_exchange_stream_body(exchange, request->sink, on_streamed_body);
        } else {
            s3_answer_error(request, &err);
        }
        return;
    case S3_BODY_NONE:
        break;
    }
    if (!operation->is_tried_on_loop) {
        http_exchange_run_on_worker(exchange, run_on_worker);
        return;
    }
    request->mode = READ_NO_WAIT;
    st = s3_handler_get(request->route.id)->run(request, &err);
    if (st == ST_OK) {
        s3_answer(request);
    } else if (st == ST_WOULD_WAIT || st == ST_MOVED) {
        memset(&request->reply, 0, sizeof(request->reply));
        http_exchange_run_on_worker(exchange, run_on_worker);
    } else {
        s3_answer_error(request, &err);
    }
}

/* What only CreateBucket takes would be dropped silently elsewhere. */
static enum status
refuse_own_headers(const struct s3_request *request, struct error *err)
{
    static const enum s3_header_id OWN[] = {S3_LODE_DURABILITY, S3_LODE_CHUNK_SIZE,
                                            S3_LODE_CHUNK_SPREAD, S3_LODE_VERIFY_READ};

    for (size_t i = 0; i < ARRAY_COUNT(OWN) && request->route.id != S3_CREATE_BUCKET; i++) {
        if (s3_has_header(&request->headers, OWN[i])) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "The header %s belongs to CreateBucket only.", s3_header_name(OWN[i]));
        }
    }
    return ST_OK;
}

/* Of a presigned URL of version 2 anybody may change what is not signed: that must not be what
 * chooses the operation. */
static enum status
refuse_unsigned_subresource(const struct s3_request *request, struct error *err)
{
    const struct s3_query *query = &request->route.query;

    for (size_t i = 0; i < query->count && request->authentication.is_sigv2; i++) {
        struct bytes name = query->parameters[i].name;

        if (s3_route_is_subresource(name) && !sigv2_query_signs(name)) {
            return fail_as(err, ST_DENIED, "AccessDenied",
                           "Presigned URLs of signature version 2 do not sign the sub-resource "
                           "%.*s. Please use AWS4-HMAC-SHA256.",
                           BYTES_ARGS(name));
        }
    }
    return ST_OK;
}

/* A presigned URL of version 2: with the headers that its query holds. */
static enum status
read_sigv2_query(struct s3_request *request, struct authenticate_options *options,
                 struct error *err)
{
    struct s3_route_input input = s3_route_input_of(request->s3, request->http);
    struct http_request *with_headers;

    options->accepts_sigv2_query = !request->s3->options.refuses_sigv2;
    if (!options->accepts_sigv2_query || !sigv2_query_is_present(request->http->query)) {
        return ST_OK;
    }
    options->resources[0] = s3_route_resource(&input, request->arena);
    /* Some sign a bucket without the slash behind it.  A path that does not begin with its bucket
     * would be another resource's name. */
    if (s3_route_host_bucket(&input, request->arena).data == NULL &&
        !bytes_has_prefix(request->http->path, BYTES_LITERAL("/s3/"))) {
        options->resources[1] = request->http->path;
    }
    with_headers = arena_alloc(request->arena, sizeof(*with_headers));
    if (sigv2_query_add_headers(request->http, request->arena, with_headers, err) != ST_OK) {
        return ST_INVALID;
    }
    request->http = with_headers;
    return ST_OK;
}

static enum status
admit(struct s3_request *request, struct error *err)
{
    struct authenticate_options options = {.credentials = request->s3->options.credentials,
                                           .service = "s3",
                                           .region = request->s3->region.data};
    enum status query_st = read_sigv2_query(request, &options, err);
    struct s3_route_input input = s3_route_input_of(request->s3, request->http);
    struct error refused = ERROR_INIT;
    enum status refused_st = s3_headers_read(request->http->headers, request->http->header_count,
                                             request->arena, &request->headers, &refused);
    enum status st;

    input.has_copy_source = s3_has_header(&request->headers, S3_COPY_SOURCE);
    st = s3_route(&input, request->arena, &request->route, refused_st == ST_OK ? &refused : NULL);
    refused_st = refused_st == ST_OK ? st : refused_st;
    request->operation = request->route.operation;
    if (request->operation != NULL && request->route.id == S3_OPTIONS) {
        return fail_as(err, ST_DENIED, "AccessForbidden",
                       "CORSResponse: CORS is not enabled for this bucket.");
    }
    if (query_st != ST_OK) {
        return query_st;
    }
    st = authenticate(&options, request->http, request->arena, &request->authentication, err);
    if (st != ST_OK) {
        return st;
    }
    request->has_authentication = true;
    st = refuse_unsigned_subresource(request, err);
    if (st != ST_OK) {
        return st;
    }
    if (refused_st != ST_OK) {
        *err = refused;
        return refused_st;
    }
    return refuse_own_headers(request, err);
}

static void enter(struct s3_request *request);

static void
enter_again(struct http_exchange *exchange)
{
    enter(request_of(exchange));
}

static void
refresh_bucket(struct http_exchange *exchange)
{
    struct s3_request *request = request_of(exchange);
    struct error err = ERROR_INIT;

    if (bucket_refresh(request->s3->options.store, request->route.bucket, &err) == ST_OK) {
        http_exchange_run_on_loop(exchange, enter_again);
    } else {
        s3_answer_error(request, &err);
    }
}

static void
enter(struct s3_request *request)
{
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (request->operation->target == S3_TARGET_BUCKET ||
        request->operation->target == S3_TARGET_OBJECT) {
        st = open_bucket(request, &err);
    }
    /* Another node may have created it a moment ago. */
    if (st == ST_NO_SUCH_BUCKET && !request->has_refreshed &&
        object_store_is_clustered(request->s3->options.store)) {
        request->has_refreshed = true;
        http_exchange_run_on_worker(request->exchange, refresh_bucket);
        return;
    }
    if (st == ST_OK) {
        st = s3_relay_or_run(request, &err);
    }
    if (st != ST_OK) {
        s3_answer_error(request, &err);
    }
}

/* A key that was made on another node a moment ago is asked for once. */
static void handle(struct http_exchange *exchange, const struct s3 *s3, bool has_refreshed_key);

static void
handle_again(struct http_exchange *exchange)
{
    handle(exchange, request_of(exchange)->s3, true);
}

static void
refresh_key(struct http_exchange *exchange)
{
    struct s3_request *request = request_of(exchange);
    struct authenticate_options options = {.credentials = request->s3->options.credentials,
                                           .service = "s3",
                                           .accepts_sigv2_query =
                                               !request->s3->options.refuses_sigv2};
    struct error err = ERROR_INIT;

    if (authenticate_refresh(&options, request->http, request->arena, &err) == ST_OK) {
        http_exchange_run_on_loop(exchange, handle_again);
    } else {
        s3_answer_error(request, &err);
    }
}

static void
handle(struct http_exchange *exchange, const struct s3 *s3, bool has_refreshed_key)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct s3_request *request = arena_calloc(arena, 1, sizeof(*request));
    struct error err = ERROR_INIT;
    enum status st;

    request->magic = S3_REQUEST_MAGIC;
    request->s3 = s3;
    request->exchange = exchange;
    request->http = http_exchange_request(exchange);
    request->arena = arena;
    request->mode = READ_MAY_WAIT;
    http_exchange_set_data(exchange, request);
    st = admit(request, &err);
    if (st != ST_OK && !has_refreshed_key && authenticate_misses_key(&err) &&
        object_store_is_clustered(s3->options.store)) {
        http_exchange_run_on_worker(exchange, refresh_key);
        return;
    }
    if (st == ST_OK && !request->operation->is_implemented) {
        st = fail(&err, ST_NOT_IMPLEMENTED, "The operation %s is not implemented.",
                  request->operation->name);
    }
    if (st == ST_OK && request->operation->body == S3_BODY_NONE) {
        st = s3_body_check_none(request, &err);
    }
    if (st == ST_OK) {
        enter(request);
    } else {
        s3_answer_error(request, &err);
    }
}

void
s3_handle(struct http_exchange *exchange, void *arg)
{
    handle(exchange, arg, false);
}
