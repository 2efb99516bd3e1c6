/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_map.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "cluster/cluster_map_codec.h"
#include "cluster/placement.h"

#include "base/banned.h"

static struct bytes *
copy_ids(struct arena *arena, const struct bytes *ids, size_t count)
{
    struct bytes *copies = arena_calloc(arena, count, sizeof(*copies));

    for (size_t i = 0; i < count; i++) {
        copies[i] = arena_copy(arena, ids[i]);
    }
    return copies;
}

static void
copy_placement(struct arena *arena, const struct cluster_placement *from,
               struct cluster_placement *to)
{
    to->version = from->version;
    to->target_count = from->target_count;
    to->targets = copy_ids(arena, from->targets, from->target_count);
    to->digests = arena_calloc(arena, from->target_count, sizeof(*to->digests));
    for (size_t i = 0; i < to->target_count; i++) {
        to->digests[i] = placement_node_digest(to->targets[i]);
    }
}

struct cluster_map *
cluster_map_create(const struct cluster_map *content)
{
    struct cluster_map *map = xmalloc(sizeof(*map));

    *map = *content;
    atomic_init(&map->reference_count, 1);
    map->arena = ARENA_INIT;
    map->is_placing = content->former_count > 0;
    map->cluster_id = arena_copy(&map->arena, content->cluster_id);
    map->nodes = arena_calloc(&map->arena, content->node_count, sizeof(*map->nodes));
    for (size_t i = 0; i < map->node_count; i++) {
        struct cluster_node *node = &map->nodes[i];

        *node = content->nodes[i];
        node->id = arena_copy(&map->arena, node->id);
        node->digest = placement_node_digest(node->id);
        node->public_url = arena_copy(&map->arena, node->public_url);
        node->peer_address = arena_copy(&map->arena, node->peer_address);
    }
    map->formers = arena_calloc(&map->arena, content->former_count, sizeof(*map->formers));
    for (size_t i = 0; i < map->former_count; i++) {
        copy_placement(&map->arena, &content->formers[i], &map->formers[i]);
    }
    map->removed = copy_ids(&map->arena, content->removed, content->removed_count);
    CHECK(cluster_map_check(map, NULL) == ST_OK);
    return map;
}

struct cluster_map *
cluster_map_ref(struct cluster_map *map)
{
    CHECK(atomic_fetch_add(&map->reference_count, 1) > 0);
    return map;
}

void
cluster_map_unref(struct cluster_map *map)
{
    if (map != NULL && atomic_fetch_sub(&map->reference_count, 1) == 1) {
        arena_release(&map->arena);
        free(map);
    }
}

const struct cluster_node *
cluster_map_find(const struct cluster_map *map, struct bytes id)
{
    for (size_t i = 0; i < map->node_count; i++) {
        if (bytes_equal(map->nodes[i].id, id)) {
            return &map->nodes[i];
        }
    }
    return NULL;
}

bool
cluster_map_is_removed(const struct cluster_map *map, struct bytes id)
{
    for (size_t i = 0; i < map->removed_count; i++) {
        if (bytes_equal(map->removed[i], id)) {
            return true;
        }
    }
    return false;
}

const struct cluster_node *
cluster_map_owner_of(const struct cluster_map *map, uint64_t digest)
{
    const struct cluster_node *owner = NULL;
    uint64_t owner_weight = 0;

    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (cluster_node_is_placed(node)) {
            uint64_t weight = placement_weight(node->digest, digest);

            if (owner == NULL || weight > owner_weight) {
                owner = node;
                owner_weight = weight;
            }
        }
    }
    return owner;
}

/* BYTES_NONE: that placement had no target. */
static struct bytes
former_owner_of_digest(const struct cluster_placement *placement, uint64_t digest)
{
    struct bytes owner = BYTES_NONE;
    uint64_t owner_weight = 0;

    for (size_t i = 0; i < placement->target_count; i++) {
        uint64_t weight = placement_weight(placement->digests[i], digest);

        if (i == 0 || weight > owner_weight) {
            owner = placement->targets[i];
            owner_weight = weight;
        }
    }
    return owner;
}

