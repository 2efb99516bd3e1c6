/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many objects a walk has before it, for those who look at its progress: counted by a thread of
 * its own while the work goes on.  An estimate where others write meanwhile.
 */
#ifndef JOBS_WALK_TOTAL_H
#define JOBS_WALK_TOTAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "object/bucket.h"

struct walk_total {
    const struct bucket *bucket;
    struct bytes prefix;
    pthread_t thread;
    bool is_running;
    atomic_bool is_stopped;
    atomic_uint_fast64_t count; /* 0: not known yet, or there are none */
};

/* bucket and prefix are borrowed until the end. */
void walk_total_start(struct walk_total *total, const struct bucket *bucket, struct bytes prefix);
/* Blocks for a page at most.  Also if it was not started. */
void walk_total_stop(struct walk_total *total);

#endif
