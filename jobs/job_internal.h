/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the registry share.  Nobody else includes this. */
#ifndef JOBS_JOB_INTERNAL_H
#define JOBS_JOB_INTERNAL_H

#include <pthread.h>

#include "jobs/job.h"
#include "jobs/job_history.h"

#define JOB_REPEAT_MAX 8
#define JOB_SLOT_MAX (JOB_RUNNING_MAX + JOB_BEGUN_MAX)

struct job_run {
    struct job_registry *registry;
    const struct job_kind *kind;
    void *options;
    atomic_bool is_stopped;
    struct job_info info; /* guarded by the registry's lock */
    char *report;         /* guarded by the registry's lock */
};

struct job_repeated {
    const struct job_kind *kind;
    int64_t interval_ns;
    int64_t due_ns; /* monotonic */
};

struct job_registry {
    struct object_store *store;
    pthread_mutex_t lock;
    pthread_cond_t changed;                       /* a job ended, or the registry closes */
    struct job_run *running[JOB_SLOT_MAX];        /* guarded by lock */
    bool is_closing;                              /* guarded by lock */
    struct job_repeated repeated[JOB_REPEAT_MAX]; /* guarded by lock */
    size_t repeated_count;                        /* guarded by lock */
    struct job_history history;                   /* guarded by lock */
    bool is_history_dirty;                        /* guarded by lock */
    struct job_source source;                     /* guarded by lock */
    pthread_t keeper;
};

size_t job_running_count_locked(const struct job_registry *registry);
/* Without the lock: refresh, else close. */
void job_call_source(struct job_registry *registry, bool is_refresh);
void *job_keeper_main(void *arg);

#endif
