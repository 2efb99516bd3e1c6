/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job is in `running` until its thread has put it into the history; the thread is detached and
 * the registry waits until no job runs.  What another thread does (job_begin) has no thread here.
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
#include "jobs/job_internal.h"

#include "base/banned.h"

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
    registry->directory = xstrdup(directory);
    CHECK(pthread_mutex_init(&registry->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&registry->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    job_history_init(&registry->history, directory);
    CHECK(pthread_create(&registry->keeper, NULL, job_keeper_main, registry) == 0);
    *ret_registry = registry;
    return ST_OK;
}

size_t
job_running_count_locked(const struct job_registry *registry)
{
    size_t count = 0;

    for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
        count += registry->running[i] != NULL;
    }
    return count;
}

void
job_call_source(struct job_registry *registry, bool is_refresh)
{
    struct job_source source;

    WITH_LOCK (&registry->lock) {
        source = registry->source;
    }
    if (is_refresh && source.refresh != NULL) {
        source.refresh(source.arg);
    } else if (!is_refresh && source.close != NULL) {
        source.close(source.arg);
    }
}

void
job_registry_set_source(struct job_registry *registry, const struct job_source *source)
{
    WITH_LOCK (&registry->lock) {
        registry->source = *source;
    }
}

void
job_registry_destroy(struct job_registry **take_registry)
{
    struct job_registry *registry = *take_registry;

    if (registry == NULL) {
        return;
    }
    job_call_source(registry, false);
    WITH_LOCK (&registry->lock) {
        registry->is_closing = true;
        for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
            if (registry->running[i] != NULL) {
                atomic_store(&registry->running[i]->is_stopped, true);
            }
        }
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
        while (job_running_count_locked(registry) > 0) {
            CHECK(pthread_cond_wait(&registry->changed, &registry->lock) == 0);
        }
    }
    CHECK(pthread_join(registry->keeper, NULL) == 0);
    job_history_release(&registry->history);
    CHECK(pthread_cond_destroy(&registry->changed) == 0);
    CHECK(pthread_mutex_destroy(&registry->lock) == 0);
    free(registry->directory);
    free(registry);
    *take_registry = NULL;
}

static void
run_destroy(struct job_run *run)
{
    job_record_close(&run->record);
    buffer_release(&run->cursor);
    free(run->report);
    free(run->options);
    free(run);
}

/* The end of a resumable one is in its file before it is known: no start takes it up again. */
static void
run_write_end(struct job_run *run)
{
    struct buffer line = BUFFER_INIT;

    job_history_format_info(&run->info, &line);
    job_record_end(run->record, buffer_bytes(&line));
    buffer_release(&line);
}

static void
run_end(struct job_run *run, enum status st, const struct error *err)
{
    struct job_registry *registry = run->registry;
    bool goes_on =
        run->record != NULL && st == ST_CANCELLED && !atomic_load(&run->is_asked_to_stop);

    WITH_LOCK (&registry->lock) {
        run->info.finished_ns = clock_wall_ns();
        run->info.state = st == ST_OK          ? JOB_FINISHED
                          : st == ST_CANCELLED ? JOB_STOPPED
                                               : JOB_FAILED;
        if (st != ST_OK) {
            snprintf(run->info.text, sizeof(run->info.text), "%s", err->text);
        }
    }
    if (run->record != NULL && !goes_on) {
        run_write_end(run); /* nobody else changes what is known of it any more */
    }
    WITH_LOCK (&registry->lock) {
        if (!goes_on) {
            job_history_add(&registry->history, &run->info);
        }
        if (run->record != NULL && !goes_on && registry->ended_count < JOB_ENDED_MAX) {
            registry->ended[registry->ended_count++] = run->record;
            run->record = NULL;
        }
        registry->is_history_dirty = true;
        for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
            if (registry->running[i] == run) {
                registry->running[i] = NULL;
            }
        }
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    }
    /* The registry may be gone from here on. */
    run_destroy(run);
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

