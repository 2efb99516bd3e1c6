/* SPDX-License-Identifier: Apache-2.0 */
#include "store/upkeep.h"

#include <errno.h>
#include <time.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/mountpath_change.h"
#include "store/pack_set.h"
#include "store/reclaimer.h"

#include "base/banned.h"

struct upkeep {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping; /* guarded by lock */
    bool is_woken;    /* guarded by lock */
};

/* False: the end. */
static bool
sleep_or_stop(struct upkeep *upkeep)
{
    struct timespec until;
    int64_t interval_ms = upkeep->store->options.lazy_sync_interval_ms;
    bool is_stopping = false;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += interval_ms / 1000;
    until.tv_nsec += interval_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    WITH_LOCK (&upkeep->lock) {
        int result = 0;

        while (!upkeep->is_stopping && !upkeep->is_woken && result == 0) {
            result = pthread_cond_timedwait(&upkeep->changed, &upkeep->lock, &until);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        upkeep->is_woken = false;
        is_stopping = upkeep->is_stopping;
    }
    return !is_stopping;
}

static void
keep_up(struct home *home)
{
    struct error err = ERROR_INIT;

    if (home_state(home) != HOME_PRESENT) {
        return;
    }
    pack_set_prepare(home->packs);
    /* What is not promised to anyone is only forced before something that it replaced is freed. */
    if ((atomic_exchange(&home->wants_sync, false) ||
         reclaimer_newest_batch(home->reclaimer) > atomic_load(&home->synced_batch)) &&
        home_sync(home, &err) != ST_OK) {
        home_quarantine(home, &err);
        return;
    }
    home_note(home);
    (void)reclaimer_run(home->reclaimer, INT64_MAX);
}

static void *
upkeep_main(void *arg)
{
    struct upkeep *upkeep = arg;

    affinity_set(AFFINITY_WORKER, "lode-upkeep");
    while (sleep_or_stop(upkeep)) {
        size_t count = store_home_count(upkeep->store);

        for (size_t i = 0; i < count; i++) {
            keep_up(store_home_at(upkeep->store, i));
        }
        store_close_detached(upkeep->store);
    }
    return NULL;
}

struct upkeep *
upkeep_create(struct store *store)
{
    struct upkeep *upkeep = xcalloc(1, sizeof(*upkeep));
    pthread_condattr_t attributes;

    upkeep->store = store;
    CHECK(pthread_mutex_init(&upkeep->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&upkeep->changed, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    CHECK(pthread_create(&upkeep->thread, NULL, upkeep_main, upkeep) == 0);
    return upkeep;
}

void
upkeep_destroy(struct upkeep **take_upkeep)
{
    struct upkeep *upkeep = *take_upkeep;

    if (upkeep == NULL) {
        return;
    }
    WITH_LOCK (&upkeep->lock) {
        upkeep->is_stopping = true;
        CHECK(pthread_cond_signal(&upkeep->changed) == 0);
    }
    CHECK(pthread_join(upkeep->thread, NULL) == 0);
    pthread_cond_destroy(&upkeep->changed);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep);
    *take_upkeep = NULL;
}

void
upkeep_wake(struct upkeep *upkeep)
{
    WITH_LOCK (&upkeep->lock) {
        upkeep->is_woken = true;
        CHECK(pthread_cond_signal(&upkeep->changed) == 0);
    }
}
