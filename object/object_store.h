/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PUT, GET, LIST, COPY mean, on one node.  Opens the store and the control values under DATA
 * and owns the table of buckets.  The dialects call the operations (object/object_put.h and its
 * sisters) with a struct bucket that bucket_open gave them for a verified principal; they know
 * nothing below.
 */
#ifndef OBJECT_OBJECT_STORE_H
#define OBJECT_OBJECT_STORE_H

#include "auth/credential_store.h"
#include "control/control_etcd.h"
#include "store/store.h"

/* SPEC: S3 limits. */
#define OBJECT_KEY_BYTES_MAX 1024
#define OBJECT_METADATA_BYTES_MAX 2048 /* sum of names and values of user metadata */
#define OBJECT_PUT_BYTES_MAX (UINT64_C(5) << 30)
#define OBJECT_COPY_BYTES_MAX (UINT64_C(5) << 30)
#define OBJECT_BYTES_MAX (UINT64_C(50) << 40)
#define PART_BYTES_MAX (UINT64_C(5) << 30)
#define PART_BYTES_MIN (UINT64_C(5) << 20) /* all but the last */
#define PART_NUMBER_MAX 10000
#define BUCKET_COUNT_MAX 10000 /* a user's buckets; all of them are kept in memory */

struct object_store;

struct object_store_options {
    struct store_options store;
    const char *region; /* answered by GetBucketLocation; "us-east-1" */
    /* Smallest part but the last; 0: PART_BYTES_MIN.  Tests make it small. */
    uint64_t part_bytes_min;
    /* Directories below which files may be promoted (object/promote_source.h); borrowed as long as
     * the store lives. */
    const char *const *promote_from;
    size_t promote_from_count;
    /* Where the control values of a cluster are; endpoints NULL: under DATA.  client_id is set by
     * whoever knows the node's id: the object store. */
    struct control_etcd_options etcd;
    /* Control values that others use as well, borrowed; NULL: opened by the store.  Tests put
     * several nodes into one process with it. */
    struct control *control;
    /* No control values: the buckets are those that this node of a cluster knew last.  For checks
     * of a stopped node. */
    bool is_offline;
};

MUST_USE enum status object_store_open(const struct object_store_options *options,
                                       struct object_store **ret_store, struct error *err);
void object_store_close(struct object_store **take_store);

struct store *object_store_store(struct object_store *store);
/* What work in the background gives way to (base/load_rest.h); NULL: nothing. */
struct load *object_store_load(const struct object_store *store);
struct control *object_store_control(struct object_store *store);
const char *object_store_node_id(const struct object_store *store);
uint64_t object_store_revision(const struct object_store *store); /* of control values; grows */
const char *object_store_region(const struct object_store *store);
/* Do other nodes have keys, or control values that this node may not have seen yet? */
bool object_store_is_clustered(const struct object_store *store);

/* loded --recover: rebuild DATA (node id, control values) from the copies on the mountpaths.
 * ST_EXISTS unless DATA is empty. */
MUST_USE enum status object_store_recover(const struct object_store_options *options,
                                          struct error *err);

#endif
