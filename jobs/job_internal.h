/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the registry share.  Nobody else includes this. */
#ifndef JOBS_JOB_INTERNAL_H
#define JOBS_JOB_INTERNAL_H

#include <pthread.h>

#include "jobs/job.h"
#include "jobs/job_history.h"
#include "jobs/job_record.h"

#define JOB_REPEAT_MAX 8
#define JOB_SLOT_MAX (JOB_RUNNING_MAX + JOB_BEGUN_MAX)

struct job_run {
    struct job_registry *registry;
    const struct job_kind *kind;
    void *options;
    size_t options_size;
    atomic_bool is_stopped;
    atomic_bool is_asked_to_stop; /* by somebody, not by the end of the process */
    struct job_info info;         /* guarded by the registry's lock */
    char *report;                 /* guarded by the registry's lock */
    /* Of resumable kinds, of the job's thread: */
    struct job_record *record;
    bool is_resumed;
    struct job_counters counters;
    struct buffer cursor;
    int64_t paused_ns; /* monotonic: when it looked for the load last */
};

/* More that have ended than the keeper gets rid of at once. */
#define JOB_ENDED_MAX 64

struct job_repeated {
    const struct job_kind *kind;
    int64_t interval_ns;
    int64_t due_ns; /* monotonic */
};

struct job_registry {
    struct object_store *store;
    char *directory;
    pthread_mutex_t lock;
    pthread_cond_t changed;                       /* a job ended, or the registry closes */
    struct job_run *running[JOB_SLOT_MAX];        /* guarded by lock */
    bool is_closing;                              /* guarded by lock */
    struct job_repeated repeated[JOB_REPEAT_MAX]; /* guarded by lock */
    size_t repeated_count;                        /* guarded by lock */
    struct job_history history;                   /* guarded by lock */
    bool is_history_dirty;                        /* guarded by lock */
    struct job_source source;                     /* guarded by lock */
    /* Guarded by lock: of jobs whose end is in the history in memory; removed once it is on disk,
     * by the keeper. */
    struct job_record *ended[JOB_ENDED_MAX];
    size_t ended_count;
    pthread_t keeper;
};

struct job_run *job_run_create(struct job_registry *registry, const struct job_kind *kind,
                               const char *id, const void *options, size_t options_size);
/* Starts its thread, or destroys it.  ST_BUSY, ST_CANCELLED. */
MUST_USE enum status job_run_launch(struct job_registry *registry, struct job_run **take_run,
                                    struct error *err);
void job_report_set_locked(struct job_run *run, char *take_report);
size_t job_running_count_locked(const struct job_registry *registry);
/* Without the lock: refresh, else close. */
void job_call_source(struct job_registry *registry, bool is_refresh);
void *job_keeper_main(void *arg);

#endif
