/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread:  map of now -> its stage's passes over all homes -> done, the cluster is told ->
 *              sleep until another map, or for a while if something has to be tried again
 *
 * A pass (object/rebalance_scan.c) counts only if all homes were there and no key changed home
 * meanwhile, so that no key can have been passed over.
 */
#include "object/rebalance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "object/rebalance_internal.h"
#include "object/rebalance_metrics.h"

#include "base/banned.h"

/* Something did not work: a node is down, a home is absent, a disk is full.  A pass reads all keys,
 * so it is repeated soon at first and then ever later; another map, the end of a resilver and a
 * mountpath that comes end the pause. */
#define RETRY_MS_MIN 250
#define RETRY_MS_MAX (15 * 1000)

/* ---- a stage ---- */

struct stage_pass {
    enum placement_stage stage;
    enum family family;
    enum status (*visit)(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                         struct error *err);
};

/* Records before marks: a delete that comes in between leaves a mark. */
static const struct stage_pass PASSES[] = {
    {STAGE_MOVE, FAMILY_OBJECT, rebalance_send_page},
    {STAGE_MOVE, FAMILY_FORMER, rebalance_send_page},
    {STAGE_MOVE, FAMILY_UPLOAD, rebalance_send_uploads},
    {STAGE_MOVE, FAMILY_UPLOAD, rebalance_send_notes},
    {STAGE_DROP_MARKS, FAMILY_FORMER, rebalance_drop_moved},
    {STAGE_DROP_MARKS, FAMILY_UPLOAD, rebalance_drop_uploads},
    {STAGE_DROP_TOMBSTONES, FAMILY_FORMER, rebalance_drop_all},
};

/* What was left of one family does not hold up the next. */
static enum status
run_passes_at(struct rebalance *rebalance, struct cluster_map *map, struct home *home,
              uint64_t generation, struct error *err)
{
    struct error failure = ERROR_INIT;
    enum status first = home_require_commits(home, err);
    enum status st = first;

    for (size_t i = 0; i < ARRAY_COUNT(PASSES) && (st == ST_OK || st == ST_BUSY); i++) {
        struct rebalance_scan scan = {.rebalance = rebalance,
                                      .map = map,
                                      .generation = generation,
                                      .home = home,
                                      .family = PASSES[i].family,
                                      .visit = PASSES[i].visit};

        if (PASSES[i].stage != map->stage) {
            continue;
        }
        st = rebalance_scan_run(&scan, &failure);
        if (st != ST_OK && (first == ST_OK || st != ST_BUSY)) {
            first = st;
            *err = failure;
        }
    }
    return first;
}

/* ST_OK: the stage is done here. */
static enum status
run_stage(struct rebalance *rebalance, struct cluster_map *map, struct error *err)
{
    struct store *store = rebalance->store->store;
    uint64_t generation = store_generation(store);
    enum status st = ST_OK;

    if (store_is_unfinished(store)) {
        return fail(err, ST_BUSY, "the resilver goes first: keys move between mountpaths");
    }
    for (size_t i = 0; i < store_home_count(store) && st != ST_CANCELLED; i++) {
        struct home *home = store_home_at(store, i);
        struct error failure = ERROR_INIT;
        enum status at_home = home_is_holder(home)
                                  ? run_passes_at(rebalance, map, home, generation, &failure)
                                  : ST_OK;

        if (at_home != ST_OK && (st == ST_OK || at_home == ST_CANCELLED)) {
            st = at_home;
            *err = failure;
        }
    }
    if (st == ST_OK && generation != store_generation(store)) {
        st = fail(err, ST_BUSY, "mountpaths changed while keys were moved");
    }
    return st == ST_OK ? rebalance_check(rebalance, map, err) : st;
}

/* ---- the thread ---- */

bool
rebalance_wait(struct rebalance *rebalance, int64_t pause_ms, uint64_t *seen)
{
    int64_t end_ns = clock_monotonic_ns() + pause_ms * CLOCK_NS_PER_MS;
    struct timespec end = {end_ns / CLOCK_NS_PER_S, end_ns % CLOCK_NS_PER_S};
    bool goes_on = false;

    WITH_LOCK (&rebalance->lock) {
        int failure = 0;

        while (!rebalance->is_stopping && rebalance->notice_count == *seen && failure == 0) {
            failure = pause_ms != 0
                          ? pthread_cond_timedwait(&rebalance->changed, &rebalance->lock, &end)
                          : pthread_cond_wait(&rebalance->changed, &rebalance->lock);
        }
        *seen = rebalance->notice_count;
        goes_on = !rebalance->is_stopping;
    }
    return goes_on;
}

