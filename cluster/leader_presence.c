/* SPDX-License-Identifier: Apache-2.0 */
/* Of the leader's decision: what the nodes themselves bring about. */
#include "cluster/leader_changes.h"

#include <inttypes.h>

#include "base/check.h"

#include "base/banned.h"

const char *
leader_refuses(struct leader_round *round, const struct node_value *node)
{
    const struct cluster_map *map = round->view->map;
    const struct cluster_node *known = cluster_map_find(map, node->id);

    if (node->format != CLUSTER_FORMAT) {
        return arena_printf(round->arena,
                            "Node %.*s runs release %.*s, which works by format %" PRIu64
                            "; this cluster works by format %d: install the release that its "
                            "other nodes run",
                            BYTES_ARGS(node->id), BYTES_ARGS(node->release), node->format,
                            CLUSTER_FORMAT);
    }
    if (!bytes_equal(node->cluster_id, map->cluster_id)) {
        return arena_printf(round->arena,
                            "Node %.*s has data of cluster %.*s, and this is cluster %.*s: start "
                            "it with the --etcd of its own cluster, or with an empty --data",
                            BYTES_ARGS(node->id), BYTES_ARGS(node->cluster_id),
                            BYTES_ARGS(map->cluster_id));
    }
    if (cluster_map_is_removed(map, node->id)) {
        return arena_printf(round->arena,
                            "Node %.*s was removed from this cluster for good: start it with an "
                            "empty --data and another --node-id",
                            BYTES_ARGS(node->id));
    }
    if (known != NULL && known->is_target && !node->is_target) {
        return arena_printf(round->arena,
                            "Node %.*s is a target of this cluster and was started without that "
                            "role: start it as before, or decommission it first",
                            BYTES_ARGS(node->id));
    }
    if (known == NULL && map->node_count >= CLUSTER_NODES_MAX) {
        return arena_printf(round->arena,
                            "This cluster has %d nodes already, the most there can be",
                            CLUSTER_NODES_MAX);
    }
    return NULL;
}

static void
update_node(struct map_draft *draft, struct cluster_node *node, const struct node_value *value)
{
    bool is_equal = !node->is_down && node->incarnation == value->incarnation &&
                    node->is_gateway == value->is_gateway &&
                    bytes_equal(node->public_url, value->public_url) &&
                    bytes_equal(node->peer_address, value->peer_address);

    node->is_down = false;
    node->incarnation = value->incarnation;
    node->is_gateway = value->is_gateway;
    node->public_url = value->public_url;
    node->peer_address = value->peer_address;
    draft->is_changed = draft->is_changed || !is_equal;
}

static struct cluster_node
node_of_value(const struct node_value *value)
{
    return (struct cluster_node){.id = value->id,
                                 .is_gateway = value->is_gateway,
                                 .is_target = value->is_target,
                                 .state = NODE_ACTIVE,
                                 .public_url = value->public_url,
                                 .peer_address = value->peer_address,
                                 .incarnation = value->incarnation};
}

void
leader_apply_presence(struct leader_round *round)
{
    struct map_draft *draft = &round->draft;
    const struct leader_view *view = round->view;

    for (size_t i = 0; i < draft->content.node_count; i++) {
        struct cluster_node *node = &draft->content.nodes[i];
        const struct node_value *value = leader_live_node(view, node->id);

        if (value == NULL || leader_refuses(round, value) != NULL) {
            draft->is_changed = draft->is_changed || !node->is_down;
            node->is_down = true;
        } else {
            update_node(draft, node, value);
        }
    }
    for (size_t i = 0; i < view->node_count; i++) {
        const struct node_value *value = &view->nodes[i];

        if (!value->is_target && map_draft_find(draft, value->id) == NULL &&
            leader_refuses(round, value) == NULL) {
            struct cluster_node node = node_of_value(value);

            if (!map_draft_add(draft, &node)) {
                round->join_texts[i] = "there is no room for another node";
            }
        }
    }
}

static bool
is_former(const struct cluster_map *map, struct bytes id)
{
    for (size_t i = 0; i < map->former_count; i++) {
        for (size_t k = 0; k < map->formers[i].target_count; k++) {
            if (bytes_equal(map->formers[i].targets[k], id)) {
                return true;
            }
        }
    }
    return false;
}

/* Who may still have something that the stage is about.  A target that is neither placed nor a
 * former owner has given everything away; while it runs, it drops its marks with the others. */
static bool
must_reach(const struct cluster_map *map, const struct cluster_node *node)
{
    return node->is_target && (cluster_node_is_placed(node) || is_former(map, node->id) ||
                               (map->stage > STAGE_SETTLE && !node->is_down));
}

static bool
is_barrier_reached(const struct leader_view *view)
{
    const struct cluster_map *map = view->map;

    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (must_reach(map, node)) {
            const struct node_value *value = leader_live_node(view, node->id);

            if (value == NULL || value->stage_version != map->placement_version ||
                value->stage <= map->stage) {
                return false;
            }
        }
    }
    return true;
}

static void
drop_decommissioned(struct map_draft *draft)
{
    size_t i = 0;

    while (i < draft->content.node_count) {
        struct cluster_node *node = &draft->content.nodes[i];

        if (node->state != NODE_DECOMMISSION || !map_draft_remove(draft, node->id)) {
            i++;
        }
    }
}

void
leader_apply_stage(struct leader_round *round)
{
    const struct cluster_map *map = round->view->map;
    struct map_draft *draft = &round->draft;

    if (map->stage == STAGE_DONE) {
        drop_decommissioned(draft);
        return;
    }
    if (!is_barrier_reached(round->view)) {
        return;
    }
    if (map->stage == STAGE_MOVE) {
        draft->content.former_count = 0;
        draft->content.finished_version = map->placement_version;
    }
    draft->content.stage = map->stage + 1;
    draft->is_changed = true;
}

void
leader_apply_joins(struct leader_round *round)
{
    struct map_draft *draft = &round->draft;
    const struct leader_view *view = round->view;

    for (size_t i = 0; i < view->node_count; i++) {
        const struct node_value *value = &view->nodes[i];
        struct cluster_node *node = map_draft_find(draft, value->id);
        struct map_draft before;

        if (!value->is_target || (node != NULL && node->is_target) ||
            leader_refuses(round, value) != NULL) {
            continue;
        }
        map_draft_copy(&before, draft, round->arena);
        if (node != NULL) {
            node->is_target = true;
            draft->is_changed = true;
        } else {
            struct cluster_node joining = node_of_value(value);

            if (!map_draft_add(draft, &joining)) {
                round->join_texts[i] = "there is no room for another node";
                continue;
            }
        }
        round->join_texts[i] = leader_blocks(round);
        if (round->join_texts[i] != NULL) {
            *draft = before;
        }
    }
}
