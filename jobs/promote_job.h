/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's "promote": the files of a directory of this node, or one file, become objects.  A job
 * of the node that has them, which goes on after a kill where its cursor stood; others begin it
 * through jobs/promote_cluster.h.  A file that cannot be promoted does not stop the others: the job
 * fails at its end, with the first of them and their number.  Its report:
 *
 *   {"source" (the bucket), "path", "objects", "bytes", "kept", "failed", "skipped"}
 */
#ifndef JOBS_PROMOTE_JOB_H
#define JOBS_PROMOTE_JOB_H

#include "jobs/job.h"
#include "jobs/promote_message.h"
#include "object/object_promote.h"

extern const struct job_kind promote_job;

/* One file at once, without a job.  What promote_source_open and object_promote answer. */
MUST_USE ON_WORKER enum status promote_job_file(struct object_store *store,
                                                const struct promote_message *message,
                                                struct object_promote_result *ret_result,
                                                struct error *err);

#endif
