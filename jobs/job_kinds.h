/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resumable kinds by name: what a start of this program can take up again, and what another
 * node can ask it to begin or to do a share of.  A kind that is not in the table cannot be either.
 */
#ifndef JOBS_JOB_KINDS_H
#define JOBS_JOB_KINDS_H

#include "jobs/job.h"

/* NULL: there is none. */
const struct job_kind *job_kind_find(struct bytes name);
/* One more, which lives as long as the process; for tests. */
void job_kind_add(const struct job_kind *kind);

#endif
