/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a bucket in other chunks (object/object_rechunk.h): a walk on which each owner
 * writes its own.  An object that has the chunks already counts like one that gets them.
 */
#ifndef JOBS_RECHUNK_JOB_H
#define JOBS_RECHUNK_JOB_H

#include "jobs/walk_job.h"
#include "object/chunk_policy.h"

extern const struct walk_kind rechunk_job;

struct rechunk_job_options {
    struct bytes bucket; /* name as the object store has it; it was opened for the principal */
    struct bytes prefix; /* literal */
    struct chunk_policy policy;
};

/* ST_INVALID: the policy, or a prefix that would be a range of names; what walk_start answers. */
MUST_USE ON_WORKER enum status rechunk_job_start(struct job_registry *registry,
                                                 struct object_store *store,
                                                 const struct rechunk_job_options *options,
                                                 char ret_id[JOB_ID_SIZE], struct error *err);

#endif
