/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the leader's decision: what each node value and each request does to the next map, and
 * what is answered.  Pure functions.
 */
#ifndef CLUSTER_LEADER_CHANGES_H
#define CLUSTER_LEADER_CHANGES_H

#include "cluster/leader_decision.h"
#include "cluster/map_draft.h"

struct leader_round {
    const struct leader_view *view;
    struct arena *arena;
    struct map_draft draft;
    struct leader_decision *decision;
    const char **join_texts; /* of each node value: what its joining waits for, or NULL */
};

/* Why the draft's last change cannot be made now, as the end of a sentence; NULL: it can. */
const char *leader_blocks(const struct leader_round *round);
/* NULL: its lease does not live. */
const struct node_value *leader_live_node(const struct leader_view *view, struct bytes id);
/* Why the node may not be in the map; NULL: it may. */
const char *leader_refuses(struct leader_round *round, const struct node_value *node);
void leader_add_answer(struct leader_round *round, const struct cluster_request *request,
                       enum request_state state, const char *text);

/* Presence, addresses, gateways, the stages of a placement: all that moves no key. */
void leader_apply_presence(struct leader_round *round);
void leader_apply_stage(struct leader_round *round);
/* Joins, and requests: what moves keys; only as far as nobody who must acknowledge is away. */
void leader_apply_joins(struct leader_round *round);
void leader_apply_requests(struct leader_round *round);
/* Refusals of nodes, and what nobody reads any more. */
void leader_answer_nodes(struct leader_round *round);

#endif