static bool
is_due(struct rebalance *rebalance, const struct cluster_map *map)
{
    bool is_due = false;

    if (map == NULL || map->stage == STAGE_DONE || map->stage == STAGE_SETTLE) {
        return false;
    }
    WITH_LOCK (&rebalance->lock) {
        is_due = rebalance->done_placement != map->placement_version ||
                 rebalance->done_stage <= map->stage;
    }
    return is_due;
}

static struct rebalance_progress
progress_locked(const struct rebalance *rebalance)
{
    struct rebalance_progress progress = rebalance->progress;

    if (rebalance->received.placement == progress.placement) {
        progress.received_count = rebalance->received.count;
        progress.received_bytes = rebalance->received.bytes;
    }
    return progress;
}

/* Without the lock: who is told may take its own. */
static void
tell(struct rebalance *rebalance, const struct cluster_map *map)
{
    struct rebalance_progress progress;
    rebalance_observe_fn *observe = NULL;
    void *arg = NULL;

    WITH_LOCK (&rebalance->lock) {
        progress = progress_locked(rebalance);
        observe = rebalance->observe;
        arg = rebalance->observe_arg;
    }
    if (observe != NULL && map != NULL) {
        observe(arg, map, &progress);
    }
}

static void
note_begin(struct rebalance *rebalance, const struct cluster_map *map)
{
    WITH_LOCK (&rebalance->lock) {
        struct rebalance_progress *progress = &rebalance->progress;

        if (progress->placement != map->placement_version) {
            *progress = (struct rebalance_progress){.placement = map->placement_version,
                                                    .started_ns = clock_wall_ns()};
        }
        if (progress->stage != map->stage) {
            progress->text[0] = '\0'; /* else a repeated try still waits for the same */
        }
        progress->is_running = true;
        progress->stage = map->stage;
    }
}

static void
note_end(struct rebalance *rebalance, const struct cluster_map *map, enum status st,
         const struct error *err, int64_t took_ns)
{
    WITH_LOCK (&rebalance->lock) {
        struct rebalance_progress *progress = &rebalance->progress;

        progress->is_running = false;
        progress->stage_ns[map->stage] += took_ns;
        if (st == ST_OK) {
            rebalance->done_placement = map->placement_version;
            rebalance->done_stage = map->stage + 1;
            progress->text[0] = '\0';
        } else if (st != ST_CANCELLED) {
            snprintf(progress->text, sizeof(progress->text), "%.*s",
                     (int)sizeof(progress->text) - 1, err->text);
        }
    }
    if (st == ST_OK) {
        log_info(NULL, "rebalance_stage",
                 "placement %" PRIu64 ": stage %s is done here after %" PRId64 " ms",
                 map->placement_version, placement_stage_name(map->stage),
                 took_ns / CLOCK_NS_PER_MS);
    } else if (st != ST_CANCELLED) {
        log_info(NULL, "rebalance_waits", "placement %" PRIu64 ": %s", map->placement_version,
                 err->text);
    }
}

static enum status
run_map(struct rebalance *rebalance, struct cluster_map *map)
{
    struct error err = ERROR_INIT;
    int64_t started_ns = clock_monotonic_ns();
    enum status st;

    tell(rebalance, map); /* before the numbers of an older placement go */
    note_begin(rebalance, map);
    tell(rebalance, map);
    st = run_stage(rebalance, map, &err);
    note_end(rebalance, map, st, &err, clock_monotonic_ns() - started_ns);
    return st;
}

/* The placement has ended, all of it. */
static void
note_finished(struct rebalance *rebalance, const struct cluster_map *map)
{
    WITH_LOCK (&rebalance->lock) {
        struct rebalance_progress *progress = &rebalance->progress;

        if (map != NULL && map->stage == STAGE_DONE && progress->finished_ns == 0 &&
            progress->placement == map->placement_version) {
            progress->stage = STAGE_DONE;
            progress->finished_ns = clock_wall_ns();
        }
    }
}

/* Keys that the owners have. */
static uint64_t
sent_count(struct rebalance *rebalance)
{
    uint64_t count = 0;

    WITH_LOCK (&rebalance->lock) {
        count = rebalance->progress.sent_count;
    }
    return count;
}

