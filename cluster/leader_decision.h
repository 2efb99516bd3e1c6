/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the leader does next: a pure function of what stands in the control store and a clock.  The
 * leader (cluster/leader.h) makes each decision one transaction that compares the map and the
 * pending map with what was decided upon, so a decision on old knowledge changes nothing.
 *
 *   A change that takes keys away is proposed (cluster/pending), acknowledged by every target that
 *   loses keys, and activated; or it is withdrawn, and a loser admits again once it has read that.
 *   Everything else is published at once.  No clock activates anything.
 */
#ifndef CLUSTER_LEADER_DECISION_H
#define CLUSTER_LEADER_DECISION_H

#include "cluster/cluster_map.h"
#include "cluster/cluster_request.h"
#include "cluster/node_value.h"

/* A pending map that not all losers acknowledged by then is withdrawn (ms): they have stopped
 * admitting requests, which must not last longer than clients wait. */
#define LEADER_PENDING_MS 10000
/* Before the next proposal after a withdrawal (ms): requests that were held up come through. */
#define LEADER_QUIET_MS 10000

struct leader_view {
    struct bytes self_id;
    int64_t now_ns;                    /* monotonic */
    const struct cluster_map *map;     /* NULL: none was published yet */
    const struct cluster_map *pending; /* NULL: none; its revision is that of cluster/pending */
    int64_t pending_since_ns;          /* when this leader saw it first */
    int64_t quiet_until_ns;            /* after a withdrawal */
    bool has_stood_back;               /* in vain, for the node that was asked to lead */
    struct bytes cluster_id;           /* of cluster/id */
    size_t node_count;
    const struct node_value *nodes; /* of the nodes whose leases live */
    size_t request_count;
    const struct cluster_request *requests; /* in order of revision */
};

enum leader_action {
    LEADER_WAIT,
    LEADER_PUBLISH,  /* map becomes the map; no pending map is there */
    LEADER_PROPOSE,  /* map becomes the pending one; the map is as it was */
    LEADER_ACTIVATE, /* the pending map becomes the map */
    LEADER_WITHDRAW, /* the pending map goes */
    LEADER_RESIGN    /* another node was asked for */
};

struct leader_answer {
    struct cluster_request request; /* revision 0: to be created */
    bool is_deletion;
};

struct leader_decision {
    enum leader_action action;
    struct cluster_map *map; /* PUBLISH, PROPOSE, ACTIVATE: owned by the caller */
    const char *reason;      /* for the log */
    size_t answer_count;
    struct leader_answer *answers;
    int64_t wake_ns; /* decide again by then though nothing has changed; INT64_MAX: no need */
};

/* What ret_decision points to lives in arena and in view. */
void leader_decide(const struct leader_view *view, struct arena *arena,
                   struct leader_decision *ret_decision);

#endif
