/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass: a page of keys is read -> a few threads visit pages -> what they left is tried again.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"
#include "object/key_move.h"
#include "object/rebalance_internal.h"

#include "base/banned.h"

/* Within a pass, keys that were left are tried again alone, after pauses that double: most are
 * refused because the other node hears of the map a little later. */
#define LEFT_ROUND_COUNT 5
#define LEFT_PAUSE_MS 50

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

enum status
rebalance_enter(struct rebalance_scan *scan, struct error *err)
{
    struct store *store = scan->rebalance->store->store;

    store_enter(store);
    if (store_generation(store) != scan->generation) {
        store_leave(store);
        return fail(err, ST_BUSY, "mountpaths changed while keys were moved");
    }
    return ST_OK;
}

void
rebalance_note_left(struct rebalance_scan *scan, struct bytes key, const struct error *why)
{
    WITH_LOCK (&scan->lock) {
        rebalance_left_add(&scan->left, key);
    }
    WITH_LOCK (&scan->rebalance->lock) {
        struct rebalance_progress *progress = &scan->rebalance->progress;

        progress->refused_count++;
        snprintf(progress->text, sizeof(progress->text), "%.*s", (int)sizeof(progress->text) - 1,
                 why->text);
    }
}

void
rebalance_fit_page(struct rebalance_scan *scan, size_t count, uint64_t byte_count)
{
    if (count > 0 && scan->family == FAMILY_OBJECT) {
        WITH_LOCK (&scan->lock) {
            scan->page_count = byte_count / count > KEY_MOVE_BYTES_MAX ? REBALANCE_PAGE_COUNT_MIN
                                                                       : REBALANCE_PAGE_COUNT_MAX;
        }
    }
}

static bool
next_page(struct rebalance_scan *scan, struct arena *arena, struct bytes *keys, size_t *ret_count)
{
    bool has_page = false;

    WITH_LOCK (&scan->lock) {
        if (scan->status == ST_OK && !scan->is_at_end) {
            scan->status = meta_db_next_keys(home_db(scan->home), scan->family, &scan->at, arena,
                                             keys, scan->page_count, ret_count, &scan->error);
            scan->is_at_end = *ret_count < scan->page_count;
            has_page = scan->status == ST_OK && *ret_count > 0;
        }
    }
    return has_page;
}

static void *
scan_main(void *arg)
{
    struct rebalance_scan *scan = arg;
    struct bytes keys[REBALANCE_PAGE_COUNT_MAX];
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

/* Those that were left, once more. */
static enum status
visit_left(struct rebalance_scan *scan, struct error *err)
{
    struct rebalance_left left = scan->left;
    enum status st = ST_OK;

    scan->left = (struct rebalance_left){.count = 0};
    for (size_t i = 0; i < left.count && st == ST_OK; i += REBALANCE_PAGE_COUNT_MIN) {
        size_t rest = left.count - i;

        st = rebalance_check(scan->rebalance, scan->map, err);
        if (st == ST_OK) {
            st =
                scan->visit(scan, left.keys + i,
                            rest < REBALANCE_PAGE_COUNT_MIN ? rest : REBALANCE_PAGE_COUNT_MIN, err);
        }
    }
    rebalance_left_release(&left);
    return st;
}

static enum status
try_left(struct rebalance_scan *scan, struct error *err)
{
    uint64_t seen = UINT64_MAX;
    enum status st = ST_OK;

    WITH_LOCK (&scan->rebalance->lock) {
        seen = scan->rebalance->notice_count;
    }
    for (size_t i = 0;
         i < LEFT_ROUND_COUNT && st == ST_OK && scan->left.count > 0 && !scan->left.has_more; i++) {
        (void)rebalance_wait(scan->rebalance, LEFT_PAUSE_MS << i, &seen);
        st = visit_left(scan, err);
    }
    if (st == ST_OK && !rebalance_left_is_empty(&scan->left)) {
        st = fail(err, ST_BUSY, "some keys could not be moved yet");
    }
    rebalance_left_release(&scan->left);
    return st;
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
    scan->page_count =
        scan->family == FAMILY_FORMER ? REBALANCE_PAGE_COUNT_MAX : REBALANCE_PAGE_COUNT_MIN;
    for (size_t i = 0; i < REBALANCE_THREAD_COUNT; i++) {
        CHECK(pthread_create(&threads[i], NULL, scan_main, scan) == 0);
    }
    for (size_t i = 0; i < REBALANCE_THREAD_COUNT; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    if (scan->status == ST_OK) {
        scan->status = try_left(scan, &scan->error);
    }
    rebalance_left_release(&scan->left);
    CHECK(pthread_mutex_destroy(&scan->lock) == 0);
    home_unhold(scan->home);
    if (scan->status != ST_OK && err != NULL) {
        *err = scan->error;
    }
    return scan->status;
}
