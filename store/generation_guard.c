/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who enters counts itself in one of some stripes, chosen by thread, and then looks for a change;
 * who changes announces it and then looks at the counts.  Both sides are sequentially consistent,
 * so at least one of them sees the other.
 */
#include "store/generation_guard.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

/* More than cores of the machines in mind: threads seldom meet in one cache line. */
#define STRIPE_COUNT 32

struct guard_stripe {
    _Alignas(64) _Atomic uint64_t inside_count;
};

struct generation_guard {
    struct guard_stripe stripes[STRIPE_COUNT];
    atomic_bool is_changing;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_taken; /* guarded by lock: there is a changer */
};

static _Atomic uint32_t next_stripe;
static _Thread_local uint32_t own_stripe = UINT32_MAX;
static _Thread_local uint32_t own_depth;
static _Thread_local const struct generation_guard *own_guard;

struct generation_guard *
generation_guard_create(void)
{
    struct generation_guard *guard = xmalloc_aligned(sizeof(*guard));

    memset(guard, 0, sizeof(*guard));
    CHECK(pthread_mutex_init(&guard->lock, NULL) == 0);
    CHECK(pthread_cond_init(&guard->changed, NULL) == 0);
    return guard;
}

static uint64_t
inside_count(struct generation_guard *guard)
{
    uint64_t count = 0;

    for (size_t i = 0; i < STRIPE_COUNT; i++) {
        count += atomic_load(&guard->stripes[i].inside_count);
    }
    return count;
}

void
generation_guard_destroy(struct generation_guard **take_guard)
{
    struct generation_guard *guard = *take_guard;

    if (guard != NULL) {
        CHECK(inside_count(guard) == 0);
        pthread_cond_destroy(&guard->changed);
        pthread_mutex_destroy(&guard->lock);
        free(guard);
        *take_guard = NULL;
    }
}

static _Atomic uint64_t *
own_count(struct generation_guard *guard)
{
    if (own_stripe == UINT32_MAX) {
        own_stripe = atomic_fetch_add(&next_stripe, 1) % STRIPE_COUNT;
    }
    return &guard->stripes[own_stripe].inside_count;
}

static void
wake_changer(struct generation_guard *guard)
{
    WITH_LOCK (&guard->lock) {
        CHECK(pthread_cond_broadcast(&guard->changed) == 0);
    }
}

bool
generation_guard_try_enter(struct generation_guard *guard)
{
    _Atomic uint64_t *count = own_count(guard);

    if (own_depth > 0) {
        CHECK(own_guard == guard);
        own_depth++;
        return true;
    }
    atomic_fetch_add(count, 1);
    if (atomic_load(&guard->is_changing)) {
        atomic_fetch_sub(count, 1);
        wake_changer(guard);
        return false;
    }
    own_depth = 1;
    own_guard = guard;
    return true;
}

void
generation_guard_enter(struct generation_guard *guard)
{
    while (!generation_guard_try_enter(guard)) {
        WITH_LOCK (&guard->lock) {
            while (atomic_load(&guard->is_changing)) {
                CHECK(pthread_cond_wait(&guard->changed, &guard->lock) == 0);
            }
        }
    }
}

void
generation_guard_leave(struct generation_guard *guard)
{
    CHECK(own_depth > 0 && own_guard == guard);
    if (--own_depth > 0) {
        return;
    }
    atomic_fetch_sub(own_count(guard), 1);
    if (atomic_load(&guard->is_changing)) {
        wake_changer(guard);
    }
}

void
generation_guard_begin_change(struct generation_guard *guard)
{
    CHECK(own_depth == 0);
    WITH_LOCK (&guard->lock) {
        while (guard->is_taken) {
            CHECK(pthread_cond_wait(&guard->changed, &guard->lock) == 0);
        }
        guard->is_taken = true;
        atomic_store(&guard->is_changing, true);
        while (inside_count(guard) > 0) {
            CHECK(pthread_cond_wait(&guard->changed, &guard->lock) == 0);
        }
    }
}

void
generation_guard_end_change(struct generation_guard *guard)
{
    WITH_LOCK (&guard->lock) {
        guard->is_taken = false;
        atomic_store(&guard->is_changing, false);
        CHECK(pthread_cond_broadcast(&guard->changed) == 0);
    }
}
