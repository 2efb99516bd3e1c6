/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteObject and DeleteObjects: many keys go to the committers together, each with a result of
 * its own.  Deleting what is not there is ST_OK.
 */
#ifndef OBJECT_OBJECT_DELETE_H
#define OBJECT_OBJECT_DELETE_H

#include "object/bucket.h"
#include "object/object_conditions.h"

#define OBJECT_DELETE_KEYS_MAX 1000 /* SPEC: S3 DeleteObjects */

struct object_delete_entry {
    struct bytes key;
    struct object_conditions conditions; /* If-Match only */
    /* S3's x-amz-if-match-size and -last-modified-time are refused by the dialect */
    enum status status; /* result */
    struct error error; /* result */
};

/* Blocks until all are durable.  The call itself fails only if nothing was attempted. */
MUST_USE ON_WORKER enum status object_delete(const struct bucket *bucket,
                                             struct object_delete_entry *entries, size_t count,
                                             struct error *err);

/* This node's share of a deletion, as a peer sends it; the results are appended to out.  ST_MOVED:
 * a key is not this node's, and nothing was deleted. */
MUST_USE ON_WORKER enum status object_delete_serve(const struct bucket *bucket, struct bytes body,
                                                   struct buffer *out, struct error *err);

#endif
