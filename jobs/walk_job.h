/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs over the objects of a bucket, on all nodes: all of them, or those of a list, a template, a
 * prefix.  One node runs the job and walks the merged listing, which has each key once also while
 * keys change owners; each object is worked on by the node that owns it, on several threads, all
 * nodes at the same time.  A batch:
 *
 *   list, or look which names are there -> save cursor and batch -> work, at the owners -> after
 *
 * After a kill the batch that was saved is done again (is_repeated) and counted once.  What cannot
 * be done because a node is away is tried until it is back or the job is stopped; any other failure
 * of one object ends the job, with its name.
 *
 * A kind is a struct walk_kind in jobs/job_kinds.c, and a call of walk_start.
 */
#ifndef JOBS_WALK_JOB_H
#define JOBS_WALK_JOB_H

#include "jobs/job.h"
#include "jobs/job_kinds.h"
#include "object/bucket.h"

/* Objects of a batch, and bytes unless one object has more: a kill repeats no more than that. */
#define WALK_BATCH_OBJECTS 1000
#define WALK_BATCH_BYTES ((uint64_t)1 << 30)
#define WALK_NOTE_SIZE 64
#define WALK_ETAG_SIZE 64

struct walk_item {
    struct bytes name;
    uint64_t size;        /* bytes, as it was listed */
    uint64_t stored_size; /* of a listing; else 0 */
    char etag[WALK_ETAG_SIZE];
    bool is_repeated; /* it may have been done before, and nobody heard of it */
    /* What became of it.  ST_OK: one object more is done.  ST_NO_SUCH_KEY: it is gone, and counts
     * only if the kind removes and is_repeated.  ST_MOVED, and those that status_is_retryable:
     * tried again.  Others, ST_NO_SPACE too, end the job. */
    enum status status;
    struct error error;
    char note[WALK_NOTE_SIZE]; /* what work tells after; empty */
};

/* What a node knows of the job whose objects it works on; all of it borrowed. */
struct walk_share {
    struct object_store *store;
    const struct walk_kind *kind;
    struct bucket source;
    struct bucket destination; /* only where has_destination */
    bool has_destination;
    bool is_dry_run;
    int64_t started_ns;   /* wall clock of who began the job */
    struct bytes prepend; /* to names at the destination */
    struct bytes extra;   /* of walk_options */
    const atomic_bool *is_stopped;
};

struct walk_kind {
    struct job_kind job; /* .run = walk_run, .is_resumable = true */
    /* Who works: the owner of prepend + name in the destination, else of the name in the source. */
    bool is_of_destination;
    bool removes;     /* objects that are done are not listed any more */
    size_t slice_max; /* items of one call of work; 0: 1 */
    /* At the owner, on a thread of its own, several at once: sets status (error, note) of each
     * item.  Doing an item again must be harmless.  A key that is another node's by now: ST_MOVED.
     * NULL: items are counted, nothing else. */
    void (*work)(const struct walk_share *share, struct walk_item *items, size_t count);
    /* At the node that runs the job, after a batch, with the items that were done; or NULL.
     * Repeated after a kill, and if it returns a status that is retryable. */
    enum status (*after)(const struct walk_share *share, struct walk_item *items, size_t count,
                         struct error *err);
    /* Once, behind the last batch; or NULL.  ST_BUCKET_NOT_EMPTY: there is more, walk again. */
    enum status (*finish)(const struct walk_share *share, struct error *err);
};

struct walk_options {
    const struct walk_kind *kind;
    struct bytes source;       /* names of buckets as the object store has them; both are there */
    struct bytes destination;  /* empty: none */
    const struct bytes *names; /* or NULL: a template.  Each is worked on if it is there */
    size_t name_count;
    struct bytes template; /* jobs/name_template.h; empty: everything; without a range: a prefix */
    bool is_prefix;        /* template is one, also with braces in it */
    struct bytes prepend;
    struct bytes extra; /* the kind's own, no longer than WALK_EXTRA_MAX */
    bool is_dry_run;    /* objects are counted, nothing else */
};

#define WALK_EXTRA_MAX ((size_t)16 << 10)

/* On a target: this node if it is one (jobs/job_place.h).  Both buckets were opened for the
 * principal before.  ST_BUSY; ST_INVALID: the template; ST_UNAVAILABLE: no target takes it. */
MUST_USE ON_WORKER enum status walk_start(struct job_registry *registry, struct object_store *store,
                                          const struct walk_options *options,
                                          char ret_id[JOB_ID_SIZE], struct error *err);

/* Of every walk_kind.  Its report: {"what", "source", "destination", "objects", "bytes",
 * "stored_bytes", "size_min", "size_max", "nodes": {ID: {"objects", "bytes"}}}. */
enum status walk_run(struct job_run *run, struct error *err);
/* NULL: it is no kind of walk. */
const struct walk_kind *walk_kind_of(const struct job_kind *kind);

#endif
