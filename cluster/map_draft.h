/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the leader: the next map while it is being decided.  Everything lives in the arena
 * that it was begun in.
 */
#ifndef CLUSTER_MAP_DRAFT_H
#define CLUSTER_MAP_DRAFT_H

#include "cluster/cluster_map.h"

struct map_draft {
    const struct cluster_map *base;
    struct cluster_map content;
    bool is_changed;
    bool is_repeated; /* a placement of the same targets: everyone looks again */
};

void map_draft_begin(struct map_draft *draft, const struct cluster_map *base, struct arena *arena);
/* As it is now, to go back to. */
void map_draft_copy(struct map_draft *copy, const struct map_draft *draft, struct arena *arena);
/* NULL: not in it. */
struct cluster_node *map_draft_find(struct map_draft *draft, struct bytes id);
/* False: there is no room. */
bool map_draft_add(struct map_draft *draft, const struct cluster_node *node);
/* The node leaves for ever: its id is refused from now on.  False: no room for more such ids. */
bool map_draft_remove(struct map_draft *draft, struct bytes id);
/* Does the draft change which targets own keys? */
bool map_draft_moves_keys(const struct map_draft *draft);
/* The map of the next version; one that moves keys begins a placement.  Owned by the caller. */
struct cluster_map *map_draft_end(struct map_draft *draft, struct arena *arena);

#endif
