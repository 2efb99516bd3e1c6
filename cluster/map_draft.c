/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/map_draft.h"

#include "base/check.h"

#include "base/banned.h"

void
map_draft_begin(struct map_draft *draft, const struct cluster_map *base, struct arena *arena)
{
    struct cluster_map *content = &draft->content;

    memset(draft, 0, sizeof(*draft));
    draft->base = base;
    content->version = base->version + 1;
    content->cluster_id = base->cluster_id;
    content->placement_version = base->placement_version;
    content->finished_version = base->finished_version;
    content->stage = base->stage;
    content->node_count = base->node_count;
    content->nodes = arena_calloc(arena, CLUSTER_NODES_MAX, sizeof(*content->nodes));
    memcpy(content->nodes, base->nodes, base->node_count * sizeof(*base->nodes));
    content->former_count = base->former_count;
    content->formers = arena_calloc(arena, CLUSTER_FORMERS_MAX, sizeof(*content->formers));
    memcpy(content->formers, base->formers, base->former_count * sizeof(*base->formers));
    content->removed_count = base->removed_count;
    content->removed = arena_calloc(arena, CLUSTER_REMOVED_MAX, sizeof(*content->removed));
    memcpy(content->removed, base->removed, base->removed_count * sizeof(*base->removed));
}

void
map_draft_copy(struct map_draft *copy, const struct map_draft *draft, struct arena *arena)
{
    const struct cluster_map *base = draft->base;

    map_draft_begin(copy, &draft->content, arena);
    copy->base = base;
    copy->content.version = draft->content.version;
    copy->is_changed = draft->is_changed;
    copy->is_repeated = draft->is_repeated;
}

struct cluster_node *
map_draft_find(struct map_draft *draft, struct bytes id)
{
    for (size_t i = 0; i < draft->content.node_count; i++) {
        if (bytes_equal(draft->content.nodes[i].id, id)) {
            return &draft->content.nodes[i];
        }
    }
    return NULL;
}

bool
map_draft_add(struct map_draft *draft, const struct cluster_node *node)
{
    struct cluster_map *content = &draft->content;
    size_t at = 0;

    if (content->node_count == CLUSTER_NODES_MAX) {
        return false;
    }
    while (at < content->node_count && bytes_compare(content->nodes[at].id, node->id) < 0) {
        at++;
    }
    memmove(&content->nodes[at + 1], &content->nodes[at],
            (content->node_count - at) * sizeof(*node));
    content->nodes[at] = *node;
    content->node_count++;
    draft->is_changed = true;
    return true;
}

bool
map_draft_remove(struct map_draft *draft, struct bytes id)
{
    struct cluster_map *content = &draft->content;
    struct cluster_node *node = map_draft_find(draft, id);
    size_t at = 0;

    CHECK(node != NULL);
    if (content->removed_count == CLUSTER_REMOVED_MAX) {
        return false;
    }
    id = node->id; /* lives as long as the base */
    memmove(node, node + 1,
            (size_t)(&content->nodes[content->node_count] - (node + 1)) * sizeof(*node));
    content->node_count--;
    while (at < content->removed_count && bytes_compare(content->removed[at], id) < 0) {
        at++;
    }
    memmove(&content->removed[at + 1], &content->removed[at],
            (content->removed_count - at) * sizeof(id));
    content->removed[at] = id;
    content->removed_count++;
    draft->is_changed = true;
    return true;
}

static size_t
placed_ids(const struct cluster_map *map, struct bytes *ids)
{
    size_t count = 0;

    for (size_t i = 0; i < map->node_count; i++) {
        if (cluster_node_is_placed(&map->nodes[i])) {
            ids[count++] = map->nodes[i].id;
        }
    }
    return count;
}

bool
map_draft_moves_keys(const struct map_draft *draft)
{
    struct bytes before[CLUSTER_NODES_MAX];
    struct bytes after[CLUSTER_NODES_MAX];
    size_t before_count = placed_ids(draft->base, before);
    size_t after_count = placed_ids(&draft->content, after);

    if (before_count != after_count) {
        return true;
    }
    for (size_t i = 0; i < before_count; i++) {
        if (!bytes_equal(before[i], after[i])) {
            return true;
        }
    }
    return false;
}

/* What was current joins the former placements.  Where no target ever had a key there is nothing
 * to move and the placement is finished as it begins. */
static void
begin_placement(struct map_draft *draft, struct arena *arena)
{
    struct cluster_map *content = &draft->content;
    struct cluster_placement *former = &content->formers[content->former_count];
    size_t target_count = 0;

    CHECK(content->former_count < CLUSTER_FORMERS_MAX);
    former->version = draft->base->placement_version;
    former->targets = arena_calloc(arena, CLUSTER_NODES_MAX, sizeof(*former->targets));
    former->target_count = placed_ids(draft->base, former->targets);
    content->former_count++;
    content->placement_version = content->version;
    content->stage = STAGE_MOVE;
    for (size_t i = 0; i < content->former_count; i++) {
        target_count += content->formers[i].target_count;
    }
    if (target_count == 0) {
        content->former_count = 0;
        content->finished_version = content->placement_version;
        content->stage = STAGE_DONE;
    }
}

struct cluster_map *
map_draft_end(struct map_draft *draft, struct arena *arena)
{
    if (draft->is_repeated || map_draft_moves_keys(draft)) {
        begin_placement(draft, arena);
    }
    return cluster_map_create(&draft->content);
}
