/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets: control values "bucket/<name>" with a table in memory.  bucket_open is the gate: it
 * resolves the name, asks auth/authorize for the action, and gives the reference that every
 * operation on objects needs.  Bucket ids are never reused.
 *
 *   active -> deleting (new writes and those already admitted are refused) -> removed
 *          <- active again if an object, version or upload was found
 */
#ifndef OBJECT_BUCKET_H
#define OBJECT_BUCKET_H

#include <stdatomic.h>

#include "auth/authorize.h"
#include "base/arena.h"
#include "object/chunk_policy.h"
#include "object/object_store.h"
#include "store/commit.h"

struct bucket_properties {
    enum durability durability;
    uint64_t chunk_bytes;                      /* default 64 MiB */
    bool has_chunk_limit;                      /* else objects are cut from chunk_bytes on */
    uint64_t chunk_limit_bytes;                /* of struct chunk_policy */
    uint32_t chunk_spread;                     /* 0: all mountpaths */
    bool verify_read;                          /* default true */
    enum native_checksum_type native_checksum; /* of AIStore's PUTs; default xxhash2 */
};

/* Which chunks new objects get. */
static inline struct chunk_policy
bucket_chunk_policy(const struct bucket_properties *properties)
{
    return (struct chunk_policy){.chunk_bytes = properties->chunk_bytes,
                                 .limit_bytes = properties->has_chunk_limit
                                                    ? properties->chunk_limit_bytes
                                                    : properties->chunk_bytes};
}
/* Size of a full chunk of an object or part of so many bytes; UINT64_MAX: not known. */
static inline uint64_t
bucket_chunk_piece(const struct bucket_properties *properties, uint64_t size)
{
    const struct chunk_policy policy = bucket_chunk_policy(properties);

    return chunk_policy_piece(&policy, size);
}

/* A bucket in use.  Borrowed members are valid until bucket_close. */
struct bucket {
    struct object_store *store;
    const struct principal *principal; /* for whom it was opened */
    uint64_t id;
    uint64_t revision; /* of the value that it was opened under */
    struct bytes name;
    struct bytes owner;
    int64_t created_ns;
    struct bucket_properties properties;
    const atomic_bool *is_refusing_writes; /* for commit_options.is_refused */
    void *entry;                           /* the table's */
};

/* SPEC: S3 bucket naming rules (general purpose buckets).  ST_INVALID with a sentence. */
MUST_USE enum status bucket_name_check(struct bytes name, struct error *err);

/* ST_NO_SUCH_BUCKET, ST_DENIED.  On the loop or anywhere: does not wait. */
MUST_USE enum status bucket_open(struct object_store *store, const struct principal *principal,
                                 struct bytes name, enum action action, struct bucket *ret_bucket,
                                 struct error *err);
/* By id, for the program itself; looks through all of them.  ST_NO_SUCH_BUCKET. */
MUST_USE enum status bucket_open_id(struct object_store *store, uint64_t id,
                                    struct bucket *ret_bucket, struct error *err);
void bucket_close(struct bucket *bucket);
/* ST_NO_SUCH_BUCKET: another node means a bucket of that name that has been deleted since, or one
 * that was made since. */
MUST_USE enum status bucket_check_id(const struct bucket *bucket, uint64_t id, struct error *err);
/* For struct peer_head: of the value that this node has now; PEER_BUCKET_GONE: it was deleted since
 * it was opened. */
uint64_t bucket_revision(const struct bucket *bucket);
/* Before "no such bucket": know of the name what the control store knew when this began. */
MUST_USE ON_WORKER enum status bucket_refresh(struct object_store *store, struct bytes name,
                                              struct error *err);
/* bucket_open, and once more after bucket_refresh if there seems to be no such bucket. */
MUST_USE ON_WORKER enum status bucket_open_refreshed(struct object_store *store,
                                                     const struct principal *principal,
                                                     struct bytes name, enum action action,
                                                     struct bucket *ret_bucket, struct error *err);

/* Names that only AIStore's dialect may give: "[A-Za-z0-9._-]{1,64}", with "@#<namespace>/" before
 * it if it is of a namespace.  ST_INVALID with a sentence. */
MUST_USE enum status bucket_name_check_native(struct bytes name, struct error *err);

/* ST_EXISTS: it is there already; *ret_is_own tells whose (S3 distinguishes). */
MUST_USE ON_WORKER enum status bucket_create(struct object_store *store,
                                             const struct principal *principal, struct bytes name,
                                             const struct bucket_properties *properties,
                                             bool *ret_is_own, struct error *err);
/* ST_BUCKET_NOT_EMPTY, ST_NO_SUCH_BUCKET, ST_DENIED, ST_UNAVAILABLE (a home is absent).  Uploads in
 * progress are aborted, as S3 does. */
MUST_USE ON_WORKER enum status bucket_delete(struct object_store *store,
                                             const struct principal *principal, struct bytes name,
                                             struct error *err);
MUST_USE ON_WORKER enum status bucket_set_properties(struct object_store *store,
                                                     const struct principal *principal,
                                                     struct bytes name,
                                                     const struct bucket_properties *properties,
                                                     struct error *err);

struct bucket_info {
    struct bytes name;
    int64_t created_ns;
};
/* The same under a name that S3 may forbid. */
MUST_USE ON_WORKER enum status bucket_create_native(struct object_store *store,
                                                    const struct principal *principal,
                                                    struct bytes name,
                                                    const struct bucket_properties *properties,
                                                    bool *ret_is_own, struct error *err);
struct bucket_list_options {
    struct bytes prefix;
    struct bytes after; /* names greater than this */
    size_t count_max;
};
/* The principal's own buckets (root: all), in order of name.  Copies live in arena. */
MUST_USE enum status bucket_list(struct object_store *store, const struct principal *principal,
                                 const struct bucket_list_options *options, struct arena *arena,
                                 struct bucket_info **ret_buckets, size_t *ret_count,
                                 bool *ret_is_truncated, struct error *err);
/* Sums of all homes' counters.  ST_UNAVAILABLE if a home is absent. */
MUST_USE enum status bucket_counters(const struct bucket *bucket,
                                     struct bucket_counters *ret_counters, struct error *err);

#endif
