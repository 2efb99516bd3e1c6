/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/membership.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/cluster_identity.h"
#include "native/native_answer.h"
#include "native/native_handler.h"
#include "object/ownership.h"
#include "s3/s3_dialect.h"

#include "base/banned.h"

/* Listening there means every address of the machine, which says nothing to others. */
static const char *const WILDCARDS[] = {"0.0.0.0", "::", "[::]"};

enum status
membership_init(struct membership *membership, const struct config *config, struct error *err)
{
    bool is_all = strcmp(config->role, "all") == 0;

    *membership = (struct membership){
        .is_expected = config->etcd != NULL,
        .is_gateway = is_all || strcmp(config->role, "gateway") == 0,
        .is_target = is_all || strcmp(config->role, "target") == 0,
        .started_ns = clock_monotonic_ns(),
    };
    if (!membership->is_gateway && !membership->is_target) {
        return fail(err, ST_INVALID, "Setting role: '%s' is none of all, gateway, target",
                    config->role);
    }
    if (!is_all && !membership->is_expected) {
        return fail(err, ST_INVALID,
                    "Setting role: %s is for clusters, which need --etcd; a node alone is all",
                    config->role);
    }
    if (!membership->is_target && config->mountpath.count > 0) {
        return fail(err, ST_INVALID, "Setting mountpath: a gateway keeps no objects");
    }
    return ST_OK;
}

enum status
membership_open(struct membership *membership, const struct config *config,
                struct object_store *objects, struct error *err)
{
    struct cluster_options options = {
        .control = object_store_control(objects),
        .node_id = store_node_id(object_store_store(objects)),
        .data_directory = config->data,
        .release = PACKAGE_VERSION,
        .is_gateway = membership->is_gateway,
        .is_target = membership->is_target,
    };
    struct cluster_identity identity;
    struct cluster *cluster = NULL;
    enum status st;

    if (!membership->is_expected) {
        return ST_OK;
    }
    if (membership->is_target) {
        object_store_own_keys(objects);
        options.ops = &ownership_target_ops;
        options.ops_arg = object_store_ownership(objects);
    }
    st = cluster_identity_ensure(options.control, &identity, err);
    if (st == ST_OK) {
        st = cluster_open(&options, &cluster, err);
    }
    if (st == ST_OK) {
        log_info(NULL, "cluster_opened", "cluster %s%s, node %s", identity.id,
                 identity.is_new ? " (new)" : "", options.node_id);
        atomic_store(&membership->cluster, cluster);
    }
    return st;
}

