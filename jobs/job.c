/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job is in `running` until its thread has put it into the history; the thread is detached and
 * the registry waits until no job runs.  One more thread, the keeper, starts repeated kinds and
 * saves the history, so that no lock is held meanwhile.
 */
#include "jobs/job.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/job_history.h"

#include "base/banned.h"

#define REPEAT_MAX 8

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
    pthread_cond_t changed;                   /* a job ended, or the registry closes */
    struct job_run *running[JOB_RUNNING_MAX]; /* guarded by lock */
    bool is_closing;                          /* guarded by lock */
    struct job_repeated repeated[REPEAT_MAX]; /* guarded by lock */
    size_t repeated_count;                    /* guarded by lock */
    struct job_history history;               /* guarded by lock */
    bool is_history_dirty;                    /* guarded by lock */
    pthread_t keeper;
};

static void *keeper_main(void *arg);

enum status
job_registry_create(struct object_store *store, const char *directory,
                    struct job_registry **ret_registry, struct error *err)
{
    struct job_registry *registry;
    pthread_condattr_t attributes;

    if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
        return fail_errno(err, ST_IO, "the directory of the jobs cannot be made");
    }
    registry = xcalloc(1, sizeof(*registry));
    registry->store = store;
    CHECK(pthread_mutex_init(&registry->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&registry->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    job_history_init(&registry->history, directory);
    CHECK(pthread_create(&registry->keeper, NULL, keeper_main, registry) == 0);
    *ret_registry = registry;
    return ST_OK;
}

static size_t
running_count_locked(const struct job_registry *registry)
{
    size_t count = 0;

    for (size_t i = 0; i < JOB_RUNNING_MAX; i++) {
        count += registry->running[i] != NULL;
    }
    return count;
}

void
job_registry_destroy(struct job_registry **take_registry)
{
    struct job_registry *registry = *take_registry;

    if (registry == NULL) {
        return;
    }
    WITH_LOCK (&registry->lock) {
        registry->is_closing = true;
        for (size_t i = 0; i < JOB_RUNNING_MAX; i++) {
            if (registry->running[i] != NULL) {
                atomic_store(&registry->running[i]->is_stopped, true);
            }
        }
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
        while (running_count_locked(registry) > 0) {
            CHECK(pthread_cond_wait(&registry->changed, &registry->lock) == 0);
        }
    }
    CHECK(pthread_join(registry->keeper, NULL) == 0);
    job_history_release(&registry->history);
    CHECK(pthread_cond_destroy(&registry->changed) == 0);
    CHECK(pthread_mutex_destroy(&registry->lock) == 0);
    free(registry);
    *take_registry = NULL;
}

static void
run_end(struct job_run *run, enum status st, const struct error *err)
{
    struct job_registry *registry = run->registry;

    WITH_LOCK (&registry->lock) {
        run->info.finished_ns = clock_wall_ns();
        run->info.state = st == ST_OK          ? JOB_FINISHED
                          : st == ST_CANCELLED ? JOB_STOPPED
                                               : JOB_FAILED;
        if (st != ST_OK) {
            snprintf(run->info.text, sizeof(run->info.text), "%s", err->text);
        }
        job_history_add(&registry->history, &run->info);
        registry->is_history_dirty = true;
        for (size_t i = 0; i < JOB_RUNNING_MAX; i++) {
            if (registry->running[i] == run) {
                registry->running[i] = NULL;
            }
        }
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    }
    /* The registry may be gone from here on. */
    free(run->report);
    free(run->options);
    free(run);
}

static void *
run_main(void *arg)
{
    struct job_run *run = arg;
    struct error err = ERROR_INIT;
    enum status st;

    affinity_set(AFFINITY_WORKER, "job");
    st = run->kind->run(run, &err);
    log_info(NULL, "job_ended", "job %s ended: %s", run->info.id, st == ST_OK ? "done" : err.text);
    run_end(run, st, &err);
    return NULL;
}

static enum status
run_place_locked(struct job_registry *registry, struct job_run *run, struct error *err)
{
    struct job_run **free_slot = NULL;

    if (registry->is_closing) {
        return fail(err, ST_CANCELLED, "the program is about to end");
    }
    for (size_t i = 0; i < JOB_RUNNING_MAX; i++) {
        if (registry->running[i] == NULL) {
            free_slot = &registry->running[i];
        } else if (registry->running[i]->kind == run->kind && !run->kind->is_concurrent) {
            return fail(err, ST_BUSY, "the job %s does this already",
                        registry->running[i]->info.id);
        }
    }
    if (free_slot == NULL) {
        return fail(err, ST_BUSY, "%d jobs are running", JOB_RUNNING_MAX);
    }
    *free_slot = run;
    return ST_OK;
}

static struct job_run *
run_create(struct job_registry *registry, const struct job_kind *kind, const void *options,
           size_t options_size)
{
    struct job_run *run = xcalloc(1, sizeof(*run));
    unsigned char salt[4];
    char hex[2 * sizeof(salt) + 1];

    entropy_fill(salt, sizeof(salt));
    encode_hex(bytes_of(salt, sizeof(salt)), hex);
    run->registry = registry;
    run->kind = kind;
    run->options = options_size > 0 ? xmemdup(options, options_size) : NULL;
    run->info.kind = kind->name;
    run->info.state = JOB_RUNNING;
    run->info.started_ns = clock_wall_ns();
    CHECK(snprintf(run->info.id, sizeof(run->info.id), "%s-%s", kind->name, hex) < JOB_ID_SIZE);
    return run;
}

enum status
job_start(struct job_registry *registry, const struct job_kind *kind, const void *options,
          size_t options_size, char ret_id[JOB_ID_SIZE], struct error *err)
{
    struct job_run *run = run_create(registry, kind, options, options_size);
    pthread_attr_t attributes;
    pthread_t thread;
    enum status st;

    WITH_LOCK (&registry->lock) {
        st = run_place_locked(registry, run, err);
    }
    if (st != ST_OK) {
        free(run->options);
        free(run);
        return st;
    }
    memcpy(ret_id, run->info.id, JOB_ID_SIZE);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attributes, run_main, run) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
    return ST_OK;
}

