/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one commit point of a home.  Nobody locks a key: an operation is a pure function `decide` of
 * the records it reads through a view and of its request; a worker runs it, and the home's
 * committer accepts the result if nothing that it read has changed since, else runs it again itself
 * with the records of its batch.  Then one batch is synced and everything in it is acknowledged.
 *
 *   commit_init -> fill in -> commit_submit -> commit_wait -> (status) -> commit_release
 *
 * Failure modes: decide's own refusal (nothing written); ST_NO_SPACE; a failed or doubtful write:
 * ST_UNAVAILABLE, the home is quarantined, nothing is released, neither new bytes nor old.
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include <stdatomic.h>

#include "base/affinity.h"
#include "base/arena.h"
#include "meta/meta_db.h"
#include "meta/object_record.h"
#include "store/home.h"

enum durability {
    DURABILITY_STRICT,  /* bytes, directory entries and log are synced before the answer */
    DURABILITY_RELAXED, /* synced within lazy_sync_interval_ms after it */
    DURABILITY_NONE     /* left to the kernel */
};

struct commit;
struct commit_view;

/*
 * Pure: reads through view, writes through commit_put and its sisters, has no other effects, may
 * run more than once (commit's own output is cleared before each run).  A status other than ST_OK
 * refuses the commit and is what commit_wait returns.
 */
typedef enum status commit_decide_fn(struct commit *commit, struct commit_view *view, void *arg,
                                     struct error *err);

struct commit_options {
    struct home *home;
    enum durability durability;
    commit_decide_fn *decide;
    void *arg;                     /* for decide; must live until commit_wait returned */
    const atomic_bool *is_refused; /* the bucket is being deleted: ST_NO_SUCH_BUCKET.  Or NULL */
    const struct layout_writer *writer; /* whose bytes this commit publishes, or NULL */
    /* Asked when the committer takes the commit; another status than ST_OK refuses it.  Short, does
     * not wait, may be asked more than once.  Or NULL. */
    enum status (*admit)(const void *arg, struct error *err);
    const void *admit_arg;
};

struct commit *commit_create(const struct commit_options *options);
/* Runs decide here first (a refusal is final and submits nothing), then hands over to the
 * committer. Does not wait for the disk.  Several commits may be submitted before the first is
 * waited for. */
void commit_submit(struct commit *commit);
/* Blocks until the commit is durable as its bucket promises, or refused. */
MUST_USE ON_WORKER enum status commit_wait(struct commit *commit, struct error *err);
void commit_destroy(struct commit **take_commit);
/* seq under which it was committed, after commit_wait returned ST_OK. */
struct seq commit_seq(const struct commit *commit);
/* create + submit + wait + destroy. */
MUST_USE ON_WORKER enum status commit_run(const struct commit_options *options, struct seq *ret_seq,
                                          struct error *err);

/* For decide.  The value (view into commit memory, valid until decide returns or the commit is
 * destroyed) as of this commit's place in the order; ST_NOT_FOUND, ST_IO, ST_CORRUPT.  What was
 * read is remembered and validated. */
MUST_USE enum status commit_view_get(struct commit_view *view, enum family family, struct bytes key,
                                     struct bytes *ret_value, struct error *err);
struct arena *commit_arena(struct commit *commit); /* cleared before each run of decide */

void commit_put(struct commit *commit, enum family family, struct bytes key, struct bytes value);
/* value is an encoded record whose seq the committer fills in (RECORD_SEQ_OFFSET). */
void commit_put_record(struct commit *commit, enum family family, struct bytes key,
                       struct bytes value);
void commit_delete(struct commit *commit, enum family family, struct bytes key);
void commit_delete_range(struct commit *commit, enum family family, struct bytes from,
                         struct bytes to);
/* Adds to the counters of a bucket. */
void commit_count(struct commit *commit, uint64_t bucket_id, const struct bucket_counters *delta);
/* Bytes that this commit stops naming.  Pack bytes are counted dead in the batch; a chunk file
 * loses one reference, and is unlinked after the sync and after the last pin when that was the
 * last.  Pages are only marked, however many there are: what they name follows in later commits,
 * also after a crash. */
MUST_USE enum status commit_drop_layout(struct commit *commit, struct commit_view *view,
                                        const struct layout *layout, struct error *err);
/* Both walk pages through view: a layout's pages must be put in this commit before they are named.
 * Pages of extents are deleted by the store when the last reader is gone; the part table is the
 * caller's to delete.  A completed upload takes over what its parts name: neither named again nor
 * dropped. */
/* Bytes that this commit newly names: pack bytes counted live, chunk files get their first
 * reference (or, is_shared, one more: refused with ST_CONFLICT if the count has reached zero
 * meanwhile). */
MUST_USE enum status commit_name_layout(struct commit *commit, struct commit_view *view,
                                        const struct layout *layout, bool is_shared,
                                        struct error *err);

/* Wait until everything submitted to this home before is decided (for DeleteBucket). */
MUST_USE ON_WORKER enum status commit_barrier(struct home *home, struct error *err);

#endif
