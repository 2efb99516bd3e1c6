/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_relay.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "object/bucket_fence.h"
#include "object/object_cluster.h"
#include "object/object_put_forward.h"

#include "base/banned.h"

static struct metric relays_total = {.kind = METRIC_COUNTER,
                                     .name = "lode_cluster_relays_total",
                                     .help = "Requests passed on to the node that owns the key."};
static struct metric moved_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_cluster_relays_repeated_total",
    .help = "Relays that were asked again because one of both nodes had an older map."};
static struct metric failed_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_cluster_relays_failed_total",
    .help = "Relays that ended without an answer of the node that owns the key."};

struct relay {
    struct bucket bucket; /* borrows the dialect's reference */
    struct bytes key;
    struct bytes upload;
    struct object_route route;
    object_relay_fn *done;
    struct http_exchange *exchange;
    unsigned int try_count;
    int64_t end_ns; /* monotonic: no repetition after it */
    uint64_t wanted_version;
    uint64_t wanted_revision; /* of control values; 0: none */
    uint64_t bucket_revision; /* that it is sent under */
    void *dialect_data;       /* of the exchange, while a worker has it */
    struct object_relay_result result;
};

void
object_relay_register_metrics(void)
{
    metric_register(&relays_total);
    metric_register(&moved_total);
    metric_register(&failed_total);
    metric_register(&bucket_fenced_total);
    object_put_forward_register_metrics();
}

static void send_relay(struct relay *relay);

static void
give_result(struct relay *relay)
{
    if (relay->result.status != ST_OK) {
        metric_add(&failed_total, 1);
    }
    relay->result.has_asked_body = !http_exchange_may_relay_again(relay->exchange);
    relay->done(relay->exchange, &relay->result);
}

static struct relay *
take_back(struct http_exchange *exchange)
{
    struct relay *relay = http_exchange_data(exchange);

    http_exchange_set_data(exchange, relay->dialect_data);
    return relay;
}

/* What was opened before may be another bucket of that name by now: then the owner, who opens and
 * authorizes again, answers for the present one, but this node does not. */
static enum status
look_at_bucket(struct relay *relay, struct error *err)
{
    struct object_store *store = relay->bucket.store;
    enum status st = bucket_fence_catch_up(store, relay->bucket.name, relay->wanted_revision, err);

    if (st == ST_OK) {
        relay->bucket_revision = bucket_fence_revision(store, relay->bucket.name);
    }
    if (st == ST_OK && relay->bucket_revision == 0) {
        st = fail(err, ST_NO_SUCH_BUCKET, "the bucket does not exist");
    }
    return st == ST_BUSY ? ST_OK : st; /* it is refused again, and then looked at again */
}

/* On the loop, with the map that was fetched. */
static void
go_on(struct http_exchange *exchange)
{
    struct relay *relay = take_back(exchange);
    struct object_relay_result *result = &relay->result;

    if (result->status == ST_OK) {
        result->status = object_route(&relay->bucket, relay->key, relay->upload,
                                      http_exchange_arena(exchange), &relay->route, &result->error);
    }
    if (result->status == ST_OK && !relay->route.is_local) {
        send_relay(relay);
        return;
    }
    result->is_local = result->status == ST_OK || result->status == ST_WOULD_WAIT;
    if (result->is_local) {
        result->status = ST_OK;
    }
    give_result(relay);
}

/* ON_WORKER. */
static void
fetch_map(struct http_exchange *exchange)
{
    struct relay *relay = http_exchange_data(exchange);
    const struct object_cluster *cluster = object_store_cluster(relay->bucket.store);

    if (relay->try_count > 1) {
        clock_pause_ns(OBJECT_MOVED_PAUSE_MS * CLOCK_NS_PER_MS);
    }
    relay->result.status =
        cluster->fetch_map(cluster->arg, relay->wanted_version, &relay->result.error);
    if (relay->result.status == ST_OK && relay->wanted_revision != 0) {
        relay->result.status = look_at_bucket(relay, &relay->result.error);
    }
    http_exchange_run_on_loop(exchange, go_on);
}

/* The other node's map is newer, or was older and is read by it now. */
static void
ask_again(struct relay *relay, uint64_t version)
{
    metric_add(&moved_total, 1);
    relay->wanted_version = version;
    relay->dialect_data = http_exchange_data(relay->exchange);
    http_exchange_set_data(relay->exchange, relay);
    http_exchange_run_on_worker(relay->exchange, fetch_map);
}

