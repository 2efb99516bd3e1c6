/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/map_shape.h"

#include "base/check.h"
#include "object/object_cluster.h"

#include "base/banned.h"

static const char *const IDS[MAP_SHAPE_TARGETS] = {"target-1", "target-2", "target-3"};

static size_t
fill_targets(unsigned int placed, struct bytes out[MAP_SHAPE_TARGETS])
{
    size_t count = 0;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        if ((placed & (1U << i)) != 0) {
            out[count++] = bytes_of_string(IDS[i]);
        }
    }
    return count;
}

struct cluster_map *
map_shape_create(const struct map_shape *shape)
{
    struct cluster_node nodes[MAP_SHAPE_TARGETS];
    struct cluster_placement formers[MAP_SHAPE_FORMERS_MAX];
    struct bytes targets[MAP_SHAPE_FORMERS_MAX][MAP_SHAPE_TARGETS];
    struct arena arena = ARENA_INIT;
    struct cluster_map content = {
        .version = shape->version,
        .revision = shape->version,
        .cluster_id = BYTES_LITERAL("test-cluster-1"),
        .placement_version = shape->placement,
        .finished_version = shape->finished,
        .stage = shape->stage,
        .node_count = MAP_SHAPE_TARGETS,
        .nodes = nodes,
        .former_count = shape->former_count,
        .formers = formers,
    };
    struct cluster_map *map;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        nodes[i] = (struct cluster_node){
            .id = bytes_of_string(IDS[i]),
            .is_target = true,
            .state = (shape->placed & (1U << i)) != 0 ? NODE_ACTIVE : NODE_MAINTENANCE,
            .public_url = arena_printf_bytes(&arena, "http://127.0.0.1:%u", shape->public_ports[i]),
            .peer_address = arena_printf_bytes(&arena, "127.0.0.1:%u", shape->peer_ports[i]),
            .incarnation = 1,
        };
    }
    for (size_t i = 0; i < shape->former_count; i++) {
        formers[i] = (struct cluster_placement){
            .version = shape->formers[i].version,
            .target_count = fill_targets(shape->formers[i].placed, targets[i]),
            .targets = targets[i],
        };
    }
    map = cluster_map_create(&content);
    arena_release(&arena);
    return map;
}

void
map_shape_place(struct map_shape *shape, unsigned int placed)
{
    CHECK(shape->former_count < MAP_SHAPE_FORMERS_MAX);
    shape->formers[shape->former_count].version = shape->placement;
    shape->formers[shape->former_count++].placed = shape->placed;
    shape->placed = placed;
    shape->placement = ++shape->version;
    shape->stage = STAGE_MOVE;
}

void
map_shape_advance(struct map_shape *shape)
{
    CHECK(shape->stage < STAGE_DONE);
    shape->version++;
    shape->stage++;
    shape->finished = shape->placement;
    shape->former_count = 0;
}

size_t
map_shape_owner(const struct map_shape *shape, const char *bucket, const char *key)
{
    struct cluster_map *map = map_shape_create(shape);
    struct arena arena = ARENA_INIT;
    const struct cluster_node *owner = cluster_map_owner(
        map, object_cluster_uname(bytes_of_string(bucket), &arena), bytes_of_string(key));
    size_t index = 0;

    CHECK(owner != NULL);
    while (!bytes_equal_string(owner->id, IDS[index])) {
        index++;
    }
    arena_release(&arena);
    cluster_map_unref(map);
    return index;
}
