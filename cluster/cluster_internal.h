/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to cluster/: the runtime's state.  Its thread goes round whenever something changed: read
 * all values, do the node's part, do the leader's part if it leads, tell who waits.
 */
#ifndef CLUSTER_CLUSTER_INTERNAL_H
#define CLUSTER_CLUSTER_INTERNAL_H

#include "base/lock.h"
#include "cluster/cluster.h"
#include "cluster/cluster_identity.h"
#include "cluster/cluster_survey.h"
#include "control/control_leader.h"
#include "control/control_session.h"

/* How often a target asks itself whether a stage is done (ms). */
#define CLUSTER_BARRIER_INTERVAL_MS 200
/* After what failed (ms). */
#define CLUSTER_RETRY_MS 500
/* Nothing depends on it but the age of the confirmation (ms). */
#define CLUSTER_ROUND_MS 1000
/* How long others stand back for a node that was asked to lead (ms): a campaign takes one exchange
 * with etcd. */
#define CLUSTER_STAND_BACK_MS 5000

struct cluster {
    /* Constant after open. */
    struct control *control;
    struct control_session *session;
    const struct cluster_target_ops *ops;
    void *ops_arg;
    int64_t session_ttl_ns;
    int64_t confirmation_ns;
    char *data_directory;
    char id[CLUSTER_ID_BYTES_MAX + 1];
    char node_id[CLUSTER_ID_BYTES_MAX + 1];
    struct buffer release;
    bool is_gateway;
    bool is_target;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wake;        /* the thread; monotonic clock */
    pthread_cond_t changed;     /* who waits for the thread or the values; monotonic clock */
    uint64_t round_count;       /* guarded by lock */
    bool has_news;              /* guarded by lock */
    bool is_ending;             /* guarded by lock */
    bool is_joining;            /* guarded by lock: join was called */
    bool is_member;             /* guarded by lock: the map has this node as it runs */
    bool is_removed;            /* guarded by lock: refused for ever */
    bool is_replaced;           /* guarded by lock: another process runs as this node */
    int64_t confirmed_ns;       /* guarded by lock: when the lease was last known to be held */
    struct cluster_map *map;    /* guarded by lock; a reference */
    uint64_t news_revision;     /* guarded by lock: of values whose appliance others wait for */
    struct buffer public_url;   /* guarded by lock until join, constant then */
    struct buffer peer_address; /* the same */

    /* The thread's. */
    struct cluster_note note;
    uint64_t incarnation;      /* 0: not chosen yet */
    uint64_t stopped_revision; /* of the pending map that stop_admitting was done for */
    uint64_t acknowledged_revision;
    uint64_t applied_revision;
    uint64_t stage_version;
    enum placement_stage stage;
    struct control_leader *candidacy; /* NULL: stands back, or has not joined */
    int64_t stand_back_until_ns;
    uint64_t pending_revision; /* that the leader has seen */
    int64_t pending_since_ns;
    int64_t quiet_until_ns;
};

/* Go round once more. */
void cluster_wake(struct cluster *cluster);
/* The node's part of a round.  Returns when the next one is due at the latest (monotonic ns). */
int64_t cluster_member_round(struct cluster *cluster, const struct cluster_survey *survey);
/* The leader's part; the same. */
int64_t cluster_leader_round(struct cluster *cluster, const struct cluster_survey *survey);
/* Before the session ends. */
void cluster_leader_stop(struct cluster *cluster);
/* Wait until something changed after the round *round, which becomes the present one; false:
 * deadline_ns has passed. */
bool cluster_wait_round(struct cluster *cluster, uint64_t *round, int64_t deadline_ns);

#endif
