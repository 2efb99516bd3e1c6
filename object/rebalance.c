/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread:  map of now -> its stage's passes over all homes -> done, the cluster is told ->
 *              sleep until another map, or for a second if something has to be tried again
 *
 * A pass reads keys page by page and hands pages to a few threads.  It counts only if all homes
 * were there and no key changed home meanwhile, so that no key can have been passed over.
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

#include "base/banned.h"

/* Something did not work: a node is down, a home is absent, a mountpath changes. */
#define RETRY_MS 500

/* ---- one pass ---- */

enum status
rebalance_check(struct rebalance *rebalance, const struct cluster_map *map, struct error *err)
{
    struct cluster_map *now = ownership_map(rebalance->store->ownership);
    bool is_same =
        now != NULL && now->placement_version == map->placement_version && now->stage == map->stage;
    bool is_stopping = false;

    cluster_map_unref(now);
    WITH_LOCK (&rebalance->lock) {
        is_stopping = rebalance->is_stopping;
    }
    return is_same && !is_stopping ? ST_OK
                                   : fail(err, ST_CANCELLED, "the map is another one by now");
}

void
rebalance_note_left(struct rebalance_scan *scan, const struct error *why)
{
    WITH_LOCK (&scan->lock) {
        scan->has_left = true;
    }
    WITH_LOCK (&scan->rebalance->lock) {
        struct rebalance_progress *progress = &scan->rebalance->progress;

        progress->refused_count++;
        snprintf(progress->text, sizeof(progress->text), "%.*s", (int)sizeof(progress->text) - 1,
                 why->text);
    }
}

/* The next keys, in arena; none: the end.  The caller has the scan's lock. */
static enum status
read_page_locked(struct rebalance_scan *scan, struct arena *arena, struct bytes *keys,
                 size_t *ret_count, struct error *err)
{
    struct meta_key *at = &scan->at;
    struct meta_iterator *iterator =
        meta_iterator_open(home_db(scan->home), &(struct meta_scan){.family = scan->family,
                                                                    .lower = meta_key_bytes(at),
                                                                    .keep_cache_cold = true});
    size_t count = 0;
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, meta_key_bytes(at));
         meta_iterator_is_valid(iterator) && count < REBALANCE_PAGE_COUNT && st == ST_OK;
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        if (key.size >= sizeof(at->data)) {
            st = fail(err, ST_CORRUPT, "the key of a record is too long");
        } else {
            keys[count++] = arena_copy(arena, key);
            memcpy(at->data, key.data, key.size);
            at->data[key.size] = 0; /* the next key there can be */
            at->size = key.size + 1;
        }
    }
    if (st == ST_OK && !meta_iterator_is_valid(iterator)) {
        scan->is_at_end = true;
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    *ret_count = count;
    return st;
}

static bool
next_page(struct rebalance_scan *scan, struct arena *arena, struct bytes *keys, size_t *ret_count)
{
    bool has_page = false;

    WITH_LOCK (&scan->lock) {
        if (scan->status == ST_OK && !scan->is_at_end) {
            scan->status = read_page_locked(scan, arena, keys, ret_count, &scan->error);
            has_page = scan->status == ST_OK && *ret_count > 0;
        }
    }
    return has_page;
}

static void *
scan_main(void *arg)
{
    struct rebalance_scan *scan = arg;
    struct bytes keys[REBALANCE_PAGE_COUNT];
    struct arena arena = ARENA_INIT;
    size_t count = 0;

    affinity_set(AFFINITY_WORKER, "lode-rebalance");
    while (next_page(scan, &arena, keys, &count)) {
        struct error err = ERROR_INIT;
        enum status st = rebalance_check(scan->rebalance, scan->map, &err);

        if (st == ST_OK) {
            st = scan->visit(scan, keys, count, &err);
        }
        if (st != ST_OK) {
            WITH_LOCK (&scan->lock) {
                if (scan->status == ST_OK) {
                    scan->status = st;
                    scan->error = err;
                }
            }
        }
        WITH_LOCK (&scan->rebalance->lock) {
            scan->rebalance->progress.scanned_count += count;
        }
        arena_release(&arena);
    }
    arena_release(&arena);
    return NULL;
}

