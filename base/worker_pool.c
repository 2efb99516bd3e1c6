/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker_pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/affinity.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

struct worker_pool {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct list jobs;    /* guarded by lock */
    size_t queued_count; /* guarded by lock */
    size_t idle_count;   /* guarded by lock */
    bool is_stopping;    /* guarded by lock */
    size_t thread_count;
    pthread_t *threads;
};

static struct worker_job *
take_job(struct worker_pool *pool)
{
    struct list *node = NULL;

    WITH_LOCK (&pool->lock) {
        pool->idle_count++;
        while (list_is_empty(&pool->jobs) && !pool->is_stopping) {
            CHECK(pthread_cond_wait(&pool->has_work, &pool->lock) == 0);
        }
        pool->idle_count--;
        node = list_take_first(&pool->jobs);
        if (node != NULL) {
            pool->queued_count--;
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
    while ((job = take_job(pool)) != NULL) {
        job->run(job);
    }
    return NULL;
}

struct worker_pool *
worker_pool_create(size_t thread_count)
{
    struct worker_pool *pool = xcalloc(1, sizeof(*pool));

    CHECK(thread_count > 0);
    CHECK(pthread_mutex_init(&pool->lock, NULL) == 0);
    CHECK(pthread_cond_init(&pool->has_work, NULL) == 0);
    list_init(&pool->jobs);
    pool->thread_count = thread_count;
    pool->threads = xcalloc(thread_count, sizeof(*pool->threads));
    for (size_t i = 0; i < thread_count; i++) {
        CHECK(pthread_create(&pool->threads[i], NULL, worker_main, pool) == 0);
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
        CHECK(pthread_cond_broadcast(&pool->has_work) == 0);
    }
    for (size_t i = 0; i < pool->thread_count; i++) {
        CHECK(pthread_join(pool->threads[i], NULL) == 0);
    }
    CHECK(list_is_empty(&pool->jobs));
    pthread_cond_destroy(&pool->has_work);
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
    WITH_LOCK (&pool->lock) {
        CHECK(!pool->is_stopping);
        list_append(&pool->jobs, &job->node);
        pool->queued_count++;
        must_wake = pool->idle_count > 0;
    }
    if (must_wake) {
        CHECK(pthread_cond_signal(&pool->has_work) == 0);
    }
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
