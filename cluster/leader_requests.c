/* SPDX-License-Identifier: Apache-2.0 */
/* Of the leader's decision: what operators ask for, and all answers. */
#include <inttypes.h>

#include "base/check.h"
#include "cluster/leader_changes.h"

#include "base/banned.h"

/* What became of a request in this round. */
struct outcome {
    enum request_state state;
    const char *text;
    uint64_t incarnation; /* CLUSTER_REBALANCE */
};

#define WAITING_FOR_LOSERS "waits until every target that gives keys away has acknowledged it"

const char *
leader_blocks(const struct leader_round *round)
{
    const struct cluster_map *map = round->view->map;
    const struct cluster_map *next = &round->draft.content;

    if (!map_draft_moves_keys(&round->draft)) {
        return NULL;
    }
    if (map->former_count + 1 >= CLUSTER_FORMERS_MAX) {
        return "waits until one of the placements under way is finished";
    }
    for (size_t i = 0; i < map->node_count; i++) {
        struct bytes id = map->nodes[i].id;

        if (!cluster_map_is_removed(next, id) && cluster_map_takes_from(map, next, id) &&
            leader_live_node(round->view, id) == NULL) {
            return arena_printf(round->arena,
                                "waits for target %.*s, which would give keys away and is not "
                                "reachable: start it, or give up its data with lode cluster "
                                "remove %.*s --confirm-stopped",
                                BYTES_ARGS(id), BYTES_ARGS(id));
        }
    }
    return NULL;
}

static bool
is_last_placed(const struct map_draft *draft, const struct cluster_node *node)
{
    for (size_t i = 0; i < draft->content.node_count; i++) {
        const struct cluster_node *other = &draft->content.nodes[i];

        if (other != node && cluster_node_is_placed(other)) {
            return false;
        }
    }
    return cluster_node_is_placed(node);
}

static struct outcome
done(struct leader_round *round, const struct cluster_request *request, const char *what)
{
    return (struct outcome){
        .state = REQUEST_DONE,
        .text = arena_printf(round->arena, "Node %.*s %s", BYTES_ARGS(request->node_id), what)};
}

static struct outcome
refused(struct leader_round *round, const struct cluster_request *request, const char *why)
{
    return (struct outcome){
        .state = REQUEST_REFUSED,
        .text = arena_printf(round->arena, "Node %.*s %s", BYTES_ARGS(request->node_id), why)};
}

/* The draft's node goes to state, unless a target that must acknowledge is away. */
static struct outcome
change_state(struct leader_round *round, struct cluster_node *node, enum node_state state)
{
    enum node_state before = node->state;
    bool was_changed = round->draft.is_changed;
    const char *blocked;

    node->state = state;
    round->draft.is_changed = true;
    blocked = leader_blocks(round);
    if (blocked != NULL) {
        node->state = before;
        round->draft.is_changed = was_changed;
    }
    return (struct outcome){.state = REQUEST_WAITING,
                            .text = blocked != NULL ? blocked : WAITING_FOR_LOSERS};
}

/* NULL: the node can give its keys away. */
static const char *
cannot_leave(const struct leader_round *round, const struct cluster_node *node)
{
    if (!cluster_node_is_placed(node)) {
        return NULL;
    }
    if (leader_live_node(round->view, node->id) == NULL) {
        return "is down and cannot give its keys away: start it first, or give up its data with "
               "remove --confirm-stopped";
    }
    if (is_last_placed(&round->draft, node)) {
        return "is the only active target; its keys would have no owner";
    }
    return NULL;
}

static struct outcome
maintain(struct leader_round *round, const struct cluster_request *request,
         struct cluster_node *node)
{
    const char *why = cannot_leave(round, node);

    if (node->state == NODE_MAINTENANCE) {
        return done(round, request, "is in maintenance");
    }
    if (node->state == NODE_DECOMMISSION) {
        return refused(round, request, "is being decommissioned; return it first");
    }
    return why != NULL ? refused(round, request, why) : change_state(round, node, NODE_MAINTENANCE);
}

static struct outcome
give_back(struct leader_round *round, const struct cluster_request *request,
          struct cluster_node *node)
{
    if (node->state == NODE_ACTIVE) {
        return done(round, request, "is active");
    }
    if (leader_live_node(round->view, node->id) == NULL) {
        return refused(round, request, "is down: start it first");
    }
    return change_state(round, node, NODE_ACTIVE);
}

static struct outcome
decommission(struct leader_round *round, const struct cluster_request *request,
             struct cluster_node *node)
{
    const char *why = cannot_leave(round, node);

