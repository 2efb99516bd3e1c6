/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resilver (object/resilver.h) as a job.  done: records looked at; text and report:
 * {"generation", "objects", "uploads", "bytes", "copied_bytes", "chunks", "chunk_bytes", "lost"}.
 */
#ifndef JOBS_RESILVER_JOB_H
#define JOBS_RESILVER_JOB_H

#include "jobs/job.h"

extern const struct job_kind resilver_job;

/* After a change of mountpaths, and at start: a job runs that sees this change, unless there is
 * nothing to do (ret_id is empty then).  Blocks for some milliseconds. */
MUST_USE ON_WORKER enum status resilver_job_ensure(struct job_registry *registry,
                                                   struct object_store *store,
                                                   char ret_id[JOB_ID_SIZE], struct error *err);

#endif
