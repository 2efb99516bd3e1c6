/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a bucket empty, and its removal, over all targets.  Each target passes its committers behind
 * what was admitted before the bucket refused writes, then looks; only when all are empty are
 * uploads and counters removed.  Rule 9 of the protocol.
 *
 * Every step is of one value of the bucket, `deleting`, by its revision: one that is late, after
 * the deletion was taken back and perhaps begun again, touches nothing.
 */
#ifndef OBJECT_BUCKET_EMPTY_H
#define OBJECT_BUCKET_EMPTY_H

#include "object/bucket.h"

enum bucket_empty_step {
    BUCKET_EMPTY_CHECK = 1, /* ST_BUCKET_NOT_EMPTY */
    BUCKET_EMPTY_REMOVE = 2 /* uploads and counters */
};

/* A first look, which changes nothing.  ST_BUCKET_NOT_EMPTY, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status bucket_look_empty(const struct bucket *bucket, struct error *err);
/* Both steps on every target; the bucket refuses writes from that revision on.  ST_UNAVAILABLE: one
 * did not answer.  ST_CONFLICT: the bucket has changed since. */
MUST_USE ON_WORKER enum status bucket_empty_everywhere(struct object_store *store,
                                                       struct bytes name, uint64_t id,
                                                       uint64_t revision, struct error *err);
/* A step on this node's homes, taken by their committers only while the bucket is at the revision
 * (CONTROL_ANY_REVISION: a node without a cluster, on which nobody else deletes).  ST_CONFLICT. */
MUST_USE ON_WORKER enum status bucket_empty_own(const struct bucket *bucket, uint64_t revision,
                                                enum bucket_empty_step step, struct error *err);
/* A step that a peer asks for, under the revision that it has sent.  ST_CONFLICT: the bucket does
 * not refuse writes here. */
MUST_USE ON_WORKER enum status bucket_empty_serve(const struct bucket *bucket, uint64_t revision,
                                                  struct bytes arguments, struct error *err);

#endif
