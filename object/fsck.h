/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one checker: metadata against files, both ways.  Used by loded --fsck (store opened
 * read-only, server stopped) and as a job of the running server.
 */
#ifndef OBJECT_FSCK_H
#define OBJECT_FSCK_H

#include <stdatomic.h>

#include "object/object_store.h"

/* X(name, text): kinds of findings */
#define FSCK_FINDING_LIST(X)                                                                       \
    X(FSCK_RECORD_UNREADABLE, "a record cannot be decoded")                                        \
    X(FSCK_BYTES_MISSING, "a record names bytes that are not there")                               \
    X(FSCK_BYTES_CORRUPT, "stored bytes fail their checksum or belong to something else")          \
    X(FSCK_COUNT_WRONG, "a reference count or counter differs from the records")                   \
    X(FSCK_RECORD_ORPHAN, "a record belongs to no bucket")                                         \
    X(FSCK_PAGE_ORPHAN, "a page or part belongs to no record")                                     \
    X(FSCK_LOG_LOST, "packs know of commits that the records have lost")                           \
    X(FSCK_FILE_ORPHAN, "a file that no record names")                                             \
    X(FSCK_RECORD_MISPLACED, "a record lies in a home that its key does not have")                 \
    X(FSCK_HOME_ABSENT, "a registered mountpath is absent")

enum fsck_finding_kind {
#define FSCK_ENUM(name, text) name,
    FSCK_FINDING_LIST(FSCK_ENUM)
#undef FSCK_ENUM
        FSCK_FINDING_COUNT
};

struct fsck_finding {
    enum fsck_finding_kind kind;
    const char *home; /* directory */
    char what[512];   /* bucket id and key, file, ... and what is wrong */
};

struct fsck_options {
    bool verifies_bytes;             /* read everything and check it; else existence and headers */
    bool repairs;                    /* remove orphans only */
    int64_t orphan_age_s;            /* younger orphans are not findings */
    const atomic_bool *is_cancelled; /* or NULL */
    void (*found)(const struct fsck_finding *finding, void *arg);
    void (*progress)(uint64_t done_count, void *arg); /* records and files looked at; or NULL */
    void *arg;
};

struct fsck_summary {
    uint64_t object_count;
    uint64_t upload_count;
    uint64_t file_count;
    uint64_t byte_count; /* verified */
    uint64_t finding_counts[FSCK_FINDING_COUNT];
    uint64_t repaired_count;
};

const char *fsck_finding_name(enum fsck_finding_kind kind);
/* ST_OK: the check ran, whatever it found. */
MUST_USE ON_WORKER enum status fsck_run(struct object_store *store,
                                        const struct fsck_options *options,
                                        struct fsck_summary *ret_summary, struct error *err);

#endif
