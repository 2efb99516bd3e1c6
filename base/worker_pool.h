/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of threads that may wait for disks.  A job is embedded in the caller's struct and must
 * stay alive until its function has begun; the function may free it.  Jobs run in order of arrival,
 * several at once.  The queue needs no bound of its own: every job belongs to a request or buffer
 * that was admitted under the memory budget.
 */
#ifndef BASE_WORKER_POOL_H
#define BASE_WORKER_POOL_H

#include <stddef.h>

#include "base/list.h"

struct worker_job {
    struct list node;
    void (*run)(struct worker_job *job); /* on a worker thread */
};

struct worker_pool;

struct worker_pool *worker_pool_create(size_t thread_count);
/* Runs what is queued, then ends the threads. */
void worker_pool_destroy(struct worker_pool **take_pool);
/* Any thread, does not block. */
void worker_pool_submit(struct worker_pool *pool, struct worker_job *job);
size_t worker_pool_queued_count(struct worker_pool *pool); /* for metrics */

#endif