enum status
rebalance_scan_run(struct rebalance_scan *scan, struct error *err)
{
    pthread_t threads[REBALANCE_THREAD_COUNT];

    if (!home_hold(scan->home)) {
        return home_require_readable(scan->home, err);
    }
    CHECK(pthread_mutex_init(&scan->lock, NULL) == 0);
    scan->at.size = 0;
    for (size_t i = 0; i < REBALANCE_THREAD_COUNT; i++) {
        CHECK(pthread_create(&threads[i], NULL, scan_main, scan) == 0);
    }
    for (size_t i = 0; i < REBALANCE_THREAD_COUNT; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(pthread_mutex_destroy(&scan->lock) == 0);
    home_unhold(scan->home);
    if (scan->status != ST_OK && err != NULL) {
        *err = scan->error;
    }
    return scan->status;
}

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
    {STAGE_MOVE, FAMILY_UPLOAD, rebalance_send_notes},
    {STAGE_DROP_MARKS, FAMILY_FORMER, rebalance_drop_moved},
    {STAGE_DROP_TOMBSTONES, FAMILY_FORMER, rebalance_drop_all},
};

static enum status
run_passes_at(struct rebalance *rebalance, struct cluster_map *map, struct home *home,
              struct error *err)
{
    enum status st = home_require_commits(home, err);

    for (size_t i = 0; i < ARRAY_COUNT(PASSES) && st == ST_OK; i++) {
        struct rebalance_scan scan = {.rebalance = rebalance,
                                      .map = map,
                                      .home = home,
                                      .family = PASSES[i].family,
                                      .visit = PASSES[i].visit};

        if (PASSES[i].stage != map->stage) {
            continue;
        }
        st = rebalance_scan_run(&scan, err);
        if (st == ST_OK && scan.has_left) {
            st = fail(err, ST_BUSY, "some keys could not be moved yet");
        }
    }
    return st;
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
    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store, i);

        if (home_is_holder(home)) {
            st = run_passes_at(rebalance, map, home, err);
        }
    }
    if (st == ST_OK && generation != store_generation(store)) {
        st = fail(err, ST_BUSY, "mountpaths changed while keys were moved");
    }
    return st == ST_OK ? rebalance_check(rebalance, map, err) : st;
}

/* ---- the thread ---- */

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

/* False: the process ends.  Waits unless there was a notice since seen. */
static bool
wait_for_notice(struct rebalance *rebalance, bool is_retry, uint64_t *seen)
{
    int64_t end_ns = clock_monotonic_ns() + RETRY_MS * CLOCK_NS_PER_MS;
    struct timespec end = {end_ns / CLOCK_NS_PER_S, end_ns % CLOCK_NS_PER_S};
    bool goes_on = false;

    WITH_LOCK (&rebalance->lock) {
        int failure = 0;

        while (!rebalance->is_stopping && rebalance->notice_count == *seen && failure == 0) {
            failure = is_retry ? pthread_cond_timedwait(&rebalance->changed, &rebalance->lock, &end)
                               : pthread_cond_wait(&rebalance->changed, &rebalance->lock);
        }
        *seen = rebalance->notice_count;
        goes_on = !rebalance->is_stopping;
    }
    return goes_on;
}

static void *
rebalance_main(void *arg)
{
    struct rebalance *rebalance = arg;
    bool is_retry = false;
    uint64_t seen = 0;

    affinity_set(AFFINITY_WORKER, "lode-rebalance");
    while (wait_for_notice(rebalance, is_retry, &seen)) {
        struct cluster_map *map = ownership_map(rebalance->store->ownership);

        is_retry = false;
        if (is_due(rebalance, map)) {
            is_retry = run_map(rebalance, map) != ST_OK;
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
