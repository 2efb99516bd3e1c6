/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/peer_handler.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "cluster/peer_client.h"
#include "object/bucket_fence.h"
#include "object/object_cluster.h"
#include "object/object_put.h"
#include "object/object_relay.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

static struct metric requests_total = {.kind = METRIC_COUNTER,
                                       .name = "lode_peer_requests_total",
                                       .help = "Requests of other nodes that were verified."};
static struct metric refused_total = {.kind = METRIC_COUNTER,
                                      .name = "lode_peer_refused_total",
                                      .help = "Requests on the peer listener that were refused."};

static void
register_metrics(void)
{
    metric_register(&requests_total);
    metric_register(&refused_total);
}

void
peer_handler_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    CHECK(pthread_once(&once, register_metrics) == 0);
}

bool
peer_is_claimed(const struct http_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_has_prefix(request->headers[i].name, BYTES_LITERAL(PEER_SIGNATURE_HEADER))) {
            return true;
        }
    }
    return false;
}

/* ---- answers ---- */

/* The binary answer, then the bytes of another source. */
struct answer_source {
    struct source source;
    struct source *payload;
    size_t head_sent;
    size_t head_size;
    char head[];
};

static enum status
answer_read(struct source *source, enum read_mode mode, char *out, size_t capacity,
            size_t *ret_size, struct error *err)
{
    struct answer_source *answer = CONTAINER_OF(struct answer_source, source, source);
    size_t left = answer->head_size - answer->head_sent;

    if (left == 0) {
        return source_read(answer->payload, mode, out, capacity, ret_size, err);
    }
    *ret_size = left < capacity ? left : capacity;
    memcpy(out, answer->head + answer->head_sent, *ret_size);
    answer->head_sent += *ret_size;
    return ST_OK;
}

static void
answer_release(struct source *source)
{
    struct answer_source *answer = CONTAINER_OF(struct answer_source, source, source);

    source_release(&answer->payload);
    free(answer);
}

static const struct source_ops ANSWER_OPS = {answer_read, NULL, answer_release};

static uint64_t
map_version_of(const struct peer_request *request)
{
    const struct object_cluster *cluster = object_store_cluster(request->server->store);
    struct cluster_map *map = cluster->get_map(cluster->arg);
    uint64_t version = map->version;

    cluster_map_unref(map);
    return version;
}

static int
http_status_of(enum status st)
{
    switch (st) {
    case ST_OK:
        return 200;
    case ST_MOVED:
        return 421;
    case ST_DENIED:
        return 403;
    case ST_INVALID:
    case ST_NOT_IMPLEMENTED:
    case ST_TOO_LARGE:
        return 400;
    case ST_NOT_FOUND:
        return 404;
    default:
        return 503;
    }
}

static void
use_source(struct peer_request *request, struct bytes head, struct http_response *response)
{
    struct answer_source *source = xcalloc(1, sizeof(*source) + head.size);

    source->source.ops = &ANSWER_OPS;
    source->payload = request->source;
    request->source = NULL;
    source->head_size = head.size;
    memcpy(source->head, head.data, head.size);
    response->source = &source->source;
    response->content_length = request->source_size == HTTP_LENGTH_UNKNOWN
                                   ? HTTP_LENGTH_UNKNOWN
                                   : head.size + request->source_size;
}

static void
respond(struct peer_request *request, enum status st, const struct error *err)
{
    struct peer_answer answer = {
        .status = st,
        .map_version = map_version_of(request),
        .bucket_revision = st == ST_MOVED ? request->known_revision : 0,
    };
    struct http_header *headers = arena_calloc(request->arena, 3, sizeof(*headers));
    struct http_response response = {.status = http_status_of(st),
                                     .headers = headers,
                                     .header_count = st == ST_OK ? 1 : 3,
                                     .operation =
                                         request->verb != NULL ? request->verb->name : "peer",
                                     .error_code = st == ST_OK ? NULL : status_name(st)};
    struct buffer bytes = BUFFER_INIT;
    size_t head_size;

    if (st == ST_OK) {
        answer.fields = request->fields;
    } else {
        answer.sentence = bytes_of_string(err->text);
        answer.dialect_code = bytes_of_string(err->dialect_code);
    }
    peer_answer_write(&answer, &bytes);
    head_size = bytes.size;
    if (st == ST_OK && request->source != NULL) {
        use_source(request, buffer_bytes(&bytes), &response);
    } else {
        buffer_append_bytes(&bytes, st == ST_OK ? request->payload : BYTES_NONE);
        response.body = arena_copy(request->arena, buffer_bytes(&bytes));
    }
    buffer_release(&bytes);
    source_release(&request->source);
    headers[0] = (struct http_header){BYTES_LITERAL(PEER_ANSWER_HEADER),
                                      arena_printf_bytes(request->arena, "%zu", head_size)};
    headers[1] =
        (struct http_header){BYTES_LITERAL(PEER_REFUSED_HEADER), bytes_of_string(status_name(st))};
    headers[2] =
        (struct http_header){BYTES_LITERAL(PEER_MAP_HEADER),
                             arena_printf_bytes(request->arena, "%" PRIu64, answer.map_version)};
    http_exchange_respond(request->exchange, &response);
}

