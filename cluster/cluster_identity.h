/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a cluster is: control values "cluster/id", "cluster/root-key" and the first cluster key, made
 * once, by the first node, in one commit that needs them all to be absent.  And the note of it that
 * each node keeps in its data directory.
 */
#ifndef CLUSTER_CLUSTER_IDENTITY_H
#define CLUSTER_CLUSTER_IDENTITY_H

#include "base/affinity.h"
#include "cluster/cluster_map.h"
#include "control/control.h"

#define CLUSTER_ID_KEY "cluster/id"
#define CLUSTER_ROOT_KEY "cluster/root-key"
#define CLUSTER_ROOT_TEXT_MAX 128

struct cluster_identity {
    char id[CLUSTER_ID_BYTES_MAX + 1];
    char root_access_key[CLUSTER_ROOT_TEXT_MAX + 1];
    char root_secret_key[CLUSTER_ROOT_TEXT_MAX + 1];
    bool is_new; /* this call has made it */
};

/* The cluster's identity; if there is none yet it is made, with these root keys (letters, digits
 * and "+/=_-" only).  ST_NOT_IMPLEMENTED: another format. */
MUST_USE ON_WORKER enum status cluster_identity_ensure(struct control *control,
                                                       const char *root_access_key,
                                                       const char *root_secret_key,
                                                       struct cluster_identity *ret_identity,
                                                       struct error *err);
/* ST_NOT_FOUND: the control store holds no cluster yet. */
MUST_USE enum status cluster_identity_read(struct control *control,
                                           struct cluster_identity *ret_identity,
                                           struct error *err);
void cluster_identity_wipe(struct cluster_identity *identity);

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
