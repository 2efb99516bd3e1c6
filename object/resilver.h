/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a change of mountpaths: brings every key to its home, and every chunk file to an active
 * mountpath, while operations go on.  Then the placement is finished: former homes are not asked
 * any more, and a mountpath that was leaving is detached.
 *
 *   keys     of each home that may hold records, those that have another home (object/home_move.h)
 *   chunks   of mountpaths that take nothing new, named by records anywhere
 *
 * Goes on from its cursor after a stop at any point; begins anew under a newer generation.
 */
#ifndef OBJECT_RESILVER_H
#define OBJECT_RESILVER_H

#include <stdatomic.h>

#include "object/home_move.h"
#include "object/object_store.h"

struct resilver_progress {
    uint64_t generation;
    uint64_t scanned_count; /* records looked at */
    struct home_move_counts moved;
    uint64_t chunk_count; /* brought to other mountpaths */
    uint64_t chunk_bytes;
    uint64_t lost_count; /* objects and parts whose bytes stood on a mountpath that was given up */
};

struct resilver_options {
    const atomic_bool *is_cancelled; /* or NULL */
    /* Now and then, on the caller's thread; or NULL. */
    void (*progress)(const struct resilver_progress *progress, const char *doing, void *arg);
    void *arg;
};

/* ST_OK: the placement is finished (also if it was before).  ST_CANCELLED.  ST_UNAVAILABLE: a home
 * or bytes are not there, in the words of err: it must come back or be forgotten.  ST_NO_SPACE. */
MUST_USE ON_WORKER enum status resilver_run(struct object_store *store,
                                            const struct resilver_options *options,
                                            struct resilver_progress *ret_progress,
                                            struct error *err);

#endif
