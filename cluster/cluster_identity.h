/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a cluster is: control values "cluster/id" and the first cluster key, made once, by the first
 * node, in one commit that needs them all to be absent.  And the note of it that each node keeps in
 * its data directory.
 */
#ifndef CLUSTER_CLUSTER_IDENTITY_H
#define CLUSTER_CLUSTER_IDENTITY_H

#include "base/affinity.h"
#include "cluster/cluster_map.h"
#include "control/control.h"

#define CLUSTER_ID_KEY "cluster/id"
/* While it is there a single node's values are on their way into this control store. */
#define CLUSTER_IMPORT_KEY "cluster/import"

struct cluster_identity {
    char id[CLUSTER_ID_BYTES_MAX + 1];
    bool is_new; /* this call has made it */
};

/* The cluster's identity; if there is none yet it is made.  ST_NOT_IMPLEMENTED: another format.
 * ST_UNAVAILABLE: an import is not finished. */
MUST_USE ON_WORKER enum status cluster_identity_ensure(struct control *control,
                                                       struct cluster_identity *ret_identity,
                                                       struct error *err);
/* ST_NOT_FOUND: the control store holds no cluster yet. */
MUST_USE enum status cluster_identity_read(struct control *control,
                                           struct cluster_identity *ret_identity,
                                           struct error *err);
/* For an import: what ensure would put, as two changes whose bytes live in arena. */
#define CLUSTER_IDENTITY_CHANGES 2
void cluster_identity_make(struct arena *arena, char ret_id[CLUSTER_ID_BYTES_MAX + 1],
                           struct control_change ret_changes[CLUSTER_IDENTITY_CHANGES]);

/* What a node has noted of its cluster; id empty: nothing. */
struct cluster_note {
    char id[CLUSTER_ID_BYTES_MAX + 1];
    uint64_t map_version; /* the newest that the node has worked by */
};

/* ST_CORRUPT, ST_IO. */
MUST_USE enum status cluster_note_read(const char *data_directory, struct cluster_note *ret_note,
                                       struct error *err);
/* Durable when it returns. */
MUST_USE enum status cluster_note_write(const char *data_directory, const struct cluster_note *note,
                                        struct error *err);

#endif