/* limit: jobs at once of which this one may be the last. */
static enum status
run_place_locked(struct job_registry *registry, struct job_run *run, size_t limit,
                 struct error *err)
{
    struct job_run **free_slot = NULL;
    size_t count = 0;

    if (registry->is_closing) {
        return fail(err, ST_CANCELLED, "the program is about to end");
    }
    for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
        const struct job_run *other = registry->running[i];

        if (other == NULL) {
            free_slot = &registry->running[i];
            continue;
        }
        count += (other->kind->run == NULL) == (run->kind->run == NULL);
        if (other->kind == run->kind && !run->kind->is_concurrent) {
            return fail(err, ST_BUSY, "the job %s does this already", other->info.id);
        }
        if (strcmp(other->info.id, run->info.id) == 0) {
            return fail(err, ST_BUSY, "the job %s runs already", other->info.id);
        }
    }
    if (free_slot == NULL || count >= limit) {
        return fail(err, ST_BUSY, "%zu jobs are running", count);
    }
    *free_slot = run;
    registry->is_history_dirty = true;
    CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    return ST_OK;
}

void
job_make_id(const struct job_kind *kind, char ret_id[JOB_ID_SIZE])
{
    unsigned char salt[4];
    char hex[2 * sizeof(salt) + 1];

    entropy_fill(salt, sizeof(salt));
    encode_hex(bytes_of(salt, sizeof(salt)), hex);
    CHECK(snprintf(ret_id, JOB_ID_SIZE, "%s-%s", kind->name, hex) < JOB_ID_SIZE);
}

struct job_run *
job_run_create(struct job_registry *registry, const struct job_kind *kind, const char *id,
               const void *options, size_t options_size)
{
    struct job_run *run = xcalloc(1, sizeof(*run));

    run->registry = registry;
    run->kind = kind;
    run->options = options_size > 0 ? xmemdup(options, options_size) : NULL;
    run->options_size = options_size;
    run->info.kind = kind->name;
    run->info.state = JOB_RUNNING;
    run->info.started_ns = clock_wall_ns();
    CHECK(snprintf(run->info.id, sizeof(run->info.id), "%s", id) < JOB_ID_SIZE);
    return run;
}

/* Before anyone is told of it. */
static enum status
run_make_record(struct job_registry *registry, struct job_run *run, struct error *err)
{
    const struct job_record_head head = {.id = bytes_of_string(run->info.id),
                                         .kind = bytes_of_string(run->kind->name),
                                         .started_ns = run->info.started_ns,
                                         .options = bytes_of(run->options, run->options_size)};

    return run->kind->is_resumable && run->record == NULL
               ? job_record_create(registry->directory, &head, &run->record, err)
               : ST_OK;
}

enum status
job_run_launch(struct job_registry *registry, struct job_run **take_run, struct error *err)
{
    struct job_run *run = *take_run;
    bool is_new = run->record == NULL;
    pthread_attr_t attributes;
    pthread_t thread;
    enum status st = run_make_record(registry, run, err);

    *take_run = NULL;
    if (st == ST_OK) {
        WITH_LOCK (&registry->lock) {
            st = run_place_locked(registry, run, JOB_RUNNING_MAX, err);
        }
    }
    if (st != ST_OK) {
        if (is_new) {
            job_record_remove(&run->record);
        }
        run_destroy(run);
        return st;
    }
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attributes, run_main, run) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
    return ST_OK;
}

enum status
job_start_as(struct job_registry *registry, const struct job_kind *kind, const char *id,
             const void *options, size_t options_size, struct error *err)
{
    struct job_run *run = job_run_create(registry, kind, id, options, options_size);

    return job_run_launch(registry, &run, err);
}

enum status
job_start(struct job_registry *registry, const struct job_kind *kind, const void *options,
          size_t options_size, char ret_id[JOB_ID_SIZE], struct error *err)
{
    char id[JOB_ID_SIZE];
    enum status st;

    job_make_id(kind, id);
    st = job_start_as(registry, kind, id, options, options_size, err);
    if (st == ST_OK) {
        memcpy(ret_id, id, JOB_ID_SIZE);
    }
    return st;
}

