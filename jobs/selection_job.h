/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's jobs over chosen objects of a bucket: delete or copy those of a list, a template, a
 * prefix; copy or move a whole bucket.  Of a name that is not there nothing is said.  A copy takes
 * over the source's checksum, custom metadata and S3's attributes.
 *
 * report while it runs and after: {"source", "destination", "objects", "bytes"}, names of buckets
 * as the object store has them.
 */
#ifndef JOBS_SELECTION_JOB_H
#define JOBS_SELECTION_JOB_H

#include "jobs/job.h"

enum selection_verb {
    SELECTION_DELETE,
    SELECTION_COPY,
    SELECTION_COPY_BUCKET,
    SELECTION_MOVE_BUCKET, /* the source is destroyed at the end */
    SELECTION_VERB_COUNT
};

struct selection_options {
    enum selection_verb verb;
    struct bytes source;
    struct bytes destination;  /* empty: SELECTION_DELETE */
    const struct bytes *names; /* or NULL: a template */
    size_t name_count;
    struct bytes template; /* empty: everything; without a range: a prefix */
    struct bytes prepend;  /* to names of copies */
    bool is_dry_run;       /* counts only */
};

/* Both buckets were opened for the principal before.  Names of kinds are AIStore's.  ST_BUSY,
 * ST_INVALID: the template. */
MUST_USE enum status selection_job_start(struct job_registry *registry,
                                         const struct selection_options *options,
                                         char ret_id[JOB_ID_SIZE], struct error *err);

#endif
