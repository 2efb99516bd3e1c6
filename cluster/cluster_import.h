/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loded --init-cluster: the control values of a single node become those of a new cluster, whose
 * first map has that node as its one target, so that it owns everything from the start.
 */
#ifndef CLUSTER_CLUSTER_IMPORT_H
#define CLUSTER_CLUSTER_IMPORT_H

#include "cluster/cluster_identity.h"

/* Only into an empty control store; what an interrupted import of the same node left there is gone
 * on with, and one that was finished succeeds again while nothing else has happened to the cluster.
 * Nodes that start meanwhile are refused.  more: another value, whose key may be empty.  ST_EXISTS:
 * the control store is not empty.  ret_count: values that were copied. */
MUST_USE ON_WORKER enum status cluster_import(struct control *from, struct control *to,
                                              const char *node_id, const struct control_value *more,
                                              struct cluster_identity *ret_identity,
                                              uint64_t *ret_count, struct error *err);

#endif
