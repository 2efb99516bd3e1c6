/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of object/fsck.h on the running server.  Report: {"objects", "uploads", "files",
 * "verified_bytes", "repaired", "findings": {kind: count}, "first": [{"finding", "home", "what"}]}.
 */
#ifndef JOBS_FSCK_JOB_H
#define JOBS_FSCK_JOB_H

#include "jobs/job.h"

/* Findings told one by one; the others are counted only. */
#define FSCK_JOB_FINDINGS_MAX 1000
/* Of a server with traffic: no write takes longer to name its bytes, or they were given up. */
#define FSCK_JOB_ORPHAN_AGE_S INT64_C(3600)

struct fsck_job_options {
    bool verifies_bytes;
    bool repairs;
    /* Files may belong to writes under way: younger ones are never findings.  0:
     * FSCK_JOB_ORPHAN_AGE_S. */
    int64_t orphan_age_s;
};

extern const struct job_kind fsck_job;

#endif
