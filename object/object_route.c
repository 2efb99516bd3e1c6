/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_route.h"

#include "base/check.h"
#include "base/clock.h"
#include "cluster/placement.h"
#include "object/object_cluster.h"
#include "object/upload_location.h"

#include "base/banned.h"

struct bytes
object_upload_name(const struct object_store *store, struct upload_id id, struct bytes origin,
                   struct arena *arena)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    char text[UPLOAD_ID_TEXT_SIZE];

    upload_id_format(id, text);
    if (cluster == NULL) {
        return arena_copy(arena, bytes_of_string(text));
    }
    return arena_printf_bytes(arena, "%s.%.*s", text,
                              BYTES_ARGS(origin.size != 0 ? origin : cluster->node_id));
}

enum status
object_upload_parse(struct bytes name, struct upload_id *ret_id, struct bytes *ret_node,
                    struct error *err)
{
    struct bytes node = name;
    struct bytes id = bytes_cut(&node, '.');

    *ret_node = BYTES_NONE;
    if (id.size != name.size) {
        if (!cluster_id_is_valid(node)) {
            return fail(err, ST_NO_SUCH_UPLOAD, "the upload id names no node");
        }
        *ret_node = node;
    }
    return upload_id_parse(id, ret_id, err);
}

static enum status
find_node(const struct cluster_map *map, const struct bucket *bucket, struct bytes key,
          struct bytes upload, struct arena *arena, const struct cluster_node **ret_node,
          struct error *err)
{
    struct upload_location location = {
        .digest = placement_digest(object_cluster_uname(bucket->name, arena), key)};
    struct upload_id id;

    if (upload.size == 0 || object_upload_parse(upload, &id, &location.origin, NULL) != ST_OK) {
        *ret_node = cluster_map_owner_of(map, location.digest);
        return ST_OK;
    }
    *ret_node = upload_location_of(map, &location);
    return upload_location_is_settled(map, &location)
               ? ST_OK
               : fail(err, ST_WOULD_WAIT, "the upload may be on its way to another node");
}

enum status
object_route(const struct bucket *bucket, struct bytes key, struct bytes upload,
             struct arena *arena, struct object_route *ret_route, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(bucket->store);
    struct object_route route = {.is_local = true};
    const struct cluster_node *node = NULL;
    struct cluster_map *map;
    enum status st = ST_OK;

    if (cluster == NULL) {
        *ret_route = route;
        return ST_OK;
    }
    st = cluster->check_confirmed(cluster->arg, err);
    if (st != ST_OK) {
        return st;
    }
    map = cluster->get_map(cluster->arg);
    st = find_node(map, bucket, key, upload, arena, &node, err);
    if (st != ST_OK) {
        /* asked for on a worker */
    } else if (node == NULL) {
        st = fail(err, ST_UNAVAILABLE, "the cluster has no active target");
    } else if (bytes_equal(node->id, cluster->node_id)) {
        route.map_version = map->version;
    } else if (node->is_down || node->peer_address.size == 0) {
        st = fail(err, ST_UNAVAILABLE, "the node %.*s that has this key is down",
                  BYTES_ARGS(node->id));
    } else {
        route.is_local = false;
        route.map_version = map->version;
        route.node_id = arena_copy(arena, node->id);
        route.address = arena_copy(arena, node->peer_address);
        route.public_url = arena_copy(arena, node->public_url);
    }
    cluster_map_unref(map);
    if (st == ST_OK) {
        *ret_route = route;
    }
    return st;
}

enum status
object_route_refresh(const struct object_store *store, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    struct cluster_map *map;
    uint64_t version;

    if (cluster == NULL) {
        return ST_OK;
    }
    map = cluster->get_map(cluster->arg);
    version = map->version;
    cluster_map_unref(map);
    return cluster->fetch_map(cluster->arg, version, err);
}

enum status
object_route_again(const struct object_store *store, int64_t began_ns, struct error *err)
{
    if (clock_monotonic_ns() - began_ns > OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS) {
        return fail(err, ST_UNAVAILABLE, "The map of the cluster keeps changing");
    }
    clock_pause_ns(OBJECT_MOVED_PAUSE_MS * CLOCK_NS_PER_MS);
    return object_route_refresh(store, err);
}
