/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of threads that may wait for disks.  A job is embedded in the caller's struct and must
 * stay alive until its function has begun; the function may free it.  Jobs run in order of arrival,
 * several at once.  The queue needs no bound of its own: every job belongs to a request or buffer
 * that was admitted under the memory budget.
 */
#ifndef BASE_WORKER_POOL_H
#define BASE_WORKER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct worker_job {
    struct list node;
    void (*run)(struct worker_job *job); /* on a worker thread */
    int64_t queued_ns;                   /* monotonic; the pool's own */
};

/* Threads for urgent jobs alone: one may wait for another node while the next is answered. */
#define WORKER_POOL_URGENT_THREADS 2

struct worker_pool;

struct worker_pool *worker_pool_create(size_t thread_count);
/* Runs what is queued, then ends the threads. */
void worker_pool_destroy(struct worker_pool **take_pool);
/* Any thread, does not block. */
void worker_pool_submit(struct worker_pool *pool, struct worker_job *job);
void worker_pool_submit_urgent(struct worker_pool *pool, struct worker_job *job);
size_t worker_pool_thread_count(const struct worker_pool *pool);
size_t worker_pool_queued_count(struct worker_pool *pool); /* for metrics */
/* Readings of the load vector: a load_source_fn. */
struct load_readings;
void worker_pool_read_load(struct load_readings *readings, int64_t now_ns, void *pool);

#endif