    if (node->state == NODE_DECOMMISSION) {
        return done(round, request, "is being decommissioned: it leaves when its keys have moved");
    }
    return why != NULL ? refused(round, request, why)
                       : change_state(round, node, NODE_DECOMMISSION);
}

/* May the node have objects that nobody else has? */
static bool
has_data(const struct cluster_map *map, const struct cluster_node *node)
{
    if (cluster_node_is_placed(node)) {
        return true;
    }
    for (size_t i = 0; i < map->former_count; i++) {
        for (size_t k = 0; k < map->formers[i].target_count; k++) {
            if (bytes_equal(map->formers[i].targets[k], node->id)) {
                return true;
            }
        }
    }
    return false;
}

/* The one change that takes keys from a target without its word, because a person vouches that it
 * does not run; its lease must have ended as well. */
static struct outcome
remove_node(struct leader_round *round, const struct cluster_request *request,
            struct cluster_node *node)
{
    if (leader_live_node(round->view, node->id) != NULL) {
        return refused(round, request, "is running: decommission it, or stop it first");
    }
    if (has_data(round->view->map, node) && !request->is_confirmed_stopped) {
        return refused(round, request,
                       "may have objects that nobody else has: make sure that it is stopped, and "
                       "give them up with --confirm-stopped");
    }
    if (round->view->map->former_count + 1 >= CLUSTER_FORMERS_MAX) {
        return (struct outcome){.state = REQUEST_WAITING,
                                .text = "waits until one of the placements under way is finished"};
    }
    if (!map_draft_remove(&round->draft, node->id)) {
        return refused(round, request, "cannot be removed: too many nodes were removed before");
    }
    return (struct outcome){.state = REQUEST_WAITING, .text = "is being removed"};
}

static struct outcome
set_leader(struct leader_round *round, const struct cluster_request *request)
{
    const struct leader_view *view = round->view;

    if (bytes_equal(request->node_id, view->self_id)) {
        return done(round, request, "leads");
    }
    if (leader_live_node(view, request->node_id) == NULL) {
        return refused(round, request, "is down and cannot lead");
    }
    if (view->has_stood_back) {
        return refused(round, request, "did not take the lead when it could");
    }
    round->decision->action = LEADER_RESIGN;
    round->decision->reason = "another node was asked to lead";
    return (struct outcome){.state = REQUEST_WAITING, .text = "the leader resigns"};
}

static bool
has_placed(const struct cluster_map *map)
{
    for (size_t i = 0; i < map->node_count; i++) {
        if (cluster_node_is_placed(&map->nodes[i])) {
            return true;
        }
    }
    return false;
}

/* A placement of the same targets.  The version is noted before it is published, because answers
 * are stored first: whether it came about is seen in the map. */
static struct outcome
repeat_placement(struct leader_round *round, const struct cluster_request *request)
{
    const struct cluster_map *map = round->view->map;
    struct map_draft *draft = &round->draft;
    bool is_begun = request->incarnation != 0 && map->placement_version >= request->incarnation;

    if (is_begun || map->stage != STAGE_DONE) {
        return (struct outcome){
            .state = REQUEST_DONE,
            .text = arena_printf(
                round->arena,
                is_begun ? "rebalance-%" PRIu64 " began: every target looks at all its keys again"
                         : "rebalance-%" PRIu64 " runs already: keys are being moved",
                map->placement_version),
            .incarnation = request->incarnation};
    }
    if (!has_placed(map)) {
        return (struct outcome){.state = REQUEST_REFUSED,
                                .text = "there is no active target that has keys"};
    }
    if (!draft->is_changed) {
        draft->is_repeated = true;
        draft->is_changed = true;
        return (struct outcome){
            .state = REQUEST_WAITING, .text = "begins", .incarnation = draft->content.version};
    }
    return (struct outcome){.state = REQUEST_WAITING,
                            .text = "waits for a change that was asked for before it"};
}

static struct outcome
judge(struct leader_round *round, const struct cluster_request *request)
{
    struct cluster_node *node = map_draft_find(&round->draft, request->node_id);
    bool is_removed = cluster_map_is_removed(round->view->map, request->node_id);

    if (request->action == CLUSTER_REBALANCE) {
        return repeat_placement(round, request);
    }
    if (node == NULL && is_removed &&
        (request->action == CLUSTER_REMOVE || request->action == CLUSTER_DECOMMISSION)) {
        return done(round, request, "was removed");
    }
    if (node == NULL) {
        return refused(round, request, "is not in the cluster");
    }
    switch (request->action) {
    case CLUSTER_MAINTENANCE:
        return maintain(round, request, node);
    case CLUSTER_RETURN:
        return give_back(round, request, node);
    case CLUSTER_DECOMMISSION:
        return decommission(round, request, node);
    case CLUSTER_REMOVE:
        return remove_node(round, request, node);
    case CLUSTER_SET_LEADER:
        return set_leader(round, request);
    case CLUSTER_JOIN:
    case CLUSTER_REBALANCE:
        break;
    }
    UNREACHABLE("refusals are no requests, and repetitions are of no node");
}

