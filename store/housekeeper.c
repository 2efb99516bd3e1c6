/* SPDX-License-Identifier: Apache-2.0 */
#include "store/housekeeper.h"

#include <errno.h>
#include <time.h>

#include "base/affinity.h"
#include "base/clock.h"
#include "base/load_rest.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/pack_collector.h"
#include "store/reclaimer.h"
#include "store/sweep.h"

#include "base/banned.h"

/* The sweep lists one directory of each home per tick: a round takes some four minutes. */
#define TICK_MS 1000

struct housekeeper {
    struct store *store;
    struct pack_collector *collectors[MOUNTPATH_MAX]; /* of each home, when it is first needed */
    struct sweep *sweeps[MOUNTPATH_MAX];              /* the same */
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping; /* guarded by lock */
    bool is_stepping; /* guarded by lock: someone uses collectors and sweeps */
};

static void
begin_step(struct housekeeper *housekeeper)
{
    WITH_LOCK (&housekeeper->lock) {
        while (housekeeper->is_stepping) {
            CHECK(pthread_cond_wait(&housekeeper->changed, &housekeeper->lock) == 0);
        }
        housekeeper->is_stepping = true;
    }
}

static void
end_step(struct housekeeper *housekeeper)
{
    WITH_LOCK (&housekeeper->lock) {
        housekeeper->is_stepping = false;
        CHECK(pthread_cond_broadcast(&housekeeper->changed) == 0);
    }
}

static bool
is_stopping(struct housekeeper *housekeeper)
{
    bool result = false;

    WITH_LOCK (&housekeeper->lock) {
        result = housekeeper->is_stopping;
    }
    return result;
}

void
housekeeper_pause(struct housekeeper *housekeeper)
{
    begin_step(housekeeper);
}

void
housekeeper_resume(struct housekeeper *housekeeper)
{
    end_step(housekeeper);
}

static struct pack_collector *
collector_of(struct housekeeper *housekeeper, size_t index)
{
    if (housekeeper->collectors[index] == NULL) {
        housekeeper->collectors[index] =
            pack_collector_create(store_home_at(housekeeper->store, index));
    }
    return housekeeper->collectors[index];
}

static struct sweep *
sweep_of(struct housekeeper *housekeeper, size_t index)
{
    if (housekeeper->sweeps[index] == NULL) {
        housekeeper->sweeps[index] = sweep_create(store_home_at(housekeeper->store, index));
    }
    return housekeeper->sweeps[index];
}

enum status
housekeeper_collect(struct housekeeper *housekeeper, bool *ret_work_done, struct error *err)
{
    size_t count = store_home_count(housekeeper->store);
    enum status st = ST_OK;

    *ret_work_done = false;
    begin_step(housekeeper);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        bool work_done = false;

        if (home_state(store_home_at(housekeeper->store, i)) == HOME_PRESENT) {
            st = pack_collector_step(collector_of(housekeeper, i), &work_done, err);
        }
        *ret_work_done = *ret_work_done || work_done;
    }
    end_step(housekeeper);
    return st;
}

enum status
housekeeper_sweep(struct housekeeper *housekeeper, uint64_t *ret_removed_count, struct error *err)
{
    size_t count = store_home_count(housekeeper->store);
    uint64_t removed_count = 0;
    enum status st = ST_OK;

    begin_step(housekeeper);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        bool is_round = false;

        while (st == ST_OK && !is_round) {
            uint64_t removed = 0;

            st = sweep_step(sweep_of(housekeeper, i), &removed, &is_round, err);
            removed_count += removed;
        }
    }
    end_step(housekeeper);
    *ret_removed_count = removed_count;
    return st;
}

static void
sweep_a_little(struct housekeeper *housekeeper)
{
    size_t count = store_home_count(housekeeper->store);

    begin_step(housekeeper);
    for (size_t i = 0; i < count; i++) {
        struct error err = ERROR_INIT;
        uint64_t removed;
        bool is_round;

        if (sweep_step(sweep_of(housekeeper, i), &removed, &is_round, &err) != ST_OK) {
            log_warn(NULL, "sweep_failed", "%s", err.text);
        }
    }
    end_step(housekeeper);
}

/* False: the end. */
static bool
sleep_or_stop(struct housekeeper *housekeeper)
{
    struct timespec until;
    bool must_stop = false;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_MS / 1000;
    WITH_LOCK (&housekeeper->lock) {
        int result = 0;

        while (!housekeeper->is_stopping && result == 0) {
            result = pthread_cond_timedwait(&housekeeper->changed, &housekeeper->lock, &until);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        must_stop = housekeeper->is_stopping;
    }
    return !must_stop;
}

static bool
must_end(void *arg)
{
    return is_stopping(arg);
}

/* Between two steps, which hold nothing. */
static void
rest_since(struct housekeeper *housekeeper, int64_t began_ns)
{
    load_rest_between(housekeeper->store->options.load, clock_monotonic_ns() - began_ns, must_end,
                      housekeeper);
}

static void *
housekeeper_main(void *arg)
{
    struct housekeeper *housekeeper = arg;

    affinity_set(AFFINITY_WORKER, "lode-keeper");
    while (sleep_or_stop(housekeeper)) {
        bool work_done = true;

        while (work_done && !is_stopping(housekeeper)) {
            struct error err = ERROR_INIT;
            int64_t began_ns = clock_monotonic_ns();

            if (housekeeper_collect(housekeeper, &work_done, &err) != ST_OK) {
                log_warn(NULL, "pack_collection_failed", "%s", err.text);
                work_done = false;
            }
            rest_since(housekeeper, began_ns);
        }
        sweep_a_little(housekeeper);
    }
    return NULL;
}

struct housekeeper *
housekeeper_create(struct store *store, bool is_stepped)
{
    struct housekeeper *housekeeper = xcalloc(1, sizeof(*housekeeper));
    pthread_condattr_t attributes;

    housekeeper->store = store;
    CHECK(pthread_mutex_init(&housekeeper->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&housekeeper->changed, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    housekeeper->has_thread = !is_stepped;
    if (housekeeper->has_thread) {
        CHECK(pthread_create(&housekeeper->thread, NULL, housekeeper_main, housekeeper) == 0);
    }
    return housekeeper;
}

void
housekeeper_destroy(struct housekeeper **take_housekeeper)
{
    struct housekeeper *housekeeper = *take_housekeeper;

    if (housekeeper == NULL) {
        return;
    }
    if (housekeeper->has_thread) {
        WITH_LOCK (&housekeeper->lock) {
            housekeeper->is_stopping = true;
            CHECK(pthread_cond_broadcast(&housekeeper->changed) == 0);
        }
        CHECK(pthread_join(housekeeper->thread, NULL) == 0);
    }
    for (size_t i = 0; i < MOUNTPATH_MAX; i++) {
        pack_collector_destroy(&housekeeper->collectors[i]);
        sweep_destroy(&housekeeper->sweeps[i]);
    }
    pthread_cond_destroy(&housekeeper->changed);
    pthread_mutex_destroy(&housekeeper->lock);
    free(housekeeper);
    *take_housekeeper = NULL;
}