/* Before it is known whose request it is. */
static void
refuse(struct peer_request *request, enum status st, const struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct log_context context = {.request_id = http->id};

    metric_add(&refused_total, 1);
    log_warn(&context, "peer_refused", "A request from %.*s was refused: %s",
             BYTES_ARGS(http->peer_address), err->text);
    respond(request, st, err);
}

/* ---- the flow ---- */

static struct peer_request *
request_of(struct http_exchange *exchange)
{
    struct peer_request *request = http_exchange_data(exchange);

    CHECK(request->magic == PEER_REQUEST_MAGIC);
    return request;
}

/* ST_MOVED: ours is newer.  ST_WOULD_WAIT: theirs is. */
static enum status
compare_maps(const struct peer_request *request, struct error *err)
{
    uint64_t version = map_version_of(request);

    if (request->head.map_version < version) {
        return fail(err, ST_MOVED, "Map %" PRIu64 " is older than map %" PRIu64 " of this node",
                    request->head.map_version, version);
    }
    return request->head.map_version == version ? ST_OK : ST_WOULD_WAIT;
}

static enum status
require_map(const struct peer_request *request, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(request->server->store);
    enum status st = compare_maps(request, err);

    if (st == ST_WOULD_WAIT) {
        st = cluster->fetch_map(cluster->arg, request->head.map_version, err);
        if (st == ST_OK) {
            st = compare_maps(request, err);
        }
        if (st == ST_WOULD_WAIT) {
            st = fail(err, ST_UNAVAILABLE, "Map %" PRIu64 " is not known to this node yet",
                      request->head.map_version);
        }
    }
    return st;
}

/* Under the value of the bucket that the sender has, and no other. */
static enum status
require_bucket(struct peer_request *request, struct error *err)
{
    const struct peer_head *head = &request->head;

    return head->bucket.size == 0 || head->bucket_revision == 0
               ? ST_OK
               : bucket_fence_require(request->server->store, head->bucket, head->bucket_revision,
                                      &request->known_revision, err);
}

static enum status
require_map_and_bucket(struct peer_request *request, struct error *err)
{
    enum status st = request->verb->is_of_any_map ? ST_OK : require_map(request, err);

    return st == ST_OK ? require_bucket(request, err) : st;
}

static void
run_verb(struct http_exchange *exchange)
{
    struct peer_request *request = request_of(exchange);
    struct error err = ERROR_INIT;
    enum status st = require_map_and_bucket(request, &err);

    if (st == ST_OK) {
        st = request->verb->run(request, &err);
    }
    respond(request, st, &err);
}

static void
on_body(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct peer_request *request = request_of(exchange);
    struct error err = ERROR_INIT;

    if (st != ST_OK) {
        (void)fail(&err, st, "The body of a peer request did not come: %s", status_text(st));
        respond(request, st, &err);
        return;
    }
    request->body = body;
    http_exchange_run_on_worker(exchange, run_verb);
}

/* ---- streams ---- */

static void
end_stream(struct peer_request *request, enum status st, const struct error *err)
{
    struct error failure = err != NULL ? *err : ERROR_INIT;

    if (st == ST_OK) {
        st = request->verb->run(request, &failure);
    }
    object_put_release(&request->put);
    respond(request, st, &failure);
}

static void
on_streamed(struct http_exchange *exchange, enum status st, const struct error *err)
{
    end_stream(request_of(exchange), st, err);
}

static void
stream_payload(struct http_exchange *exchange)
{
    struct peer_request *request = request_of(exchange);

    http_exchange_stream_body(exchange, object_put_sink(request->put), on_streamed);
}

/* Refused before the payload is asked for, so it never comes. */
static void
open_stream(struct http_exchange *exchange)
{
    struct peer_request *request = request_of(exchange);
    struct error err = ERROR_INIT;
    enum status st = require_map_and_bucket(request, &err);

    if (st == ST_OK) {
        st = request->verb->open(request, &err);
    }
    if (st == ST_OK && request->head.has_payload) {
        http_exchange_run_on_loop(exchange, stream_payload);
        return;
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(request->put), &err);
    }
    end_stream(request, st, &err);
}

/* The sender asks again, and by then this node has its map. */
static void
fetch_and_refuse(struct http_exchange *exchange)
{
    struct peer_request *request = request_of(exchange);
    struct error err = ERROR_INIT;
    enum status st = require_map(request, &err);

    object_relay_refuse(request->server->store, exchange, st == ST_OK ? ST_MOVED : st);
}