static struct job_run *
running_find_locked(const struct job_registry *registry, const char *id)
{
    for (size_t i = 0; i < JOB_RUNNING_MAX; i++) {
        if (registry->running[i] != NULL && strcmp(registry->running[i]->info.id, id) == 0) {
            return registry->running[i];
        }
    }
    return NULL;
}

static const struct job_info *
ended_find_locked(const struct job_registry *registry, const char *id)
{
    for (size_t i = registry->history.count; i > 0; i--) {
        if (strcmp(registry->history.entries[i - 1].info.id, id) == 0) {
            return &registry->history.entries[i - 1].info;
        }
    }
    return NULL;
}

enum status
job_stop(struct job_registry *registry, const char *id, struct error *err)
{
    enum status st = ST_OK;

    WITH_LOCK (&registry->lock) {
        struct job_run *run = running_find_locked(registry, id);

        if (run != NULL) {
            atomic_store(&run->is_stopped, true);
        } else {
            st = fail(err, ST_NOT_FOUND, "no such job is running");
        }
    }
    return st;
}

enum status
job_wait(struct job_registry *registry, const char *id, struct error *err)
{
    enum status st = ST_OK;

    assert_on_worker();
    WITH_LOCK (&registry->lock) {
        while (running_find_locked(registry, id) != NULL) {
            CHECK(pthread_cond_wait(&registry->changed, &registry->lock) == 0);
        }
        if (ended_find_locked(registry, id) == NULL) {
            st = fail(err, ST_NOT_FOUND, "there is no such job");
        }
    }
    return st;
}

static void
info_copy(const struct job_info *from, struct arena *arena, struct job_info *ret_to)
{
    *ret_to = *from;
    ret_to->kind = arena_string(arena, bytes_of_string(from->kind));
    ret_to->report = arena_copy(arena, from->report);
}

enum status
job_get(struct job_registry *registry, const char *id, struct arena *arena,
        struct job_info *ret_info, struct error *err)
{
    enum status st = ST_OK;

    WITH_LOCK (&registry->lock) {
        const struct job_run *run = running_find_locked(registry, id);
        const struct job_info *info = run != NULL ? &run->info : ended_find_locked(registry, id);

        if (info != NULL) {
            info_copy(info, arena, ret_info);
        } else {
            st = fail(err, ST_NOT_FOUND, "there is no such job");
        }
    }
    return st;
}

