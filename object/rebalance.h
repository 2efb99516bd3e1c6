/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings keys to their owners after a change of the map, and cleans up behind it (rules 6.4 to 6.6
 * of docs/cluster-protocol.md).  A thread of the target; it begins when a map is activated, begins
 * anew under a newer placement, and needs no memory per object: what was moved is marked on disk,
 * so a run that was cut off at any point goes on by scanning again.
 *
 *   MOVE             records, tombstones and upload notes of keys of others -> their owners;
 *                    open uploads -> where they belong (object/upload_location.h)
 *   DROP_MARKS       what the move left behind here
 *   DROP_TOMBSTONES  what deletes left behind meanwhile
 */
#ifndef OBJECT_REBALANCE_H
#define OBJECT_REBALANCE_H

#include "base/affinity.h"
#include "cluster/cluster_map.h"
#include "object/object_store.h"

struct rebalance;

struct rebalance *rebalance_create(struct object_store *store); /* for object_store_own_keys */
/* The thread starts when peers can be asked, and is stopped before they cannot any more. */
void rebalance_start(struct rebalance *rebalance);
void rebalance_stop(struct rebalance *rebalance);
void rebalance_destroy(struct rebalance **take_rebalance);
/* Another map was activated, or someone wants it now. */
void rebalance_notice(struct rebalance *rebalance);
/* Is this target done with the map's stage of the map's placement? */
MUST_USE enum status rebalance_is_done(struct rebalance *rebalance, const struct cluster_map *map,
                                       bool *ret_is_done, struct error *err);
/* A key came from another target under that placement, with so many bytes. */
void rebalance_count_received(struct rebalance *rebalance, uint64_t placement, uint64_t bytes);

struct rebalance_progress {
    uint64_t placement; /* map version; 0: there was none yet */
    bool is_running;
    enum placement_stage stage; /* under way, or reached */
    uint64_t scanned_count;
    uint64_t sent_count; /* records and tombstones that the owners have */
    uint64_t sent_bytes; /* of objects, as transmitted */
    uint64_t received_count;
    uint64_t received_bytes;
    uint64_t note_count;
    uint64_t upload_count;            /* open ones that were handed over */
    uint64_t refused_count;           /* tries that have to be repeated */
    int64_t started_ns;               /* wall clock */
    int64_t finished_ns;              /* 0: not yet */
    int64_t stage_ns[STAGE_DONE + 1]; /* how long each took */
    char text[256];                   /* what holds it up; empty: nothing */
};
void rebalance_progress_get(struct rebalance *rebalance, struct rebalance_progress *ret_progress);

/* Told of each beginning and end of a stage here, and of each map, on the rebalance's thread; no
 * placement passes untold.  Short; holds no lock.  One observer; NULL: nobody, from the next event
 * on.  Set while the thread does not run, or it hears of the present map at once. */
typedef void rebalance_observe_fn(void *arg, const struct cluster_map *map,
                                  const struct rebalance_progress *progress);
void rebalance_observe(struct rebalance *rebalance, rebalance_observe_fn *observe, void *arg);
struct rebalance *object_store_rebalance(const struct object_store *store); /* NULL: alone */

#endif
