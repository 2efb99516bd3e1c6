/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper, one more thread of the registry: it starts repeated kinds and saves the history, so
 * that no lock is held meanwhile.
 */
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "jobs/job_internal.h"

#include "base/banned.h"

/* How often the progress of what runs is written down, for the case of a kill: rarely enough that
 * the whole history is no burden. */
#define CHECKPOINT_INTERVAL_NS (30 * CLOCK_NS_PER_S)

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
    bool is_history_due;
    bool is_closing;
    int64_t checkpoint_ns; /* monotonic: of what runs */
};

static void
keeper_wait(struct job_registry *registry, struct keeper_task *task)
{
    WITH_LOCK (&registry->lock) {
        int64_t next_ns;

        task->kind = repeated_due_locked(registry, &next_ns);
        if (job_running_count_locked(registry) > 0 && task->checkpoint_ns < next_ns) {
            next_ns = task->checkpoint_ns;
        }
        if (task->kind == NULL && !registry->is_history_dirty &&
            !(registry->is_closing && job_running_count_locked(registry) == 0)) {
            struct timespec until = {.tv_sec = next_ns / CLOCK_NS_PER_S,
                                     .tv_nsec = next_ns % CLOCK_NS_PER_S};

            (void)pthread_cond_timedwait(&registry->changed, &registry->lock, &until);
        }
        task->is_closing = registry->is_closing && job_running_count_locked(registry) == 0;
        task->is_history_due =
            registry->is_history_dirty ||
            (job_running_count_locked(registry) > 0 && clock_monotonic_ns() >= task->checkpoint_ns);
    }
}

/* The history, and what runs, which a process that is killed leaves as stopped. */
static void
keeper_save(struct job_registry *registry, struct keeper_task *task)
{
    struct job_record *ended[JOB_ENDED_MAX];
    size_t ended_count = 0;
    struct buffer text = BUFFER_INIT;

    if (!task->is_closing) {
        job_call_source(registry, true);
    }
    WITH_LOCK (&registry->lock) {
        registry->is_history_dirty = false;
        job_history_format(&registry->history, &text);
        ended_count = registry->ended_count;
        memcpy(ended, registry->ended, ended_count * sizeof(struct job_record *));
        registry->ended_count = 0;
        for (size_t i = 0; i < JOB_SLOT_MAX; i++) {
            if (registry->running[i] != NULL) {
                job_history_format_info(&registry->running[i]->info, &text);
            }
        }
    }
    if (job_history_save(&registry->history, buffer_bytes(&text))) {
        for (size_t i = 0; i < ended_count; i++) {
            job_record_remove(&ended[i]);
        }
    }
    for (size_t i = 0; i < ended_count; i++) {
        job_record_close(&ended[i]);
    }
    buffer_release(&text);
    task->checkpoint_ns = clock_monotonic_ns() + CHECKPOINT_INTERVAL_NS;
}

void *
job_keeper_main(void *arg)
{
    struct job_registry *registry = arg;
    struct keeper_task task = {.is_closing = false};

    affinity_set(AFFINITY_ANY, "job-keeper");
    while (!task.is_closing) {
        keeper_wait(registry, &task);
        if (task.is_history_due) {
            keeper_save(registry, &task);
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
