/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a resumable job leaves on disk: one file, to which its head, each state and its end are
 * appended with a checksum.  The last state that is whole counts, so a kill at any moment leaves
 * the one before it or the new one.  Synced once a second.  A file that has grown is written again.
 * Used by the job's own thread; the registry opens and removes files.
 */
#ifndef JOBS_JOB_RECORD_H
#define JOBS_JOB_RECORD_H

#include "jobs/job.h"

#define JOB_RECORD_SUFFIX ".job"
/* What replacing a file costs is small beside so many bytes of states. */
#define JOB_RECORD_REWRITE_BYTES ((size_t)8 << 20)
/* Options and a state together: a batch of names of the longest kind, and the message. */
#define JOB_RECORD_BYTES_MAX ((size_t)64 << 20)

struct job_record;

struct job_record_head {
    struct bytes id;
    struct bytes kind;
    int64_t started_ns;
    struct bytes options;
};

struct job_record_state {
    struct job_counters counters;
    struct bytes cursor;
};

/* What a file says; all of it lives in arena. */
struct job_record_content {
    struct job_record_head head;
    bool has_state;
    struct job_record_state state;
    struct bytes end; /* what job_record_end was given; empty: it has not ended */
};

/* Durable when it returns.  ST_IO, ST_NO_SPACE. */
MUST_USE enum status job_record_create(const char *directory, const struct job_record_head *head,
                                       struct job_record **ret_record, struct error *err);
/* ST_CORRUPT: it has no head that is whole. */
MUST_USE enum status job_record_open(const char *path, struct arena *arena,
                                     struct job_record **ret_record,
                                     struct job_record_content *ret_content, struct error *err);
MUST_USE enum status job_record_save(struct job_record *record,
                                     const struct job_record_state *state, struct error *err);
/* A failure costs only that the job is taken for one that goes on. */
void job_record_end(struct job_record *record, struct bytes end);
/* The file stays. */
void job_record_close(struct job_record **take_record);
/* And the file goes. */
void job_record_remove(struct job_record **take_record);

#endif
