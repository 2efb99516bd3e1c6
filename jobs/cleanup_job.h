/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cleanup of misplaced copies (object/rebalance_cleanup.h) as a job of every target, under one
 * id.  Whoever is asked looks whether it may begin anywhere, then starts it everywhere:
 *
 *   check at each target that is up -> none refuses -> start at each -> id
 *
 * It refuses while a rebalance or a resilver has work to do anywhere, or another cleanup runs, and
 * below two active targets that are up.  No setting turns it off.  The report:
 *
 *   {"scanned", "misplaced", "removed", "removed_bytes", "quarantined", "quarantined_bytes",
 *    "left", "left_why": {"unknown": N, ...}, "forced", "why", "examples": [{"bucket", "key",
 *    "why"}]}
 */
#ifndef JOBS_CLEANUP_JOB_H
#define JOBS_CLEANUP_JOB_H

#include "jobs/job.h"

extern const struct job_kind cleanup_job;

/* ret_text: what an operator should know, such as who was left out; in arena.  ST_BUSY: it may not
 * begin now; ST_INVALID: too few targets; ST_UNAVAILABLE: a target does not answer. */
MUST_USE ON_WORKER enum status cleanup_job_start(struct job_registry *registry,
                                                 struct object_store *store, bool is_forced,
                                                 struct arena *arena, char ret_id[JOB_ID_SIZE],
                                                 struct bytes *ret_text, struct error *err);
/* The answering end of JOB_START_VERB (jobs/job_cluster.h). */
MUST_USE ON_WORKER enum status cleanup_job_serve(struct job_registry *registry,
                                                 struct object_store *store, struct bytes arguments,
                                                 struct error *err);

#endif
