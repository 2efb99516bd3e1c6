/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target's part in each rebalance as a job in its history: "rebalance-G", G being the version of
 * the map that brought the placement, so every target names it alike.  The work is done by
 * object/rebalance.h; this listens, adds up over restarts, and says how it ended:
 *
 *   finished   the placement has ended on all targets
 *   stopped    a newer placement took over (preempted_by), or the process ended; the latter goes on
 *              at the next start, or is settled by the first map that is known then
 */
#ifndef JOBS_REBALANCE_JOB_H
#define JOBS_REBALANCE_JOB_H

#include "jobs/job.h"

#define REBALANCE_JOB_NAME "rebalance"

struct rebalance_jobs;

/* For a node with a rebalance (object_store_rebalance), before its thread starts; it becomes the
 * registry's source.  NULL: this node has none. */
struct rebalance_jobs *rebalance_jobs_create(struct job_registry *registry,
                                             struct object_store *store);
/* After the rebalance's thread and the registry have ended. */
void rebalance_jobs_destroy(struct rebalance_jobs **take_jobs);

void rebalance_job_id(uint64_t placement, char ret_id[JOB_ID_SIZE]);

#endif
