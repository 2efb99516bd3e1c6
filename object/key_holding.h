/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this target has of a key, as far as it counts (docs/cluster-protocol.md, "What counts"):
 * marks of finished placements and marks that name a removed target are as if they were not there.
 */
#ifndef OBJECT_KEY_HOLDING_H
#define OBJECT_KEY_HOLDING_H

#include "cluster/cluster_map.h"
#include "object/object_store.h"
#include "object/placement_rules.h"
#include "store/commit.h"

struct key_holding {
    struct placement_holding holding;
    struct bytes record_value; /* encoded; empty: none */
    struct bytes mark_value;   /* encoded; empty: none that counts */
    struct object_record record;
    bool has_stored_mark; /* whether it counts or not */
};

/* Does the mark count under map?  Else it is absent. */
bool key_mark_counts(const struct former_record *mark, const struct cluster_map *map);

/* At the key's home, in arena.  ST_UNAVAILABLE, ST_CORRUPT. */
MUST_USE ON_WORKER enum status key_holding_read(struct home *home, uint64_t bucket_id,
                                                struct bytes key, const struct cluster_map *map,
                                                struct arena *arena,
                                                struct key_holding *ret_holding, struct error *err);
/* The same inside decide. */
MUST_USE enum status key_holding_get(struct commit *commit, struct commit_view *view,
                                     uint64_t bucket_id, struct bytes key,
                                     const struct cluster_map *map, struct key_holding *ret_holding,
                                     struct error *err);
/* Of what another target said. */
MUST_USE enum status key_holding_decode(struct bytes record_value, struct bytes mark_value,
                                        const struct cluster_map *map, struct arena *arena,
                                        struct key_holding *ret_holding, struct error *err);

#endif
