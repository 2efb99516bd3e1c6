/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an open upload belongs under a map (rule 7 of docs/cluster-protocol.md): with the target
 * that began it as long as that counts for ownership, else with the key's owner.  While a placement
 * is unfinished it may still be where it belonged under a former one.  Pure.
 */
#ifndef OBJECT_UPLOAD_LOCATION_H
#define OBJECT_UPLOAD_LOCATION_H

#include "cluster/cluster_map.h"

struct upload_location {
    struct bytes origin; /* node id; empty: unknown, so the key's owner */
    uint64_t digest;     /* of the key, for placement */
};

/* NULL only if the map has no active target. */
const struct cluster_node *upload_location_of(const struct cluster_map *map,
                                              const struct upload_location *location);
/* Where it belonged since the last finished placement, distinct, oldest first, without the present
 * one and without removed ones.  Returns their number; out has room for CLUSTER_FORMERS_MAX. */
size_t upload_location_formers(const struct cluster_map *map,
                               const struct upload_location *location,
                               const struct cluster_node **out);
/* Is it nowhere else? */
bool upload_location_is_settled(const struct cluster_map *map,
                                const struct upload_location *location);

#endif
