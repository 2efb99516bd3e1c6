/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for what brings a large object, or parts of an upload, here from another node on a worker:
 * that worker waits for all of the bytes.  Without a bound a rebalance takes every worker of a node
 * that has few of them.  Any thread.
 */
#ifndef OBJECT_FETCH_PLACE_H
#define OBJECT_FETCH_PLACE_H

#include "object/object_store.h"

/* Of the workers, one in so many may fetch at once, at least one. */
#define FETCH_PLACE_WORKER_PART 2

/* What a node with so many workers allows. */
static inline size_t
fetch_place_max_of(size_t worker_count)
{
    size_t max = worker_count / FETCH_PLACE_WORKER_PART;

    return max > 0 ? max : 1;
}

/* Does not wait.  ST_BUSY: as many as may do already; whoever asked comes again.  With ST_OK
 * fetch_place_give_back must follow. */
MUST_USE enum status fetch_place_take(struct object_store *store, struct error *err);
void fetch_place_give_back(struct object_store *store);

#endif