struct bytes
cluster_map_former_owner_id(const struct cluster_map *map, size_t index, uint64_t digest)
{
    CHECK(index < map->former_count);
    return former_owner_of_digest(&map->formers[index], digest);
}

const struct cluster_node *
cluster_map_owner(const struct cluster_map *map, struct bytes bucket_uname, struct bytes key)
{
    return cluster_map_owner_of(map, placement_digest(bucket_uname, key));
}

size_t
cluster_map_former_owners(const struct cluster_map *map, struct bytes bucket_uname,
                          struct bytes key, const struct cluster_node **out, size_t max)
{
    return cluster_map_former_owners_of(map, placement_digest(bucket_uname, key), out, max);
}

size_t
cluster_map_former_owners_of(const struct cluster_map *map, uint64_t digest,
                             const struct cluster_node **out, size_t max)
{
    const struct cluster_node *owner = cluster_map_owner_of(map, digest);
    size_t count = 0;

    for (size_t i = 0; i < map->former_count; i++) {
        struct bytes id = former_owner_of_digest(&map->formers[i], digest);
        const struct cluster_node *former = cluster_map_find(map, id);
        bool is_new = former != NULL && former != owner;

        for (size_t k = 0; k < count && is_new; k++) {
            is_new = out[k] != former;
        }
        if (is_new) {
            CHECK(count < max);
            out[count++] = former;
        }
    }
    return count;
}

uint64_t
cluster_map_owned_since(const struct cluster_map *map, struct bytes bucket_uname, struct bytes key)
{
    return cluster_map_owned_since_of(map, placement_digest(bucket_uname, key));
}

uint64_t
cluster_map_owned_since_of(const struct cluster_map *map, uint64_t digest)
{
    const struct cluster_node *owner = cluster_map_owner_of(map, digest);
    uint64_t since = map->placement_version;

    if (map->former_count == 0) {
        return 0;
    }
    for (size_t i = map->former_count; i > 0; i--) {
        const struct cluster_placement *former = &map->formers[i - 1];

        if (owner == NULL || !bytes_equal(former_owner_of_digest(former, digest), owner->id)) {
            return since;
        }
        since = former->version;
    }
    return 0;
}

bool
cluster_map_moves_key(const struct cluster_map *map, const struct cluster_map *other,
                      struct bytes bucket_uname, struct bytes key)
{
    uint64_t digest = placement_digest(bucket_uname, key);
    const struct cluster_node *owner = cluster_map_owner_of(map, digest);
    const struct cluster_node *other_owner = cluster_map_owner_of(other, digest);

    if (owner == NULL || other_owner == NULL) {
        return owner != other_owner;
    }
    return !bytes_equal(owner->id, other_owner->id);
}

/* Every target loses keys to one that is added, and a target that leaves loses all of its own. */
bool
cluster_map_takes_from(const struct cluster_map *map, const struct cluster_map *next,
                       struct bytes target_id)
{
    const struct cluster_node *before = cluster_map_find(map, target_id);
    const struct cluster_node *after = cluster_map_find(next, target_id);

    if (before == NULL || !cluster_node_is_placed(before)) {
        return false;
    }
    if (after == NULL || !cluster_node_is_placed(after)) {
        return true;
    }
    for (size_t i = 0; i < next->node_count; i++) {
        if (cluster_node_is_placed(&next->nodes[i])) {
            before = cluster_map_find(map, next->nodes[i].id);
            if (before == NULL || !cluster_node_is_placed(before)) {
                return true;
            }
        }
    }
    return false;
}

const char *
node_state_name(enum node_state state)
{
    static const char *const NAMES[] = {"active", "maintenance", "decommission"};

    CHECK(state <= NODE_DECOMMISSION);
    return NAMES[state];
}

const char *
placement_stage_name(enum placement_stage stage)
{
    static const char *const NAMES[] = {"move", "settle", "drop-marks", "drop-tombstones", "done"};

    CHECK(stage <= STAGE_DONE);
    return NAMES[stage];
}
