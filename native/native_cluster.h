/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators ask of the cluster, as actions of PUT /v1/cluster and a question of GET:
 *
 *   PUT {"action":"lode-cluster-maintenance","name":ID}     keys move away; "return" brings them
 * back lode-cluster-return, -decommission, -set-leader     likewise lode-cluster-remove,
 * "value":{"confirm_stopped":true} lode-cluster-rotate-key                             a new key
 * between nodes; no name GET ?what=lode-cluster                                  cluster_describe
 * of this node
 *
 * A PUT answers {"state":"done"|"waiting","text":"..."}; refusals are errors.
 */
#ifndef NATIVE_NATIVE_CLUSTER_H
#define NATIVE_NATIVE_CLUSTER_H

#include "cluster/cluster.h"

/* How long an answer waits for the leader and the targets (ms): their longest is a withdrawal. */
#define NATIVE_CLUSTER_WAIT_MS 15000

/* cluster NULL: this node is alone, ST_INVALID.  name may be NULL. */
MUST_USE ON_WORKER enum status native_cluster_run(struct cluster *cluster, struct control *control,
                                                  const char *action, const char *name,
                                                  bool is_confirmed_stopped, struct buffer *answer,
                                                  struct error *err);
/* GET ?what=lode-cluster */
MUST_USE ON_WORKER enum status native_cluster_show(struct cluster *cluster, struct buffer *out,
                                                   struct error *err);

#endif
