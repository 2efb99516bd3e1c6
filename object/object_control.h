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

/* The name that DATA/etcd-cluster notes; empty: none. */
MUST_USE enum status object_control_cluster(const char *data_directory,
                                            char ret_name[CONTROL_CLUSTER_NAME_BYTES_MAX + 2],
                                            struct error *err);
/* From now on the control values of this node are that cluster's.  Durable when it returns. */
MUST_USE enum status object_control_set_cluster(const char *data_directory, const char *name,
                                                struct error *err);
/* Those of a single node, under DATA/control; ST_NOT_FOUND: there are none. */
MUST_USE enum status object_control_open_single(const char *data_directory,
                                                struct control **ret_control, struct error *err);

#endif