static bool
is_told_to_end(void *arg)
{
    sigset_t pending;

    (void)arg;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

bool
membership_is_wildcard(const char *address)
{
    for (size_t i = 0; i < ARRAY_COUNT(WILDCARDS); i++) {
        if (strcmp(address, WILDCARDS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum status
make_public_url(const struct config *config, const char *address, uint16_t port, struct buffer *out,
                struct error *err)
{
    bool is_ipv6 = strchr(address, ':') != NULL;

    if (config->public_url != NULL) {
        buffer_append_string(out, config->public_url);
        return ST_OK;
    }
    if (membership_is_wildcard(address)) {
        return fail(err, ST_INVALID,
                    "Setting listen: %s says nothing to other nodes; add --public-url "
                    "http://NAME:%u",
                    address, port);
    }
    buffer_printf(out, "%s://%s%s%s:%u", config->tls_cert != NULL ? "https" : "http",
                  is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "", port);
    return ST_OK;
}

enum status
membership_join(struct membership *membership, const struct config *config,
                const char *public_address, uint16_t public_port, const char *peer_address,
                struct error *err)
{
    struct cluster *cluster = atomic_load(&membership->cluster);
    struct buffer url = BUFFER_INIT;
    enum status st;

    if (cluster == NULL) {
        return ST_OK;
    }
    st = make_public_url(config, public_address, public_port, &url, err);
    if (st == ST_OK) {
        st = cluster_join(cluster, buffer_bytes(&url), bytes_of_string(peer_address),
                          is_told_to_end, NULL, err);
    }
    buffer_release(&url);
    return st;
}

void
membership_close(struct membership *membership)
{
    struct cluster *cluster = atomic_exchange(&membership->cluster, NULL);

    cluster_close(&cluster);
}

enum status
membership_check(struct membership *membership, struct error *err)
{
    struct cluster *cluster = atomic_load(&membership->cluster);

    if (!membership->is_expected) {
        return ST_OK;
    }
    return cluster == NULL ? fail(err, ST_UNAVAILABLE, "This node has not joined its cluster yet")
                           : cluster_check_confirmed(cluster, err);
}

/* ---- answers ---- */

static void
answer_health(struct membership *membership, struct http_exchange *exchange)
{
    struct arena *arena = http_exchange_arena(exchange);
    int64_t uptime_ns = clock_monotonic_ns() - membership->started_ns;
    struct http_header *headers = arena_calloc(arena, 3, sizeof(*headers));
    struct error err = ERROR_INIT;
    enum status st = membership_check(membership, &err);
    struct http_response response = {.status = st == ST_OK ? 200 : 503,
                                     .headers = headers,
                                     .header_count = 3,
                                     .body = arena_copy(arena, bytes_of_string(err.text)),
                                     .operation = "Health"};

    /* SPEC: AIStore GET /v1/health */
    headers[0] = (struct http_header){BYTES_LITERAL("Ais-Node-Uptime"),
                                      arena_printf_bytes(arena, "%" PRId64, uptime_ns)};
    headers[1] = (struct http_header){BYTES_LITERAL("Content-Type"),
                                      BYTES_LITERAL("text/plain; charset=utf-8")};
    headers[2] = (struct http_header){BYTES_LITERAL("Ais-Cluster-Uptime"), headers[0].value};
    http_exchange_respond(exchange, &response);
}

static void
answer_s3(struct http_exchange *exchange, int status, const struct error *err)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct arena *arena = http_exchange_arena(exchange);
    struct http_header *header = arena_calloc(arena, 1, sizeof(*header));
    const char *content_type = NULL;
    struct http_response response = {.status = status,
                                     .headers = header,
                                     .header_count = 1,
                                     .operation = "Refused",
                                     .error_code = status_name(err->code)};

    response.body = s3_render_error(arena, status, request->id, request->path,
                                    arena_string(arena, bytes_of_string(err->text)), &content_type);
    *header = (struct http_header){BYTES_LITERAL("Content-Type"), bytes_of_string(content_type)};
    http_exchange_respond(exchange, &response);
}

/* A gateway that is up, by the map that this node works by. */
static void
name_gateway(struct membership *membership, struct buffer *out)
{
    struct cluster *cluster = atomic_load(&membership->cluster);
    struct cluster_map *map = cluster != NULL ? cluster_map_get(cluster) : NULL;

    for (size_t i = 0; map != NULL && i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (node->is_gateway && !node->is_down && node->state == NODE_ACTIVE) {
            buffer_printf(out, ", such as %.*s", BYTES_ARGS(node->public_url));
            break;
        }
    }
    cluster_map_unref(map);
}

static void
refuse_s3(struct membership *membership, struct http_exchange *exchange)
{
    struct buffer gateway = BUFFER_INIT;
    struct error err = ERROR_INIT;

    name_gateway(membership, &gateway);
    fail(&err, ST_INVALID, "This node is a target, which does not serve S3: use a gateway%.*s",
         BYTES_ARGS(buffer_bytes(&gateway)));
    answer_s3(exchange, 400, &err);
    buffer_release(&gateway);
}

/* A node that was told of this one's joining earlier sends requests; they name the map to read. */
static bool
may_know_later(struct membership *membership)
{
    struct cluster *cluster = atomic_load(&membership->cluster);

    return cluster != NULL && cluster_is_joining(cluster);
}

bool
membership_answers(struct membership *membership, struct http_exchange *exchange, bool is_s3)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct error err = ERROR_INIT;

    if (!is_s3 && bytes_equal_string(request->path, "/v1/health") &&
        (bytes_equal_string(request->method, "GET") ||
         bytes_equal_string(request->method, "HEAD"))) {
        answer_health(membership, exchange);
    } else if (is_s3 && !membership->is_gateway) {
        refuse_s3(membership, exchange);
    } else if (membership_check(membership, &err) == ST_OK ||
               (!is_s3 && may_know_later(membership) && native_is_redirected(exchange))) {
        return false;
    } else if (is_s3) {
        answer_s3(exchange, 503, &err);
    } else {
        native_answer_error(exchange, 503, &err);
    }
    return true;
}

void
membership_refuse_peer(struct http_exchange *exchange, bool is_s3)
{
    struct error err = ERROR_INIT;

    fail(&err, ST_DENIED, "This listener is for clients; requests of other nodes are refused here");
    if (is_s3) {
        answer_s3(exchange, 403, &err);
    } else {
        native_answer_error(exchange, 403, &err);
    }
}

/* ---- health ---- */

static bool
describe_map(struct cluster *cluster, struct buffer *out)
{
    struct cluster_map *map = cluster_map_get(cluster);
    size_t down_count = 0;

    buffer_append_string(out, ",\"down\":[");
    for (size_t i = 0; map != NULL && i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (node->is_down && cluster_node_is_placed(node)) {
            buffer_printf(out, "%s\"%.*s\"", down_count++ > 0 ? "," : "", BYTES_ARGS(node->id));
        }
    }
    buffer_printf(out, "],\"version\":%" PRIu64 ",\"stage\":\"%s\"", map != NULL ? map->version : 0,
                  map != NULL ? placement_stage_name(map->stage) : "done");
    cluster_map_unref(map);
    return down_count == 0;
}

bool
membership_describe(struct membership *membership, bool is_whole_cluster, struct buffer *out)
{
    struct cluster *cluster = atomic_load(&membership->cluster);
    struct error err = ERROR_INIT;
    bool is_healthy = membership_check(membership, &err) == ST_OK;

    if (!membership->is_expected) {
        return true;
    }
    buffer_printf(out, "\"member\":%s,\"reason\":", is_healthy ? "true" : "false");
    log_append_json_string(out, bytes_of_string(err.text));
    if (is_whole_cluster && cluster != NULL) {
        bool has_leader = cluster_has_leader(cluster);

        buffer_printf(out, ",\"leader\":%s", has_leader ? "true" : "false");
        is_healthy = describe_map(cluster, out) && is_healthy && has_leader;
    }
    buffer_append_char(out, ',');
    return is_healthy;
}
