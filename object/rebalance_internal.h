/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the rebalance share.  Nobody else includes this. */
#ifndef OBJECT_REBALANCE_INTERNAL_H
#define OBJECT_REBALANCE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "meta/meta_key.h"
#include "object/object_internal.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "object/rebalance_left.h"
#include "store/home.h"

/* Keys in one piece of work: read together, sent in a few requests, marked in a few batches.  Small
 * objects share what a request and a sync cost; of large ones each thread takes few, so that all
 * of them have work until the end. */
#define REBALANCE_PAGE_COUNT_MAX 192
#define REBALANCE_PAGE_COUNT_MIN 16
/* Pieces of work at once: enough to keep the owners' committers busy, and few enough to leave
 * workers to clients. */
#define REBALANCE_THREAD_COUNT 4

/* Keys come from others before this target has begun, too. */
struct rebalance_received {
    uint64_t placement;
    uint64_t count;
    uint64_t bytes;
};

struct rebalance {
    struct object_store *store;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;                   /* guarded by lock */
    uint64_t notice_count;              /* guarded by lock */
    uint64_t done_placement;            /* guarded by lock: of done_stage */
    enum placement_stage done_stage;    /* guarded by lock: the next one is due */
    struct rebalance_progress progress; /* guarded by lock */
    struct rebalance_received received; /* guarded by lock: of the newest placement */
    rebalance_observe_fn *observe;      /* guarded by lock */
    void *observe_arg;                  /* guarded by lock */
};

/* One pass over a family of one home, by several threads. */
struct rebalance_scan {
    struct rebalance *rebalance;
    struct cluster_map *map; /* under which it runs */
    uint64_t generation;     /* of the node, under which home is the home of its keys */
    struct home *home;
    enum family family;
    /* The keys of one page: what is to be done with them. */
    enum status (*visit)(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                         struct error *err);
    pthread_mutex_t lock;
    struct meta_key at; /* guarded by lock: the next page begins here */
    size_t page_count;  /* guarded by lock: keys of the next page */
    bool is_at_end;     /* guarded by lock */
    enum status status; /* guarded by lock: the first failure */
    struct error error;
    struct rebalance_left left; /* guarded by lock: what has to be tried again */
};

/* Around what is committed at scan's home: no key has another home by now.  With ST_OK store_leave
 * follows.  ST_BUSY: mountpaths changed. */
MUST_USE enum status rebalance_enter(struct rebalance_scan *scan, struct error *err);
/* False: the process ends.  Waits unless there was a notice since *seen; pause_ms 0: without end.
 */
bool rebalance_wait(struct rebalance *rebalance, int64_t pause_ms, uint64_t *seen);
/* ST_OK: all pages were visited.  ST_BUSY: not all with success, the pass is to be repeated. */
MUST_USE enum status rebalance_scan_run(struct rebalance_scan *scan, struct error *err);
/* ST_CANCELLED: the process ends, or the placement is another one by now. */
MUST_USE enum status rebalance_check(struct rebalance *rebalance, const struct cluster_map *map,
                                     struct error *err);
/* key: as the visitor was given it. */
void rebalance_note_left(struct rebalance_scan *scan, struct bytes key, const struct error *why);

/* So many objects of a page were sent, with so many bytes: the next pages are made for such. */
void rebalance_fit_page(struct rebalance_scan *scan, size_t count, uint64_t byte_count);

/* Visitors. */
MUST_USE enum status rebalance_send_page(struct rebalance_scan *scan, const struct bytes *keys,
                                         size_t count, struct error *err);
MUST_USE enum status rebalance_send_notes(struct rebalance_scan *scan, const struct bytes *keys,
                                          size_t count, struct error *err);
MUST_USE enum status rebalance_send_uploads(struct rebalance_scan *scan, const struct bytes *keys,
                                            size_t count, struct error *err);
MUST_USE enum status rebalance_drop_uploads(struct rebalance_scan *scan, const struct bytes *keys,
                                            size_t count, struct error *err);
MUST_USE enum status rebalance_drop_moved(struct rebalance_scan *scan, const struct bytes *keys,
                                          size_t count, struct error *err);
MUST_USE enum status rebalance_drop_all(struct rebalance_scan *scan, const struct bytes *keys,
                                        size_t count, struct error *err);

#endif
