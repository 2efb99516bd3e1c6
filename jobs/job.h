/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that takes long: each job runs on a thread of its own, shows its progress, can be stopped,
 * and leaves an entry in the history, which survives restarts.  A job that the process's end cut
 * off is in the history as stopped.  Any thread may call.
 *
 *   running -> finished | failed | stopped
 */
#ifndef JOBS_JOB_H
#define JOBS_JOB_H

#include <stdatomic.h>

#include "base/arena.h"
#include "object/object_store.h"

/* More at once would fight for the same disks. */
#define JOB_RUNNING_MAX 16
/* Entries of the history; the oldest go first. */
#define JOB_HISTORY_MAX 256
#define JOB_ID_SIZE 32
#define JOB_TEXT_SIZE 384
/* A report in JSON that a job may leave (findings of a check). */
#define JOB_REPORT_BYTES_MAX ((size_t)1 << 20)

enum job_state { JOB_RUNNING, JOB_FINISHED, JOB_FAILED, JOB_STOPPED };

struct job_registry;
struct job_run; /* a running job, as its own function sees it */

struct job_kind {
    const char *name;   /* lower case and hyphens; part of the id */
    bool is_concurrent; /* more than one of this kind may run */
    /* On the job's thread.  ST_CANCELLED: it was stopped. */
    enum status (*run)(struct job_run *run, struct error *err);
};

struct job_info {
    char id[JOB_ID_SIZE];
    const char *kind; /* in arena */
    enum job_state state;
    int64_t started_ns;  /* wall clock */
    int64_t finished_ns; /* 0: running */
    uint64_t done_count;
    uint64_t total_count;     /* 0: not known */
    char text[JOB_TEXT_SIZE]; /* what it is doing; then why it failed */
    struct bytes report;      /* JSON, or empty; in arena */
};

const char *job_state_name(enum job_state state);

/* The history is kept in directory (created if missing). */
MUST_USE enum status job_registry_create(struct object_store *store, const char *directory,
                                         struct job_registry **ret_registry, struct error *err);
/* Stops all jobs and waits for them. */
void job_registry_destroy(struct job_registry **take_registry);

/* options: copied, for job_run_options.  ST_BUSY: too many jobs run, or one of this kind does. */
MUST_USE enum status job_start(struct job_registry *registry, const struct job_kind *kind,
                               const void *options, size_t options_size, char ret_id[JOB_ID_SIZE],
                               struct error *err);
/* Asks; the job ends soon.  ST_NOT_FOUND: none of that id runs. */
MUST_USE enum status job_stop(struct job_registry *registry, const char *id, struct error *err);
/* Blocks until it has ended.  ST_NOT_FOUND: there never was such a job, or it is forgotten. */
MUST_USE ON_WORKER enum status job_wait(struct job_registry *registry, const char *id,
                                        struct error *err);
/* Running or of the history.  ST_NOT_FOUND. */
MUST_USE enum status job_get(struct job_registry *registry, const char *id, struct arena *arena,
                             struct job_info *ret_info, struct error *err);
/* Running ones first, then the history, newest first. */
void job_list(struct job_registry *registry, struct arena *arena, struct job_info **ret_infos,
              size_t *ret_count);
/* Start a job of this kind each interval_s seconds, the first after as long; options as above. */
void job_repeat(struct job_registry *registry, const struct job_kind *kind, int64_t interval_s);

/* For the job's function. */
struct object_store *job_run_store(struct job_run *run);
const void *job_run_options(struct job_run *run);
const atomic_bool *job_run_is_stopped(struct job_run *run);
void job_run_progress(struct job_run *run, uint64_t done_count, uint64_t total_count,
                      const char *text);
/* The last call counts; longer ones than JOB_REPORT_BYTES_MAX are refused by a CHECK. */
void job_run_report(struct job_run *run, struct bytes json);

#endif
