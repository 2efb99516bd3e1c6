/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as operators read it: {"id", "node", "kind", "state", "started_ns", "finished_ns", "done",
 * "total", "text", "report"}; report only if there is one.  Pure.
 */
#ifndef JOBS_JOB_JSON_H
#define JOBS_JOB_JSON_H

#include "jobs/job.h"

/* node NULL: left out. */
void job_json_append(const struct job_info *job, const char *node, struct buffer *out);

#endif
