/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps of three targets for tests that are their own leader: which of them are placed, and which
 * were under the placements since the last finished one.  A plain value, so that it can be sent to
 * another process.
 */
#ifndef TESTS_UNIT_PEER_MAP_SHAPE_H
#define TESTS_UNIT_PEER_MAP_SHAPE_H

#include "cluster/cluster_map.h"

#define MAP_SHAPE_TARGETS 3
#define MAP_SHAPE_FORMERS_MAX 4

struct map_shape {
    uint64_t version;
    uint64_t placement;
    uint64_t finished;
    enum placement_stage stage;
    unsigned int placed; /* bit i: target-(i + 1) owns keys */
    size_t former_count;
    struct {
        uint64_t version;
        unsigned int placed;
    } formers[MAP_SHAPE_FORMERS_MAX]; /* oldest first */
    uint16_t peer_ports[MAP_SHAPE_TARGETS];
    uint16_t public_ports[MAP_SHAPE_TARGETS];
};

struct cluster_map *map_shape_create(const struct map_shape *shape);
/* The next version places others: what is placed now becomes a former.  There is room for it. */
void map_shape_place(struct map_shape *shape, unsigned int placed);
/* The next version is at the next stage; that after STAGE_MOVE finishes the placement. */
void map_shape_advance(struct map_shape *shape);
/* Which target owns the key of that bucket? */
size_t map_shape_owner(const struct map_shape *shape, const char *bucket, const char *key);

#endif
