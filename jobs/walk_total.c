/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/walk_total.h"

#include "base/check.h"
#include "base/clock.h"
#include "jobs/job_pause.h"
#include "object/object_list.h"

#include "base/banned.h"

/* Names only: pages that cost little and can be stopped soon. */
#define PAGE_COUNT 10000

static void
count_one(struct bytes name, const struct object_record *record, void *arg)
{
    uint64_t *count = arg;

    (void)name;
    (void)record;
    (*count)++;
}

static void *
total_main(void *arg)
{
    struct walk_total *total = arg;
    struct object_list_options options = {.prefix = total->prefix, .count_max = PAGE_COUNT};
    struct object_list_result result = {.is_truncated = true};
    struct arena arenas[2] = {ARENA_INIT, ARENA_INIT};
    uint64_t count = 0;
    enum status st = ST_OK;

    affinity_set(AFFINITY_WORKER, "job-total");
    for (size_t i = 0; st == ST_OK && result.is_truncated && !atomic_load(&total->is_stopped);
         i++) {
        int64_t began_ns = clock_monotonic_ns();

        arena_release(&arenas[i % 2]); /* the other one holds the name behind which it goes on */
        st = object_list(total->bucket, &options, count_one, &count, &arenas[i % 2], &result, NULL);
        options.after = result.last;
        options.is_continued = true;
        job_pause(total->bucket->store, clock_monotonic_ns() - began_ns, &total->is_stopped);
    }
    if (st == ST_OK && !result.is_truncated) {
        atomic_store(&total->count, count);
    }
    arena_release(&arenas[0]);
    arena_release(&arenas[1]);
    return NULL;
}

void
walk_total_start(struct walk_total *total, const struct bucket *bucket, struct bytes prefix)
{
    total->bucket = bucket;
    total->prefix = prefix;
    total->is_running = pthread_create(&total->thread, NULL, total_main, total) == 0;
}

void
walk_total_stop(struct walk_total *total)
{
    if (total->is_running) {
        atomic_store(&total->is_stopped, true);
        CHECK(pthread_join(total->thread, NULL) == 0);
        total->is_running = false;
    }
}
