/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last ended jobs, in memory and in one file of JSON lines that is replaced as a whole: jobs
 * end rarely.  A line that cannot be read is skipped.  The registry's lock guards it.
 */
#ifndef JOBS_JOB_HISTORY_H
#define JOBS_JOB_HISTORY_H

#include "jobs/job.h"

struct job_history_entry {
    struct job_info info; /* kind and report are owned */
};

struct job_history {
    char *path;
    struct job_history_entry entries[JOB_HISTORY_MAX]; /* oldest first */
    size_t count;
};

/* A file that is missing is an empty history. */
void job_history_init(struct job_history *history, const char *directory);
void job_history_release(struct job_history *history);
/* Copies info.  Where there is no room the oldest goes, of a rebalance only if there are many. */
void job_history_add(struct job_history *history, const struct job_info *info);
/* As job_history_format_info wrote it; one that cannot be read is skipped. */
void job_history_add_line(struct job_history *history, struct bytes line);
void job_history_remove(struct job_history *history, const char *id); /* of that id, if any */
/* State, text and report of the entry of info->id.  False: there is none. */
bool job_history_amend(struct job_history *history, const struct job_info *info);
/* Appends the file's text to out. */
void job_history_format(const struct job_history *history, struct buffer *out);
/* One line; of a job that runs: it is read back as stopped. */
void job_history_format_info(const struct job_info *info, struct buffer *out);
/* Blocks, touches only the path; a failure is logged and costs only the history. */
bool job_history_save(const struct job_history *history, struct bytes text);

#endif