static void
on_result(struct http_exchange *exchange, const struct peer_relay_result *peer)
{
    struct relay *relay = peer->arg;
    struct object_relay_result *result = &relay->result;

    if (peer->status == ST_MOVED && peer->may_repeat && clock_monotonic_ns() < relay->end_ns) {
        relay->wanted_revision = peer->bucket_revision;
        ask_again(relay, peer->map_version);
        return;
    }
    result->answer = peer->answer;
    result->is_client_at_fault = peer->is_client_at_fault;
    result->status = peer->status;
    if (peer->status != ST_OK) {
        /* What the way there answers is 503, whatever it was: the outcome is open. */
        result->status = peer->is_client_at_fault  ? peer->status
                         : peer->status == ST_BUSY ? ST_BUSY
                                                   : ST_UNAVAILABLE;
        (void)fail(&result->error, result->status, "%s", peer->sentence);
    }
    give_result(relay);
}

static void
give_later(struct http_exchange *exchange)
{
    give_result(take_back(exchange));
}

static void
send_relay(struct relay *relay)
{
    const struct object_cluster *cluster = object_store_cluster(relay->bucket.store);
    const struct peer_relay_options options = {
        .node_id = relay->route.node_id,
        .address = relay->route.address,
        .head = {.map_version = relay->route.map_version,
                 .bucket = relay->bucket.name,
                 .bucket_revision = relay->bucket_revision},
        .arg = relay,
    };

    relay->try_count++;
    metric_add(&relays_total, 1);
    relay->result.status =
        peer_relay(cluster->peers, relay->exchange, &options, on_result, &relay->result.error);
    if (relay->result.status != ST_OK) {
        relay->dialect_data = http_exchange_data(relay->exchange);
        http_exchange_set_data(relay->exchange, relay);
        http_exchange_run_on_loop(relay->exchange, give_later);
    }
}

void
object_relay(const struct bucket *bucket, struct bytes key, struct bytes upload,
             const struct object_route *route, struct http_exchange *exchange,
             object_relay_fn *done)
{
    struct relay *relay = arena_calloc(http_exchange_arena(exchange), 1, sizeof(*relay));

    assert_on_loop();
    CHECK(!route->is_local);
    relay->bucket = *bucket;
    relay->bucket_revision = bucket->revision != PEER_BUCKET_GONE
                                 ? bucket->revision
                                 : bucket_fence_revision(bucket->store, bucket->name);
    relay->key = key;
    relay->upload = upload;
    relay->route = *route;
    relay->exchange = exchange;
    relay->done = done;
    relay->end_ns = clock_monotonic_ns() + OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS;
    send_relay(relay);
}

static void
refuse(struct object_store *store, struct http_exchange *exchange, enum status st, uint64_t known)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    struct arena *arena = http_exchange_arena(exchange);
    struct http_header *headers = arena_calloc(arena, 3, sizeof(*headers));
    struct cluster_map *map = cluster->get_map(cluster->arg);
    struct http_response response = {
        .status = st == ST_MOVED ? 421 : 503,
        .headers = headers,
        .header_count = known != 0 ? 3 : 2,
        .operation = "Refused",
        .error_code = status_name(st),
    };

    headers[0] =
        (struct http_header){BYTES_LITERAL(PEER_REFUSED_HEADER), bytes_of_string(status_name(st))};
    headers[1] = (struct http_header){BYTES_LITERAL(PEER_MAP_HEADER),
                                      arena_printf_bytes(arena, "%" PRIu64, map->version)};
    headers[2] = (struct http_header){BYTES_LITERAL(PEER_BUCKET_HEADER),
                                      arena_printf_bytes(arena, "%" PRIu64, known)};
    cluster_map_unref(map);
    http_exchange_respond(exchange, &response);
}

void
object_relay_refuse(struct object_store *store, struct http_exchange *exchange, enum status st)
{
    refuse(store, exchange, st, 0);
}

void
object_relay_refuse_bucket(struct object_store *store, struct http_exchange *exchange,
                           uint64_t known)
{
    refuse(store, exchange, ST_MOVED, known);
}
