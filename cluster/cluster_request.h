/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody wants the leader to do: control value "cluster/request/<request id>", written by
 * any node for an operator, answered in place by the leader.  The refusal of a node that wants to
 * join is such a value too ("join-<node id>", written by the leader).
 */
#ifndef CLUSTER_CLUSTER_REQUEST_H
#define CLUSTER_CLUSTER_REQUEST_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

#define CLUSTER_REQUEST_PREFIX "cluster/request/"
#define CLUSTER_REFUSAL_ID_PREFIX "join-"
#define CLUSTER_REQUEST_BYTES_MAX ((size_t)4 << 10)
/* Answered requests that are kept for who wants to read them. */
#define CLUSTER_REQUEST_ANSWERED_MAX 32

enum cluster_action {
    CLUSTER_JOIN,
    CLUSTER_MAINTENANCE,
    CLUSTER_RETURN,
    CLUSTER_DECOMMISSION,
    CLUSTER_REMOVE,
    CLUSTER_SET_LEADER,
    CLUSTER_REBALANCE /* node_id: who asks */
};

enum request_state { REQUEST_WAITING, REQUEST_DONE, REQUEST_REFUSED };

struct cluster_request {
    struct bytes id;
    uint64_t revision; /* of the control value */
    enum cluster_action action;
    struct bytes node_id;
    bool is_confirmed_stopped; /* CLUSTER_REMOVE */
    /* CLUSTER_JOIN: of the node that was refused.  CLUSTER_REBALANCE: the version that the leader
     * was about to publish for it; 0: not yet. */
    uint64_t incarnation;
    enum request_state state;
    struct bytes text; /* what came of it, or what it waits for */
};

/* Strings are copied to arena.  ST_CORRUPT. */
MUST_USE enum status cluster_request_parse(struct bytes id, struct bytes json, uint64_t revision,
                                           struct arena *arena, struct cluster_request *ret_request,
                                           struct error *err);
void cluster_request_format(const struct cluster_request *request, struct buffer *out);

const char *cluster_action_name(enum cluster_action action);
const char *request_state_name(enum request_state state);
/* ST_INVALID. */
MUST_USE enum status cluster_action_parse(struct bytes text, enum cluster_action *ret_action);

#endif
