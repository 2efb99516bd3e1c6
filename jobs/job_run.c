/* SPDX-License-Identifier: Apache-2.0 */
/* A running job as its own function sees it, and how those go on that a process left behind. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/job_internal.h"
#include "jobs/job_kinds.h"
#include "jobs/job_pause.h"

#include "base/banned.h"

/* Between two tries of what may pass by itself. */
#define WAIT_MIN_NS (50 * CLOCK_NS_PER_MS)
#define WAIT_MAX_NS (2 * CLOCK_NS_PER_S)
/* While it waits it looks so often whether it is to stop. */
#define STOP_LOOK_NS (50 * CLOCK_NS_PER_MS)

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

struct bytes
job_run_message(struct job_run *run)
{
    return bytes_of(run->options, run->options_size);
}

const struct job_kind *
job_run_kind(struct job_run *run)
{
    return run->kind;
}

const char *
job_run_id(struct job_run *run)
{
    return run->info.id;
}

int64_t
job_run_started_ns(struct job_run *run)
{
    return run->info.started_ns; /* never changes while it runs */
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

    CHECK(json.size <= JOB_REPORT_BYTES_MAX);
    WITH_LOCK (&run->registry->lock) {
        job_report_set_locked(run, report);
    }
}

void
job_run_bytes(struct job_run *run, uint64_t byte_count)
{
    WITH_LOCK (&run->registry->lock) {
        run->info.byte_count = byte_count;
    }
}

enum status
job_run_check(struct job_run *run, struct error *err)
{
    if (!atomic_load(&run->is_stopped)) {
        return ST_OK;
    }
    return fail(err, ST_CANCELLED, "%s",
                atomic_load(&run->is_asked_to_stop)
                    ? "it was stopped"
                    : "the process ended; it goes on at the next start");
}

enum status
job_run_pause(struct job_run *run, struct error *err)
{
    int64_t now_ns = clock_monotonic_ns();

    job_pause(run->registry->store, run->paused_ns != 0 ? now_ns - run->paused_ns : 0,
              &run->is_stopped);
    run->paused_ns = clock_monotonic_ns();
    return job_run_check(run, err);
}

enum status
job_run_wait(struct job_run *run, size_t try_count, const struct error *why, struct error *err)
{
    int64_t left_ns = WAIT_MIN_NS << (try_count < 6 ? try_count : 6);

    left_ns = left_ns < WAIT_MAX_NS ? left_ns : WAIT_MAX_NS;
    WITH_LOCK (&run->registry->lock) {
        snprintf(run->info.text, sizeof(run->info.text), "waiting: %.*s", JOB_TEXT_SIZE - 16,
                 why->text);
    }
    while (left_ns > 0 && !atomic_load(&run->is_stopped)) {
        clock_pause_ns(left_ns < STOP_LOOK_NS ? left_ns : STOP_LOOK_NS);
        left_ns -= STOP_LOOK_NS;
    }
    return job_run_check(run, err);
}

bool
job_run_resumed(struct job_run *run, struct job_counters *ret_counters, struct bytes *ret_cursor)
{
    if (run->is_resumed) {
        *ret_counters = run->counters;
        *ret_cursor = buffer_bytes(&run->cursor);
    }
    return run->is_resumed;
}

enum status
job_run_save(struct job_run *run, const struct job_counters *counters, struct bytes cursor,
             struct error *err)
{
    const struct job_record_state state = {.counters = *counters, .cursor = cursor};
    enum status st;

    CHECK(run->record != NULL);
    st = job_record_save(run->record, &state, err);
    if (st == ST_OK) {
        WITH_LOCK (&run->registry->lock) {
            run->info.done_count = counters->object_count;
            run->info.byte_count = counters->byte_count;
            run->info.total_count = counters->total_count;
        }
    }
    return st;
}

/* ---- after a start ---- */

static void
settle_ended(struct job_registry *registry, const struct job_record_content *content,
             struct job_record **take_record)
{
    char *id = bytes_to_string(content->head.id);

    WITH_LOCK (&registry->lock) {
        job_history_remove(&registry->history, id);
        job_history_add_line(&registry->history, content->end);
        registry->is_history_dirty = true;
        if (registry->ended_count < JOB_ENDED_MAX) {
            registry->ended[registry->ended_count++] = *take_record;
            *take_record = NULL;
        }
        CHECK(pthread_cond_broadcast(&registry->changed) == 0);
    }
    free(id);
}

static void
resume_run(struct job_registry *registry, const struct job_kind *kind,
           const struct job_record_content *content, struct job_record **take_record)
{
    char *id = bytes_to_string(content->head.id);
    struct job_run *run =
        job_run_create(registry, kind, id, content->head.options.data, content->head.options.size);
    struct error err = ERROR_INIT;

    run->record = *take_record;
    *take_record = NULL;
    run->info.started_ns = content->head.started_ns;
    snprintf(run->info.text, sizeof(run->info.text), "goes on after a restart");
    if (content->has_state) {
        run->is_resumed = true;
        run->counters = content->state.counters;
        buffer_append_bytes(&run->cursor, content->state.cursor);
        run->info.done_count = run->counters.object_count;
        run->info.byte_count = run->counters.byte_count;
        run->info.total_count = run->counters.total_count;
    }
    WITH_LOCK (&registry->lock) {
        job_history_remove(&registry->history, id);
    }
    log_info(NULL, "job_resumed", "job %s goes on behind object %llu", id,
             (unsigned long long)run->info.done_count);
    if (job_run_launch(registry, &run, &err) != ST_OK) {
        log_warn(NULL, "job_not_resumed", "job %s waits for another start: %s", id, err.text);
    }
    free(id);
}

static void
resume_file(struct job_registry *registry, const char *path)
{
    struct arena arena = ARENA_INIT;
    struct job_record *record = NULL;
    struct job_record_content content;
    struct error err = ERROR_INIT;
    const struct job_kind *kind;
    enum status st = job_record_open(path, &arena, &record, &content, &err);

    if (st != ST_OK) {
        log_warn(NULL, "job_not_resumed", "%s: %s", path, err.text);
    } else if (content.end.size > 0) {
        settle_ended(registry, &content, &record);
    } else {
        kind = job_kind_find(content.head.kind);
        if (kind != NULL) {
            resume_run(registry, kind, &content, &record);
        } else {
            log_warn(NULL, "job_not_resumed", "%s: jobs of kind %.*s are not known here", path,
                     BYTES_ARGS(content.head.kind));
        }
    }
    job_record_close(&record);
    arena_release(&arena);
}

void
job_registry_resume(struct job_registry *registry)
{
    DIR *directory = opendir(registry->directory);
    const struct dirent *entry;

    if (directory == NULL) {
        log_warn(NULL, "job_not_resumed", "the directory of the jobs cannot be read, errno %d",
                 errno);
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (bytes_has_suffix(bytes_of_string(entry->d_name), BYTES_LITERAL(JOB_RECORD_SUFFIX))) {
            char *path = xasprintf("%s/%s", registry->directory, entry->d_name);

            resume_file(registry, path);
            free(path);
        }
    }
    closedir(directory);
}