/* After a try that left something. */
static int64_t
next_pause_ms(int64_t before_ms, bool got_on)
{
    if (before_ms == 0 || got_on) {
        return RETRY_MS_MIN;
    }
    return 2 * before_ms < RETRY_MS_MAX ? 2 * before_ms : RETRY_MS_MAX;
}

static void *
rebalance_main(void *arg)
{
    struct rebalance *rebalance = arg;
    uint64_t placement = 0;
    int64_t pause_ms = 0;
    uint64_t seen = 0;

    affinity_set(AFFINITY_WORKER, "lode-rebalance");
    while (rebalance_wait(rebalance, pause_ms, &seen)) {
        struct cluster_map *map = ownership_map(rebalance->store->ownership);

        if (is_due(rebalance, map)) {
            uint64_t before = sent_count(rebalance);
            bool is_new = placement != map->placement_version;

            placement = map->placement_version;
            pause_ms = run_map(rebalance, map) == ST_OK
                           ? 0
                           : next_pause_ms(is_new ? 0 : pause_ms, sent_count(rebalance) != before);
        } else {
            pause_ms = 0;
        }
        note_finished(rebalance, map);
        tell(rebalance, map);
        cluster_map_unref(map);
    }
    return NULL;
}

/* ---- for others ---- */

struct rebalance *
rebalance_create(struct object_store *store)
{
    struct rebalance *rebalance = xcalloc(1, sizeof(*rebalance));
    pthread_condattr_t attributes;

    rebalance_metrics_init();
    rebalance->store = store;
    CHECK(pthread_mutex_init(&rebalance->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&rebalance->changed, &attributes) == 0);
    return rebalance;
}

void
rebalance_start(struct rebalance *rebalance)
{
    CHECK(!rebalance->has_thread);
    rebalance->has_thread = true;
    CHECK(pthread_create(&rebalance->thread, NULL, rebalance_main, rebalance) == 0);
}

void
rebalance_stop(struct rebalance *rebalance)
{
    if (!rebalance->has_thread) {
        return;
    }
    WITH_LOCK (&rebalance->lock) {
        rebalance->is_stopping = true;
        CHECK(pthread_cond_broadcast(&rebalance->changed) == 0);
    }
    CHECK(pthread_join(rebalance->thread, NULL) == 0);
    rebalance->has_thread = false;
}

void
rebalance_destroy(struct rebalance **take_rebalance)
{
    struct rebalance *rebalance = *take_rebalance;

    if (rebalance == NULL) {
        return;
    }
    rebalance_stop(rebalance);
    CHECK(pthread_mutex_destroy(&rebalance->lock) == 0);
    CHECK(pthread_cond_destroy(&rebalance->changed) == 0);
    free(rebalance);
    *take_rebalance = NULL;
}

void
rebalance_notice(struct rebalance *rebalance)
{
    WITH_LOCK (&rebalance->lock) {
        rebalance->notice_count++;
        CHECK(pthread_cond_broadcast(&rebalance->changed) == 0);
    }
}

enum status
rebalance_is_done(struct rebalance *rebalance, const struct cluster_map *map, bool *ret_is_done,
                  struct error *err)
{
    (void)err;
    WITH_LOCK (&rebalance->lock) {
        *ret_is_done = rebalance->done_placement == map->placement_version &&
                       rebalance->done_stage > map->stage;
    }
    return ST_OK;
}

void
rebalance_count_received(struct rebalance *rebalance, uint64_t placement, uint64_t bytes)
{
    WITH_LOCK (&rebalance->lock) {
        struct rebalance_received *received = &rebalance->received;

        if (received->placement != placement) {
            *received = (struct rebalance_received){.placement = placement};
        }
        received->count++;
        received->bytes += bytes;
    }
    metric_add(&rebalance_received_metric, 1);
    metric_add(&rebalance_received_bytes_metric, (int64_t)bytes);
}

void
rebalance_progress_get(struct rebalance *rebalance, struct rebalance_progress *ret_progress)
{
    WITH_LOCK (&rebalance->lock) {
        *ret_progress = progress_locked(rebalance);
    }
}

void
rebalance_observe(struct rebalance *rebalance, rebalance_observe_fn *observe, void *arg)
{
    WITH_LOCK (&rebalance->lock) {
        rebalance->observe = observe;
        rebalance->observe_arg = arg;
    }
    rebalance_notice(rebalance);
}

struct rebalance *
object_store_rebalance(const struct object_store *store)
{
    return store->rebalance;
}
