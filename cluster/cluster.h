/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's part in its cluster: it joins, works by the newest map, stops admitting what a pending
 * map takes away, leads if it wins, and shows all of that in its node value.  Opened by the program
 * when --etcd was given; without etcd there is no struct cluster, and NULL means "I own
 * everything".
 *
 *   open -> join (blocks) -> ... -> close.   A thread of its own does the work; anyone may ask.
 *
 * With etcd away everything goes on under the last map: nobody can activate another.
 */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include "cluster/cluster_map.h"
#include "cluster/cluster_request.h"
#include "control/control.h"

/* A node whose lease ended is down for all others; long enough for an election of etcd's leader
 * (ms). */
#define CLUSTER_SESSION_TTL_MS 6000
/* A node that has not confirmed its lease for this long answers 503: it cannot know what was
 * revoked (s). */
#define CLUSTER_CONFIRMATION_S 600
/* How long a control change waits until every live node has applied it (ms): longer than a lease,
 * so that a node which stopped ends the wait by being down. */
#define CLUSTER_SETTLE_MS 20000

struct cluster;

/* What a target does about its keys.  Blocking, on the cluster's thread, never on a loop.  A
 * failure is logged and the call repeated; until it succeeds nothing is acknowledged. */
struct cluster_target_ops {
    /* On disk and through each home's committer: no operation on a key that pending takes away is
     * admitted from now on, and no listing page of the present version. */
    enum status (*stop_admitting)(void *arg, const struct cluster_map *pending, struct error *err);
    /* The pending map was withdrawn. */
    enum status (*resume_admitting)(void *arg, const struct cluster_map *map, struct error *err);
    /* The new map, before cluster_map_get shows it.  Ends what stop_admitting began for an earlier
     * pending map. */
    enum status (*activate)(void *arg, const struct cluster_map *map, struct error *err);
    /* Is this target done with map's stage of map's placement?  Never asked about STAGE_SETTLE. */
    enum status (*holds_barrier)(void *arg, const struct cluster_map *map, bool *ret_is_done,
                                 struct error *err);
};

struct cluster_options {
    struct control *control; /* outlives the cluster */
    const char *node_id;
    const char *data_directory; /* keeps which cluster this node belongs to */
    const char *release;        /* of this program */
    bool is_gateway;
    bool is_target;
    int64_t session_ttl_ms;  /* 0: CLUSTER_SESSION_TTL_MS */
    int64_t confirmation_ms; /* 0: CLUSTER_CONFIRMATION_S; tests make it short */
    /* NULL: a target without keys to give, and gateways. */
    const struct cluster_target_ops *ops;
    void *ops_arg;
};

/* Check that this node may belong to the cluster that control holds, which must have been created
 * (cluster/cluster_identity.h).  After whatever watches control values was opened.  ST_INVALID:
 * another cluster, or a removed node, with a sentence that says what to do.  ST_CORRUPT: the
 * control store is older than what this node has worked by. */
MUST_USE enum status cluster_open(const struct cluster_options *options,
                                  struct cluster **ret_cluster, struct error *err);
/* Appear to the others under these addresses and wait until the map has this node; what it waits
 * for is logged.  ST_INVALID: refused.  ST_CANCELLED: should_stop (may be NULL) said so; it is
 * asked every second at least. */
typedef bool cluster_should_stop_fn(void *arg);
MUST_USE ON_WORKER enum status cluster_join(struct cluster *cluster, struct bytes public_url,
                                            struct bytes peer_address,
                                            cluster_should_stop_fn *should_stop, void *arg,
                                            struct error *err);
/* The node is down for the others at once. */
void cluster_close(struct cluster **take_cluster);

/* A reference to the map that this node works by; NULL before it has one (never after join). */
struct cluster_map *cluster_map_get(struct cluster *cluster);
struct bytes cluster_id(const struct cluster *cluster);
struct bytes cluster_self_id(const struct cluster *cluster);
/* This node in map; NULL: it is not in it. */
const struct cluster_node *cluster_self(const struct cluster *cluster,
                                        const struct cluster_map *map);
/* May this node act on what it knows?  It has joined, was neither removed nor replaced, and its
 * lease was confirmed within CLUSTER_CONFIRMATION_S.  ST_UNAVAILABLE with the reason.  Does not
 * wait. */
MUST_USE enum status cluster_check_confirmed(struct cluster *cluster, struct error *err);
/* Is it on its way in?  Other nodes may have heard of that before it has. */
bool cluster_is_joining(struct cluster *cluster);
/* Read the control store and work by what it had when the call began: a request names a version of
 * the map that this node does not have.  ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status cluster_fetch_map(struct cluster *cluster, uint64_t version_min,
                                                 struct error *err);
/* The same with another patience than usual. */
MUST_USE ON_WORKER enum status cluster_fetch_map_for(struct cluster *cluster, uint64_t version_min,
                                                     int64_t timeout_ms, struct error *err);
/* Does somebody lead, as far as this node knows?  Does not wait. */
bool cluster_has_leader(struct cluster *cluster);
/* Wait until every node whose lease lives has applied the control changes up to revision.
 * ST_UNAVAILABLE names one that has not. */
MUST_USE ON_WORKER enum status cluster_settle(struct cluster *cluster, uint64_t revision,
                                              struct error *err);

/* Ask the leader, and wait up to wait_ms for its answer.  ST_TIMEOUT: it is still waiting, with the
 * reason; the request goes on.  ST_INVALID: refused.  ret_text lives in arena. */
MUST_USE ON_WORKER enum status cluster_ask(struct cluster *cluster,
                                           const struct cluster_request *request, int64_t wait_ms,
                                           struct arena *arena, struct bytes *ret_text,
                                           struct error *err);
/* All that is known, as one JSON object: nodes, placement, leader, what is pending and asked for.
 */
void cluster_describe(struct cluster *cluster, struct buffer *out);

#endif