static struct job_run *
running_find_locked(const struct job_registry *registry, const char *id)
{
    for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
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

        if (run == NULL) {
            st = fail(err, ST_NOT_FOUND, "no such job is running");
        } else if (run->kind->run == NULL) {
            st = fail(err, ST_INVALID, "%s ends by itself, and is not stopped", run->info.id);
        } else {
            atomic_store(&run->is_asked_to_stop, true);
            atomic_store(&run->is_stopped, true);
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

bool
job_begin(struct job_registry *registry, const struct job_kind *kind, const char *id,
          struct arena *arena, struct job_info *ret_previous)
{
    struct job_run *run = job_run_create(registry, kind, id, NULL, 0);
    const struct job_info *previous;
    enum status st;

    CHECK(kind->run == NULL);
    memset(ret_previous, 0, sizeof(*ret_previous));
    WITH_LOCK (&registry->lock) {
        st = run_place_locked(registry, run, JOB_BEGUN_MAX, NULL);
        previous = st == ST_OK ? ended_find_locked(registry, id) : NULL;
        if (previous != NULL) {
            info_copy(previous, arena, ret_previous);
            run->info.started_ns = previous->started_ns;
            job_history_remove(&registry->history, id);
        }
    }
    if (st != ST_OK) {
        CHECK(st == ST_CANCELLED); /* its source ends one before it begins the next */
        run_destroy(run);
    }
    return st == ST_OK;
}

void
job_report_set_locked(struct job_run *run, char *take_report)
{
    free(run->report);
    run->report = take_report;
    run->info.report = bytes_of_string(take_report);
}

void
job_update(struct job_registry *registry, const char *id, uint64_t done_count, uint64_t total_count,
           const char *text, struct bytes report)
{
    char *copy = report.size > 0 ? xstrndup(report.data, report.size) : xstrdup("");

    CHECK(report.size <= JOB_REPORT_BYTES_MAX);
    WITH_LOCK (&registry->lock) {
        struct job_run *run = running_find_locked(registry, id);

        if (run != NULL) {
            run->info.done_count = done_count;
            run->info.total_count = total_count;
            snprintf(run->info.text, sizeof(run->info.text), "%s", text);
            job_report_set_locked(run, copy);
            copy = NULL;
        }
    }
    free(copy);
}

void
job_end(struct job_registry *registry, const char *id, enum status st, const struct error *err)
{
    struct job_run *run = NULL;

    WITH_LOCK (&registry->lock) {
        run = running_find_locked(registry, id);
    }
    if (run != NULL) {
        log_info(NULL, "job_ended", "job %s ended: %s", id, st == ST_OK ? "done" : err->text);
        run_end(run, st, err);
    }
}

void
job_amend(struct job_registry *registry, const struct job_info *info)
{
    WITH_LOCK (&registry->lock) {
        if (job_history_amend(&registry->history, info)) {
            registry->is_history_dirty = true;
            CHECK(pthread_cond_broadcast(&registry->changed) == 0);
        }
    }
}

void
job_checkpoint(struct job_registry *registry)
{
    WITH_LOCK (&registry->lock) {
        registry->is_history_dirty = true;
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    }
}

enum status
job_get(struct job_registry *registry, const char *id, struct arena *arena,
        struct job_info *ret_info, struct error *err)
{
    enum status st = ST_OK;

    job_call_source(registry, true);
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
    job_call_source(registry, true);
    WITH_LOCK (&registry->lock) {
        struct job_info *infos =
            arena_calloc(arena, JOB_SLOT_MAX + registry->history.count, sizeof(*infos));
        size_t count = 0;

        for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
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
        CHECK(registry->repeated_count < JOB_REPEAT_MAX && interval_s > 0);
        registry->repeated[registry->repeated_count++] = (struct job_repeated){
            .kind = kind,
            .interval_ns = interval_s * CLOCK_NS_PER_S,
            .due_ns = clock_monotonic_ns() + interval_s * CLOCK_NS_PER_S,
        };
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    }
}
