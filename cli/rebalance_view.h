/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of the rebalance, as all nodes report them (jobs/rebalance_report.h, jobs/cleanup_job.h):
 * the list of runs, and one of them in full: what each target did, how long each stage took.
 */
#ifndef CLI_REBALANCE_VIEW_H
#define CLI_REBALANCE_VIEW_H

#include "cli/job_view.h"

/* Runs that are listed without --all. */
#define REBALANCE_VIEW_RUNS_MAX 10

/* id NULL: the list, and the first run in full. */
void rebalance_view_print(const struct job_view *view, const char *id, bool is_all, FILE *out);

/* The line that is overwritten while a run is watched: a bar where the total is known, sums of all
 * targets, and the first that waits. */
void rebalance_view_print_progress(const struct job_view *view, FILE *out, int columns);

#endif
