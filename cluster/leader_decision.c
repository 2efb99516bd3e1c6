/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/leader_decision.h"

#include "base/check.h"
#include "base/clock.h"
#include "cluster/leader_changes.h"

#include "base/banned.h"

const struct node_value *
leader_live_node(const struct leader_view *view, struct bytes id)
{
    for (size_t i = 0; i < view->node_count; i++) {
        if (bytes_equal(view->nodes[i].id, id)) {
            return &view->nodes[i];
        }
    }
    return NULL;
}

static void
publish_first_map(const struct leader_view *view, struct leader_decision *decision)
{
    struct cluster_map content = {.version = 1,
                                  .placement_version = 1,
                                  .finished_version = 1,
                                  .stage = STAGE_DONE,
                                  .cluster_id = view->cluster_id};

    decision->action = LEADER_PUBLISH;
    decision->map = cluster_map_create(&content);
    decision->reason = "the cluster begins";
}

/* Has a target that begins to own keys gone away meanwhile? */
static bool
is_gainer_away(const struct leader_view *view)
{
    for (size_t i = 0; i < view->pending->node_count; i++) {
        const struct cluster_node *after = &view->pending->nodes[i];
        const struct cluster_node *before = cluster_map_find(view->map, after->id);

        if (cluster_node_is_placed(after) && (before == NULL || !cluster_node_is_placed(before)) &&
            leader_live_node(view, after->id) == NULL) {
            return true;
        }
    }
    return false;
}

/* While a map is pending nothing else happens: it is activated or withdrawn, soon. */
static void
decide_pending(const struct leader_view *view, struct leader_decision *decision)
{
    size_t missing_count = 0;
    bool is_loser_away = false;
    int64_t end_ns = view->pending_since_ns + LEADER_PENDING_MS * CLOCK_NS_PER_MS;

    CHECK(view->map != NULL);
    for (size_t i = 0; i < view->map->node_count; i++) {
        struct bytes id = view->map->nodes[i].id;

        if (cluster_map_takes_from(view->map, view->pending, id)) {
            const struct node_value *node = leader_live_node(view, id);

            is_loser_away = is_loser_away || node == NULL;
            missing_count += node == NULL || node->acknowledged_revision != view->pending->revision;
        }
    }
    if (is_loser_away || is_gainer_away(view)) {
        decision->action = LEADER_WITHDRAW;
        decision->reason = "a target that takes part in the change went away";
    } else if (missing_count == 0) {
        decision->action = LEADER_ACTIVATE;
        decision->map = cluster_map_ref((struct cluster_map *)view->pending);
        decision->reason = "every target that loses keys has stopped admitting them";
    } else if (view->now_ns >= end_ns) {
        decision->action = LEADER_WITHDRAW;
        decision->reason = "not every target that loses keys acknowledged in time";
    } else {
        decision->wake_ns = end_ns;
    }
}

/* Those whose word is needed: a target that is removed by this change gives nothing away. */
static bool
has_loser(const struct leader_view *view, const struct cluster_map *next)
{
    for (size_t i = 0; i < view->map->node_count; i++) {
        struct bytes id = view->map->nodes[i].id;

        if (!cluster_map_is_removed(next, id) && cluster_map_takes_from(view->map, next, id)) {
            return true;
        }
    }
    return false;
}

/* What moves no key is published first; what moves keys is begun from the map that results. */
static void
decide_map(struct leader_round *round)
{
    const struct leader_view *view = round->view;
    struct leader_decision *decision = round->decision;
    bool is_quiet = view->now_ns < view->quiet_until_ns;

    leader_apply_presence(round);
    leader_apply_stage(round);
    if (round->draft.is_changed) {
        decision->action = LEADER_PUBLISH;
        decision->reason = "nodes or stages changed";
        decision->map = map_draft_end(&round->draft, round->arena);
        return;
    }
    leader_apply_requests(round);
    if (round->draft.content.removed_count == view->map->removed_count &&
        !round->draft.is_repeated) {
        leader_apply_joins(round);
    }
    if (is_quiet) {
        decision->wake_ns = view->quiet_until_ns;
    }
    if (!round->draft.is_changed || decision->action == LEADER_RESIGN) {
        return;
    }
    decision->map = map_draft_end(&round->draft, round->arena);
    if (!has_loser(view, decision->map)) {
        decision->action = LEADER_PUBLISH;
        decision->reason = "a change that nobody must acknowledge";
    } else if (!is_quiet) {
        decision->action = LEADER_PROPOSE;
        decision->reason = "a change that takes keys away";
    } else {
        cluster_map_unref(decision->map);
        decision->map = NULL;
    }
}

void
leader_decide(const struct leader_view *view, struct arena *arena,
              struct leader_decision *ret_decision)
{
    struct leader_round round = {.view = view, .arena = arena, .decision = ret_decision};
    size_t answer_max = view->request_count + view->node_count;

    *ret_decision = (struct leader_decision){
        .action = LEADER_WAIT,
        .wake_ns = INT64_MAX,
        .answers = arena_calloc(arena, answer_max, sizeof(*ret_decision->answers))};
    round.join_texts = arena_calloc(arena, view->node_count, sizeof(*round.join_texts));
    if (view->map == NULL) {
        publish_first_map(view, ret_decision);
        return;
    }
    map_draft_begin(&round.draft, view->map, arena);
    if (view->pending != NULL) {
        decide_pending(view, ret_decision);
    } else {
        decide_map(&round);
    }
    leader_answer_nodes(&round);
    CHECK(ret_decision->answer_count <= answer_max);
}
