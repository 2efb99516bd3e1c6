/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of one home, in steps that fsck.c runs one after the other on one thread.  All records
 * are seen as of one moment; a finding that rests on bytes is
 * only reported if the record still says the same.
 */
#ifndef OBJECT_FSCK_HOME_H
#define OBJECT_FSCK_HOME_H

#include "meta/meta_db.h"
#include "meta/meta_key.h"
#include "object/fsck.h"
#include "object/fsck_tally.h"

struct fsck_check {
    struct object_store *store;
    const struct fsck_options *options;
    bool is_read_only;
    bool knows_buckets; /* else records of no bucket are no findings */
    struct fsck_summary summary;
    uint64_t done_count;
    char *buffer;            /* for reading bytes */
    struct fsck_tally known; /* ids of buckets */

    struct home *home; /* under check */
    struct meta_snapshot *snapshot;
    struct meta_iterator *iterators[FAMILY_COUNT];
    struct fsck_tally chunks;  /* expected: [0] references */
    struct fsck_tally packs;   /* expected: [0] live bytes */
    int64_t pack_totals[2];    /* of the packs' records: live bytes, capacity */
    struct fsck_tally writes;  /* write ids whose pages are named */
    struct fsck_tally buckets; /* expected: objects, logical, stored bytes */
};

void fsck_found(struct fsck_check *check, enum fsck_finding_kind kind, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* One more record or file; ST_CANCELLED. */
MUST_USE enum status fsck_step(struct fsck_check *check, struct error *err);

/* Objects, uploads and parts: fills the tallies, looks at their bytes. */
MUST_USE enum status fsck_check_records(struct fsck_check *check, struct error *err);
/* Counts, packs, counters and pages against the tallies. */
MUST_USE enum status fsck_check_tallies(struct fsck_check *check, struct error *err);
/* Chunk files of this home on all mountpaths, and its pack files. */
MUST_USE enum status fsck_check_files(struct fsck_check *check, struct error *err);
/* The bytes that a record names; what: for people. */
MUST_USE enum status fsck_check_bytes(struct fsck_check *check, enum family family,
                                      struct bytes key, struct bytes value,
                                      const struct layout *layout, uint64_t size, const char *what,
                                      struct error *err);

#endif
