/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the operations see the cluster that their node belongs to.  A node alone has none: then every
 * key is its own, and nothing here costs it anything.  Set once, before the first operation.
 */
#ifndef OBJECT_OBJECT_CLUSTER_H
#define OBJECT_OBJECT_CLUSTER_H

#include "cluster/cluster_map.h"
#include "cluster/peer_client.h"
#include "object/object_store.h"

struct object_cluster {
    struct peer_client *peers;
    struct bytes node_id;
    size_t fetch_max; /* object/fetch_place.h; 0: any number */
    /* A reference to the map that this node works by.  Any thread, does not wait. */
    struct cluster_map *(*get_map)(void *arg);
    /* Read the control store until at least that version is known, if it exists.  ON_WORKER. */
    enum status (*fetch_map)(void *arg, uint64_t version_min, struct error *err);
    /* May this node act on what it knows?  ST_UNAVAILABLE.  Does not wait. */
    enum status (*check_confirmed)(void *arg, struct error *err);
    void *arg;
};

/* Copied; peers, node_id and arg are borrowed until the store is closed. */
void object_store_set_cluster(struct object_store *store, const struct object_cluster *cluster);
/* NULL: this node is alone. */
const struct object_cluster *object_store_cluster(const struct object_store *store);

/* The bucket as placement hashes it, "ais/@#/<name>/", in arena.  Buckets of a native namespace are
 * named "@#<namespace>/<name>" and hashed as "ais/@#<namespace>/<name>/". */
struct bytes object_cluster_uname(struct bytes bucket, struct arena *arena);

#endif
