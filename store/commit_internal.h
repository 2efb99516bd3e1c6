/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the committer knows of a commit.  Nobody outside store/ includes this.
 */
#ifndef STORE_COMMIT_INTERNAL_H
#define STORE_COMMIT_INTERNAL_H

#include "meta/meta_key.h"
#include "store/batch_map.h"
#include "store/commit.h"
#include "store/home_internal.h"

enum operation_kind {
    OPERATION_PUT,
    OPERATION_PUT_RECORD, /* seq is filled in */
    OPERATION_DELETE,
    OPERATION_DELETE_RANGE, /* key to value */
    OPERATION_ADD           /* to a vector of counters */
};

struct operation {
    struct operation *next;
    enum operation_kind kind;
    enum family family;
    uint64_t hash;
    struct bytes key;
    struct bytes value;
    int64_t sum[BATCH_SUM_MAX];
    size_t sum_count;
};

/* What nothing names after this commit: a chunk file, the pages of a write id and all that they
 * name (EXTENT_INDIRECT), or a whole pack (EXTENT_PACK). */
struct dropped_extent {
    struct dropped_extent *next;
    struct extent extent;
};

/* Bytes that this commit is the first to name, or names once more. */
struct named_bytes {
    struct named_bytes *next;
    const struct extent *extent;
    bool is_shared;
};

/* Of commit.progress, a futex. */
enum commit_progress { COMMIT_PENDING, COMMIT_AWAITED, COMMIT_DONE };

struct commit {
    struct commit_options options;
    struct commit *next; /* in the committer's queue */
    struct arena arena;
    struct operation *operations;
    struct operation **last_operation;
    struct dropped_extent *dropped;
    struct named_bytes *named;
    struct buffer reads;    /* hashes of the keys that decide read */
    uint32_t families_read; /* bit per family */
    bool has_range;         /* a delete_range is among the operations */
    bool has_shared;        /* it may change the count of a chunk file more than once */
    bool is_barrier;        /* has no decide */
    bool has_synced_shared; /* the worker has synced the chunk files named once more */
    uint64_t noted_batch;   /* published before decide ran */
    struct seq seq;
    enum status status;
    struct error error;
    _Atomic uint32_t progress;
};

struct commit_view {
    struct commit *commit;
    struct batch_map *batch; /* NULL: runs in a worker */
};

/* FAMILY_NODE: number of the last batch, last seq counter in it; in every batch. */
#define NODE_LAST_BATCH "batch"

/* FAMILY_NODE: ids of the two packs that were registered last, newest first. */
#define NODE_NEWEST_PACKS "newest-packs"

/* Adds to a vector of counters in FAMILY_NODE or FAMILY_PACK. */
void commit_add(struct commit *commit, enum family family, const struct meta_key *key,
                const int64_t *values, size_t count);
/* The commit releases an emptied pack. */
void commit_drop_pack(struct commit *commit, uint64_t pack_id);
/* Deletes a page of dropped extents and gives up what it names. */
MUST_USE enum status commit_drop_page(struct commit *commit, struct commit_view *view,
                                      struct bytes key, struct error *err);
/* Clear the commit's output and run decide; the result is in commit->status and error. */
void commit_decide(struct commit *commit, struct batch_map *batch);
/* The commit is over; it may be gone when this returns. */
void commit_finish(struct commit *commit);

#endif