/* The same for the value of the bucket. */
static void
catch_up_and_refuse(struct http_exchange *exchange)
{
    struct peer_request *request = request_of(exchange);
    struct error err = ERROR_INIT;
    enum status st = require_bucket(request, &err);

    if (st == ST_OK || st == ST_MOVED) {
        object_relay_refuse_bucket(request->server->store, exchange,
                                   st == ST_OK ? request->head.bucket_revision
                                               : request->known_revision);
    } else {
        object_relay_refuse(request->server->store, exchange, st);
    }
}

static void
start_under_bucket(struct peer_request *request)
{
    const struct peer_head *head = &request->head;
    enum status st = ST_OK;

    if (head->bucket.size != 0 && head->bucket_revision != 0) {
        st = bucket_fence_check(request->server->store, head->bucket, head->bucket_revision,
                                &request->known_revision, NULL);
    }
    if (st == ST_WOULD_WAIT) {
        http_exchange_run_on_worker(request->exchange, catch_up_and_refuse);
    } else if (st != ST_OK) {
        object_relay_refuse_bucket(request->server->store, request->exchange,
                                   request->known_revision);
    } else {
        peer_relayed_s3(request);
    }
}

static void
start_relayed(struct peer_request *request)
{
    struct error err = ERROR_INIT;
    enum status st = compare_maps(request, &err);

    if (st == ST_WOULD_WAIT) {
        http_exchange_run_on_worker(request->exchange, fetch_and_refuse);
    } else if (st != ST_OK) {
        object_relay_refuse(request->server->store, request->exchange, st);
    } else if (!request->head.is_relay) {
        st = fail(&err, ST_INVALID, "A relay without the request that it relays");
        refuse(request, st, &err);
    } else {
        start_under_bucket(request);
    }
}

static enum status
verify(struct peer_request *request, struct bytes head, struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct bytes own = peer_identity_node(request->server->identity);
    enum status st =
        peer_verify(request->server->identity, http->path, head,
                    http_request_header(http, PEER_SIGNATURE_HEADER), &request->from, err);

    if (st == ST_OK) {
        st = peer_head_read(head, request->arena, &request->head, err);
    }
    if (st == ST_OK && !bytes_equal(request->head.to, own)) {
        st = fail(err, ST_DENIED, "This node is %.*s, the request is for %.*s", BYTES_ARGS(own),
                  BYTES_ARGS(request->head.to));
    }
    return st;
}

static void
on_head(struct http_exchange *exchange, enum status st, struct bytes head)
{
    struct peer_request *request = request_of(exchange);
    struct error err = ERROR_INIT;

    if (st == ST_OK) {
        st = verify(request, head, &err);
    } else {
        (void)fail(&err, st, "The head of a peer request did not come: %s", status_text(st));
    }
    if (st != ST_OK) {
        refuse(request, st, &err);
        return;
    }
    metric_add(&requests_total, 1);
    if (request->verb->is_urgent) {
        http_exchange_set_class(exchange, LOAD_CONTROL);
    }
    if (request->verb->run == NULL) {
        start_relayed(request);
    } else if (request->verb->open != NULL) {
        http_exchange_run_on_worker(exchange, open_stream);
    } else if (request->head.has_payload) {
        http_exchange_read_body(exchange, request->verb->body_max, on_body);
    } else {
        http_exchange_run_on_worker(exchange, run_verb);
    }
}

static enum status
read_envelope(struct peer_request *request, size_t *ret_head_size, struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct bytes path = http->path;
    uint64_t size = 0;

    if (!bytes_equal_string(http->method, "POST") ||
        !bytes_has_prefix(path, BYTES_LITERAL(PEER_PATH_PREFIX))) {
        return fail(err, ST_NOT_FOUND, "This is the listener for the nodes of a Lode cluster");
    }
    request->verb = peer_verb_find(bytes_slice(path, sizeof(PEER_PATH_PREFIX) - 1, path.size));
    if (request->verb == NULL) {
        return fail(err, ST_NOT_IMPLEMENTED, "The peer verb %.*s is not known to this release",
                    BYTES_ARGS(path));
    }
    if (bytes_parse_u64(http_request_header(http, PEER_HEAD_HEADER), PEER_HEAD_BYTES_MAX, &size) !=
            ST_OK ||
        size == 0) {
        return fail(err, ST_INVALID, "The length of a peer request's head is missing");
    }
    *ret_head_size = (size_t)size;
    return ST_OK;
}

void
peer_handle(struct http_exchange *exchange, void *arg)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct peer_request *request = arena_calloc(arena, 1, sizeof(*request));
    struct error err = ERROR_INIT;
    size_t head_size = 0;
    enum status st;

    request->magic = PEER_REQUEST_MAGIC;
    request->server = arg;
    request->exchange = exchange;
    request->arena = arena;
    http_exchange_set_data(exchange, request);
    st = read_envelope(request, &head_size, &err);
    if (st == ST_OK) {
        http_exchange_read_prefix(exchange, head_size, on_head);
    } else {
        refuse(request, st, &err);
    }
}
