/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker_pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/affinity.h"
#include "base/clock.h"
#include "base/load.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

/* Jobs of one kind, and those who wait for them. */
struct lane {
    pthread_cond_t has_work;
    struct list jobs;  /* guarded by lock */
    size_t idle_count; /* guarded by lock */
};

struct worker_pool {
    pthread_mutex_t lock;
    struct lane normal;  /* taken by workers */
    struct lane urgent;  /* taken by workers and by the threads for urgent jobs */
    size_t queued_count; /* guarded by lock; of normal */
    size_t urgent_count; /* guarded by lock; queued */
    bool is_stopping;    /* guarded by lock */
    size_t thread_count; /* workers */
    pthread_t *threads;  /* and those for urgent jobs */
};

/* NULL: the end. */
static struct worker_job *
take_job(struct worker_pool *pool, bool is_urgent_only)
{
    struct lane *lane = is_urgent_only ? &pool->urgent : &pool->normal;
    struct list *node = NULL;

    WITH_LOCK (&pool->lock) {
        lane->idle_count++;
        while ((node = list_take_first(&pool->urgent.jobs)) == NULL && !pool->is_stopping &&
               (is_urgent_only || list_is_empty(&pool->normal.jobs))) {
            CHECK(pthread_cond_wait(&lane->has_work, &pool->lock) == 0);
        }
        lane->idle_count--;
        pool->urgent_count -= node != NULL;
        if (node == NULL && !is_urgent_only) {
            node = list_take_first(&pool->normal.jobs);
            pool->queued_count -= node != NULL;
        }
    }
    return node != NULL ? CONTAINER_OF(struct worker_job, node, node) : NULL;
}

static void *
worker_main(void *arg)
{
    struct worker_pool *pool = arg;
    struct worker_job *job;

    affinity_set(AFFINITY_WORKER, "lode-worker");
    while ((job = take_job(pool, false)) != NULL) {
        job->run(job);
    }
    return NULL;
}

static void *
urgent_main(void *arg)
{
    struct worker_pool *pool = arg;
    struct worker_job *job;

    affinity_set(AFFINITY_WORKER, "lode-urgent");
    while ((job = take_job(pool, true)) != NULL) {
        job->run(job);
    }
    return NULL;
}

static void
init_lane(struct lane *lane)
{
    CHECK(pthread_cond_init(&lane->has_work, NULL) == 0);
    list_init(&lane->jobs);
}

struct worker_pool *
worker_pool_create(size_t thread_count)
{
    struct worker_pool *pool = xcalloc(1, sizeof(*pool));

    CHECK(thread_count > 0);
    CHECK(pthread_mutex_init(&pool->lock, NULL) == 0);
    init_lane(&pool->normal);
    init_lane(&pool->urgent);
    pool->thread_count = thread_count;
    pool->threads = xcalloc(thread_count + WORKER_POOL_URGENT_THREADS, sizeof(*pool->threads));
    for (size_t i = 0; i < thread_count + WORKER_POOL_URGENT_THREADS; i++) {
        CHECK(pthread_create(&pool->threads[i], NULL, i < thread_count ? worker_main : urgent_main,
                             pool) == 0);
    }
    return pool;
}

void
worker_pool_destroy(struct worker_pool **take_pool)
{
    struct worker_pool *pool = *take_pool;

    if (pool == NULL) {
        return;
    }
    WITH_LOCK (&pool->lock) {
        pool->is_stopping = true;
        CHECK(pthread_cond_broadcast(&pool->normal.has_work) == 0);
        CHECK(pthread_cond_broadcast(&pool->urgent.has_work) == 0);
    }
    for (size_t i = 0; i < pool->thread_count + WORKER_POOL_URGENT_THREADS; i++) {
        CHECK(pthread_join(pool->threads[i], NULL) == 0);
    }
    CHECK(list_is_empty(&pool->normal.jobs) && list_is_empty(&pool->urgent.jobs));
    pthread_cond_destroy(&pool->normal.has_work);
    pthread_cond_destroy(&pool->urgent.has_work);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
    *take_pool = NULL;
}

void
worker_pool_submit(struct worker_pool *pool, struct worker_job *job)
{
    bool must_wake = false;

    CHECK(job->run != NULL);
    job->queued_ns = clock_monotonic_ns();
    WITH_LOCK (&pool->lock) {
        CHECK(!pool->is_stopping);
        list_append(&pool->normal.jobs, &job->node);
        pool->queued_count++;
        must_wake = pool->normal.idle_count > 0;
    }
    if (must_wake) {
        CHECK(pthread_cond_signal(&pool->normal.has_work) == 0);
    }
}

/* Its own threads come first; where they are too few, a worker. */
void
worker_pool_submit_urgent(struct worker_pool *pool, struct worker_job *job)
{
    struct lane *woken = NULL;

    CHECK(job->run != NULL);
    job->queued_ns = clock_monotonic_ns();
    WITH_LOCK (&pool->lock) {
        CHECK(!pool->is_stopping);
        list_append(&pool->urgent.jobs, &job->node);
        pool->urgent_count++;
        woken = pool->urgent_count <= pool->urgent.idle_count ? &pool->urgent
                : pool->normal.idle_count > 0                 ? &pool->normal
                                                              : NULL;
    }
    if (woken != NULL) {
        CHECK(pthread_cond_signal(&woken->has_work) == 0);
    }
}

size_t
worker_pool_thread_count(const struct worker_pool *pool)
{
    return pool->thread_count;
}

size_t
worker_pool_queued_count(struct worker_pool *pool)
{
    size_t count = 0;

    WITH_LOCK (&pool->lock) {
        count = pool->queued_count;
    }
    return count;
}

void
worker_pool_read_load(struct load_readings *readings, int64_t now_ns, void *arg)
{
    struct worker_pool *pool = arg;
    int64_t oldest_ns = now_ns;
    size_t count = 0;

    WITH_LOCK (&pool->lock) {
        count = pool->queued_count;
        if (!list_is_empty(&pool->normal.jobs)) {
            oldest_ns = CONTAINER_OF(struct worker_job, node, pool->normal.jobs.next)->queued_ns;
        }
    }
    load_note(readings, LOAD_QUEUE_LENGTH, count * 100 / pool->thread_count);
    load_note(readings, LOAD_QUEUE_AGE,
              now_ns > oldest_ns ? (uint64_t)(now_ns - oldest_ns) / CLOCK_NS_PER_MS : 0);
}
