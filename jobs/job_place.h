/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a resumable job runs: at a target, this node if it is one.  There its record is as durable
 * as the objects, and while the target is away the job waits, as the objects do
 * (docs/decisions/018-jobs-that-resume.md).  The peer verb "job-run" brings it there.
 */
#ifndef JOBS_JOB_PLACE_H
#define JOBS_JOB_PLACE_H

#include "jobs/job.h"

#define JOB_RUN_VERB "job-run"
/* A list of as many names as one request of a client holds. */
#define JOB_RUN_BODY_MAX ((size_t)4 << 20)

/* The kind is in jobs/job_kinds.c.  ST_BUSY, ST_TOO_LARGE; ST_UNAVAILABLE: no target is up, or the
 * one that was asked did not answer, and may have begun. */
MUST_USE ON_WORKER enum status job_place_start(struct job_registry *registry,
                                               struct object_store *store,
                                               const struct job_kind *kind, struct bytes options,
                                               char ret_id[JOB_ID_SIZE], struct error *err);
/* At the target that was chosen. */
MUST_USE ON_WORKER enum status job_place_serve(struct job_registry *registry,
                                               struct bytes arguments, struct bytes body,
                                               struct error *err);

#endif
