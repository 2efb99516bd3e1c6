/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one target says of its part in a rebalance: the report of the job (jobs/rebalance_job.h), as
 * a JSON object that is kept in the history and read back when the run goes on after a restart.
 *
 *   {"placement", "why", "stage", "stages": [{"stage", "seconds", "work_seconds", "objects",
 *    "bytes"}], "scanned", "objects", "bytes", "received", "received_bytes", "notes", "retries",
 *    "waits_for", "preempted_by"}
 *
 * seconds: until all targets had reached the stage's end; work_seconds: this target's own.  objects
 * and bytes are what owners acknowledged, received what came here.  Pure.
 */
#ifndef JOBS_REBALANCE_REPORT_H
#define JOBS_REBALANCE_REPORT_H

#include "object/rebalance.h"

#define REBALANCE_WHY_SIZE 256

struct rebalance_report {
    uint64_t placement;
    char why[REBALANCE_WHY_SIZE]; /* which change of the map; empty: not known */
    enum placement_stage stage;   /* that all targets are at */
    int64_t wall_ns[STAGE_DONE];
    int64_t work_ns[STAGE_DONE];
    uint64_t scanned_count;
    uint64_t sent_count;
    uint64_t sent_bytes;
    uint64_t received_count;
    uint64_t received_bytes;
    uint64_t note_count;
    uint64_t retry_count;
    char waits_for[REBALANCE_WHY_SIZE]; /* empty: nothing */
    uint64_t preempted_by;              /* 0: nothing */
};

/* "target-3 joined or returned, target-2 is in maintenance", by the map that began the placement;
 * empty once that is finished and formers are forgotten. */
void rebalance_report_why(const struct cluster_map *map, char out[REBALANCE_WHY_SIZE]);
/* base: of the runs before a restart. */
void rebalance_report_sum(const struct rebalance_report *base,
                          const struct rebalance_progress *progress,
                          struct rebalance_report *ret_report);
void rebalance_report_format(const struct rebalance_report *report, struct buffer *out);
/* Whatever cannot be read is zero. */
void rebalance_report_parse(struct bytes json, struct rebalance_report *ret_report);
/* For the job's text. */
void rebalance_report_describe(const struct rebalance_report *report, char *out, size_t size);

#endif
