/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker_pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/load.h"
#include "base/lock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static atomic_int run_count;

static void
count_run(struct worker_job *job)
{
    atomic_fetch_add(&run_count, 1);
}

TEST(destroy_waits_for_every_submitted_job)
{
    static struct worker_job jobs[1000];
    struct worker_pool *pool = worker_pool_create(4);

    for (size_t i = 0; i < 1000; i++) {
        jobs[i].run = count_run;
        worker_pool_submit(pool, &jobs[i]);
    }
    worker_pool_destroy(&pool);

    EXPECT_INT(1000, atomic_load(&run_count));
    EXPECT(pool == NULL);
}

/* ---- jobs that hold their thread until they are let go ---- */

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool is_gate_open;   /* guarded by gate_lock */
static size_t held_count;   /* guarded by gate_lock */
static size_t urgent_count; /* guarded by gate_lock */

static void
hold(struct worker_job *job)
{
    (void)job;
    WITH_LOCK (&gate_lock) {
        held_count++;
        pthread_cond_broadcast(&gate_changed);
        while (!is_gate_open) {
            pthread_cond_wait(&gate_changed, &gate_lock);
        }
    }
}

static void
count_urgent(struct worker_job *job)
{
    (void)job;
    WITH_LOCK (&gate_lock) {
        urgent_count++;
        pthread_cond_broadcast(&gate_changed);
    }
}

static void
await(const size_t *count, size_t wanted)
{
    WITH_LOCK (&gate_lock) {
        while (*count < wanted) {
            pthread_cond_wait(&gate_changed, &gate_lock);
        }
    }
}

static void
open_gate(void)
{
    WITH_LOCK (&gate_lock) {
        is_gate_open = true;
        pthread_cond_broadcast(&gate_changed);
    }
}

/* An operator is answered where all workers wait. */
TEST(urgent_jobs_run_while_every_worker_is_held)
{
    static struct worker_job held[4];
    static struct worker_job urgent[8];
    struct worker_pool *pool = worker_pool_create(2);
    struct load_readings readings = {.is_known = {false}};

    is_gate_open = false;
    held_count = urgent_count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        held[i].run = hold;
        worker_pool_submit(pool, &held[i]);
    }
    await(&held_count, 2);
    for (size_t i = 0; i < ARRAY_COUNT(urgent); i++) {
        urgent[i].run = count_urgent;
        worker_pool_submit_urgent(pool, &urgent[i]);
    }
    await(&urgent_count, ARRAY_COUNT(urgent));

    /* Two wait for two workers, and have for as long as the first of them. */
    worker_pool_read_load(&readings, held[2].queued_ns + 3 * CLOCK_NS_PER_S, pool);
    EXPECT_INT(100, readings.values[LOAD_QUEUE_LENGTH]);
    EXPECT_INT(3000, readings.values[LOAD_QUEUE_AGE]);
    open_gate();
    worker_pool_destroy(&pool);
}

/* More urgent jobs than threads for them: workers take them, before all else. */
TEST(workers_take_urgent_jobs_where_their_own_threads_are_held)
{
    static struct worker_job held[WORKER_POOL_URGENT_THREADS];
    static struct worker_job urgent;
    struct worker_pool *pool = worker_pool_create(1);

    is_gate_open = false;
    held_count = urgent_count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        held[i].run = hold;
        worker_pool_submit_urgent(pool, &held[i]);
    }
    await(&held_count, ARRAY_COUNT(held));
    urgent.run = count_urgent;
    worker_pool_submit_urgent(pool, &urgent);
    await(&urgent_count, 1);

    open_gate();
    worker_pool_destroy(&pool);
    EXPECT_INT(1, urgent_count);
}
