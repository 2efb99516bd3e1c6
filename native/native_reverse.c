/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_reverse.h"

#include "base/check.h"
#include "native/native_route.h"
#include "net/http_relay.h"
#include "object/object_cluster.h"

#include "base/banned.h"

#define REVERSE_PREFIX "/v1/reverse/"
#define NODE_HEADER "ais-node-id"

bool
native_reverse_is_for_other(const struct native_call *call)
{
    struct bytes id = http_request_header(call->http, NODE_HEADER);
    struct cluster_map *map;
    bool is_known;

    if (call->native->cluster == NULL || call->http->is_from_peer || id.size == 0 ||
        !bytes_has_prefix(call->http->path, BYTES_LITERAL(REVERSE_PREFIX)) ||
        bytes_equal_string(id, call->native->node_id)) {
        return false;
    }
    map = cluster_map_get(call->native->cluster);
    is_known = cluster_map_find(map, id) != NULL;
    cluster_map_unref(map);
    return is_known;
}

static void
answer_relayed(struct native_call *call, const struct http_answer_head *answer)
{
    struct http_header *headers =
        arena_alloc(call->arena, (answer->header_count + 1) * sizeof(*headers));
    struct http_response response = {
        .status = answer->status,
        .headers = headers,
        .operation = call->route->name,
    };

    for (size_t i = 0; i < answer->header_count; i++) {
        struct bytes name = answer->headers[i].name;

        if (bytes_equal_ignore_case(name, "content-type") ||
            bytes_has_prefix(name, BYTES_LITERAL("Ais-")) ||
            bytes_equal_ignore_case(name, "hdr-error")) {
            headers[response.header_count++] = answer->headers[i];
        }
    }
    native_call_release(call);
    http_exchange_respond_relayed(call->exchange, &response);
}

static void
on_answer(struct http_exchange *exchange, const struct peer_relay_result *result)
{
    struct native_call *call = http_exchange_data(exchange);
    struct error err = ERROR_INIT;

    CHECK(call->magic == NATIVE_CALL_MAGIC);
    if (result->answer != NULL) {
        answer_relayed(call, result->answer);
        return;
    }
    (void)fail(&err, ST_UNAVAILABLE, "the node does not answer: %s", result->sentence);
    native_call_answer_error(call, &err);
}

void
native_reverse_pass_on(struct native_call *call)
{
    const struct object_cluster *cluster = object_store_cluster(call->native->objects);
    struct peer_relay_options options = {.node_id = http_request_header(call->http, NODE_HEADER)};
    struct cluster_map *map = cluster->get_map(cluster->arg);
    const struct cluster_node *node = cluster_map_find(map, options.node_id);
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (node == NULL || node->is_down) {
        st = fail(&err, ST_UNAVAILABLE, "node \"%.*s\" is down", BYTES_ARGS(options.node_id));
    } else {
        options.address = arena_copy(call->arena, node->peer_address);
        options.head.map_version = map->version;
    }
    cluster_map_unref(map);
    if (st == ST_OK) {
        st = peer_relay(cluster->peers, call->exchange, &options, on_answer, &err);
    }
    if (st != ST_OK) {
        native_call_answer_error(call, &err);
    }
}