void
leader_add_answer(struct leader_round *round, const struct cluster_request *request,
                  enum request_state state, const char *text)
{
    struct leader_decision *decision = round->decision;
    struct leader_answer *answer = &decision->answers[decision->answer_count];

    if (request->revision != 0 && request->state == state &&
        bytes_equal_string(request->text, text)) {
        return;
    }
    answer->request = *request;
    answer->request.state = state;
    answer->request.text = bytes_of_string(text);
    decision->answer_count++;
}

/* A removal goes alone, so that it waits for nobody. */
void
leader_apply_requests(struct leader_round *round)
{
    const struct leader_view *view = round->view;
    size_t removed_count = round->draft.content.removed_count;

    for (size_t i = 0; i < view->request_count; i++) {
        const struct cluster_request *request = &view->requests[i];

        if (request->action != CLUSTER_JOIN && request->state == REQUEST_WAITING &&
            (request->action != CLUSTER_REMOVE || !round->draft.is_changed)) {
            struct outcome outcome = judge(round, request);
            struct cluster_request answered = *request;

            answered.incarnation = outcome.incarnation;
            leader_add_answer(round, &answered, outcome.state, outcome.text);
            if (round->draft.content.removed_count > removed_count || round->draft.is_repeated ||
                round->decision->action == LEADER_RESIGN) {
                return;
            }
        }
    }
}

static const struct cluster_request *
find_refusal(const struct leader_view *view, struct bytes node_id)
{
    for (size_t i = 0; i < view->request_count; i++) {
        if (view->requests[i].action == CLUSTER_JOIN &&
            bytes_equal(view->requests[i].node_id, node_id)) {
            return &view->requests[i];
        }
    }
    return NULL;
}

static void
answer_node(struct leader_round *round, const struct node_value *node, const char *waiting_text)
{
    const struct cluster_request *known = find_refusal(round->view, node->id);
    const char *why = leader_refuses(round, node);
    struct cluster_request request = {.action = CLUSTER_JOIN, .node_id = node->id};

    if (why == NULL && waiting_text == NULL) {
        return;
    }
    if (known != NULL) {
        request = *known;
    } else {
        request.id = arena_printf_bytes(round->arena, CLUSTER_REFUSAL_ID_PREFIX "%.*s",
                                        BYTES_ARGS(node->id));
    }
    if (request.incarnation != node->incarnation) {
        request.incarnation = node->incarnation;
        request.text = BYTES_NONE;
    }
    leader_add_answer(round, &request, why != NULL ? REQUEST_REFUSED : REQUEST_WAITING,
                      why != NULL ? why : waiting_text);
}

static void
delete_request(struct leader_round *round, const struct cluster_request *request)
{
    struct leader_decision *decision = round->decision;

    decision->answers[decision->answer_count++] =
        (struct leader_answer){.request = *request, .is_deletion = true};
}

/* Refusals of nodes that went or joined, and the oldest answers. */
static void
delete_old(struct leader_round *round)
{
    const struct leader_view *view = round->view;
    size_t answered_count = 0;

    for (size_t i = view->request_count; i > 0; i--) {
        const struct cluster_request *request = &view->requests[i - 1];

        if (request->action == CLUSTER_JOIN) {
            const struct node_value *node = leader_live_node(view, request->node_id);
            const struct cluster_node *known = cluster_map_find(view->map, request->node_id);

            if (node == NULL || (known != NULL && leader_refuses(round, node) == NULL &&
                                 known->is_target == node->is_target)) {
                delete_request(round, request);
            }
        } else if (request->state != REQUEST_WAITING &&
                   ++answered_count > CLUSTER_REQUEST_ANSWERED_MAX) {
            delete_request(round, request);
        }
    }
}

void
leader_answer_nodes(struct leader_round *round)
{
    for (size_t i = 0; i < round->view->node_count; i++) {
        answer_node(round, &round->view->nodes[i], round->join_texts[i]);
    }
    delete_old(round);
}
