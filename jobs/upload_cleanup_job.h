/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes what completed and aborted uploads left behind, and the records of uploads that were
 * completed more than UPLOAD_COMPLETED_KEEP_S ago.  Meant to be repeated; takes no options.
 */
#ifndef JOBS_UPLOAD_CLEANUP_JOB_H
#define JOBS_UPLOAD_CLEANUP_JOB_H

#include "jobs/job.h"

#define UPLOAD_CLEANUP_INTERVAL_S INT64_C(3600)

extern const struct job_kind upload_cleanup_job;

#endif