void
job_list(struct job_registry *registry, struct arena *arena, struct job_info **ret_infos,
         size_t *ret_count)
{
    WITH_LOCK (&registry->lock) {
        struct job_info *infos =
            arena_calloc(arena, JOB_RUNNING_MAX + registry->history.count, sizeof(*infos));
        size_t count = 0;

        for (size_t i = 0; i < JOB_RUNNING_MAX; i++) {
            if (registry->running[i] != NULL) {
                info_copy(&registry->running[i]->info, arena, &infos[count++]);
            }
        }
        for (size_t i = registry->history.count; i > 0; i--) {
            info_copy(&registry->history.entries[i - 1].info, arena, &infos[count++]);
        }
        *ret_infos = infos;
        *ret_count = count;
    }
}

void
job_repeat(struct job_registry *registry, const struct job_kind *kind, int64_t interval_s)
{
    WITH_LOCK (&registry->lock) {
        CHECK(registry->repeated_count < REPEAT_MAX && interval_s > 0);
        registry->repeated[registry->repeated_count++] = (struct job_repeated){
            .kind = kind,
            .interval_ns = interval_s * CLOCK_NS_PER_S,
            .due_ns = clock_monotonic_ns() + interval_s * CLOCK_NS_PER_S,
        };
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    }
}

/* The kind that is due now, else NULL; *ret_next_ns: when to look again. */
static const struct job_kind *
repeated_due_locked(struct job_registry *registry, int64_t *ret_next_ns)
{
    int64_t now_ns = clock_monotonic_ns();

    *ret_next_ns = now_ns + 3600 * CLOCK_NS_PER_S;
    for (size_t i = 0; i < registry->repeated_count; i++) {
        struct job_repeated *repeated = &registry->repeated[i];

        if (repeated->due_ns <= now_ns) {
            repeated->due_ns = now_ns + repeated->interval_ns;
            return repeated->kind;
        }
        if (repeated->due_ns < *ret_next_ns) {
            *ret_next_ns = repeated->due_ns;
        }
    }
    return NULL;
}

/* What the keeper does next, once there is something. */
struct keeper_task {
    const struct job_kind *kind; /* to be started, or NULL */
    struct buffer history;       /* to be saved, if not empty */
    bool is_closing;
};

static void
keeper_wait(struct job_registry *registry, struct keeper_task *task)
{
    WITH_LOCK (&registry->lock) {
        int64_t next_ns;

        task->kind = repeated_due_locked(registry, &next_ns);
        if (task->kind == NULL && !registry->is_history_dirty &&
            !(registry->is_closing && running_count_locked(registry) == 0)) {
            struct timespec until = {.tv_sec = next_ns / CLOCK_NS_PER_S,
                                     .tv_nsec = next_ns % CLOCK_NS_PER_S};

            (void)pthread_cond_timedwait(&registry->changed, &registry->lock, &until);
        }
        if (registry->is_history_dirty) {
            job_history_format(&registry->history, &task->history);
            registry->is_history_dirty = false;
        }
        task->is_closing = registry->is_closing && running_count_locked(registry) == 0;
    }
}

static void *
keeper_main(void *arg)
{
    struct job_registry *registry = arg;
    struct keeper_task task = {.is_closing = false};

    affinity_set(AFFINITY_ANY, "job-keeper");
    while (!task.is_closing) {
        keeper_wait(registry, &task);
        if (task.history.size > 0) {
            job_history_save(&registry->history, buffer_bytes(&task.history));
            buffer_release(&task.history);
        }
        if (task.kind != NULL && !task.is_closing) {
            char id[JOB_ID_SIZE];
            struct error err = ERROR_INIT;

            if (job_start(registry, task.kind, NULL, 0, id, &err) != ST_OK) {
                log_info(NULL, "job_not_started", "%s: %s", task.kind->name, err.text);
            }
        }
    }
    return NULL;
}

struct object_store *
job_run_store(struct job_run *run)
{
    return run->registry->store;
}

const void *
job_run_options(struct job_run *run)
{
    return run->options;
}

const atomic_bool *
job_run_is_stopped(struct job_run *run)
{
    return &run->is_stopped;
}

void
job_run_progress(struct job_run *run, uint64_t done_count, uint64_t total_count, const char *text)
{
    WITH_LOCK (&run->registry->lock) {
        run->info.done_count = done_count;
        run->info.total_count = total_count;
        snprintf(run->info.text, sizeof(run->info.text), "%s", text);
    }
}

void
job_run_report(struct job_run *run, struct bytes json)
{
    char *report = xstrndup(json.data, json.size);
    char *old;

    CHECK(json.size <= JOB_REPORT_BYTES_MAX);
    WITH_LOCK (&run->registry->lock) {
        old = run->report;
        run->report = report;
        run->info.report = bytes_of_string(report);
    }
    free(old);
}
