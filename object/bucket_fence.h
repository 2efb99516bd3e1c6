/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one node asks of another was decided under a value of its bucket, whose revision it sends
 * (rule 4 of docs/cluster-protocol.md).  Who is asked acts only under the same value: it catches up
 * with a newer one, and refuses what was decided under an older one, ST_MOVED, with the revision
 * that the asking node has to know of before it asks again.
 *
 * Both wait for their own watch of the control values, which is milliseconds behind; only when that
 * is silent the store is read.
 */
#ifndef OBJECT_BUCKET_FENCE_H
#define OBJECT_BUCKET_FENCE_H

#include "base/metrics.h"
#include "object/bucket.h"

/* For the watch to catch up; then one read of the control store. */
#define BUCKET_CATCH_UP_MS 1000
/* Threads that wait for it at once, about a quarter of the workers.  Others are told to ask again.
 */
#define BUCKET_CATCH_UP_MAX 16

extern struct metric bucket_fenced_total;

/* Of the value that this node has of the name now; 0: there is no such bucket. */
uint64_t bucket_fence_revision(struct object_store *store, struct bytes name);

/* ST_OK: this node has that very value.  ST_WOULD_WAIT: it may not know of it yet.  ST_MOVED: it
 * has a newer one, *ret_known.  Does not wait. */
MUST_USE enum status bucket_fence_check(struct object_store *store, struct bytes name,
                                        uint64_t revision, uint64_t *ret_known, struct error *err);
/* The same after it has caught up.  ST_MOVED also: the bucket was deleted.  ST_UNAVAILABLE: the
 * control store does not answer. */
MUST_USE ON_WORKER enum status bucket_fence_require(struct object_store *store, struct bytes name,
                                                    uint64_t revision, uint64_t *ret_known,
                                                    struct error *err);
/* Know of the name what was known somewhere at that revision.  ST_BUSY, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status bucket_fence_catch_up(struct object_store *store, struct bytes name,
                                                     uint64_t revision, struct error *err);

#endif
