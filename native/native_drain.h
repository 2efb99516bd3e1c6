/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs a walk over a bucket: emptying it, counting a prefix.  And what of the disks a summary
 * shows.
 */
#ifndef NATIVE_NATIVE_DRAIN_H
#define NATIVE_NATIVE_DRAIN_H

#include "object/bucket.h"

/* Delete all objects, then the bucket.  ST_BUCKET_NOT_EMPTY: others keep writing. */
MUST_USE ON_WORKER enum status native_drain_destroy(const struct bucket *bucket, struct error *err);
struct native_count {
    uint64_t object_count;
    uint64_t byte_count;
    uint64_t stored_bytes;
    uint64_t size_min; /* of an object; 0: there is none */
    uint64_t size_max;
};
/* Of the keys with a prefix, by looking at each. */
MUST_USE ON_WORKER enum status native_drain_count(const struct bucket *bucket, struct bytes prefix,
                                                  struct native_count *ret_count,
                                                  struct error *err);
uint64_t native_drain_disk_bytes(struct object_store *store); /* of all mountpaths */
uint64_t native_drain_free_bytes(struct object_store *store);
uint64_t native_drain_used_percent(struct object_store *store, uint64_t stored_bytes);

#endif
