/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a node's control values are: in DATA/control (one node), or in etcd (a cluster).  A node
 * that began with one must not be started with the other: its buckets would seem to be gone, and
 * their ids would be given away again.  DATA/etcd-cluster notes the name of the cluster.
 */
#ifndef OBJECT_OBJECT_CONTROL_H
#define OBJECT_OBJECT_CONTROL_H

#include "object/object_store.h"

/* node_id: names this node's changes in etcd.  ST_INVALID: DATA belongs to the other kind, or to
 * another cluster. */
MUST_USE ON_WORKER enum status object_control_open(const struct object_store_options *options,
                                                   const char *node_id,
                                                   struct control **ret_control, struct error *err);

#endif
