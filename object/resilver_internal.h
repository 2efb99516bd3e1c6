/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two phases of the resilver share (object/resilver.h).  One run, one thread; the keys of
 * a page are worked on by several.
 */
#ifndef OBJECT_RESILVER_INTERNAL_H
#define OBJECT_RESILVER_INTERNAL_H

#include <pthread.h>

#include "meta/meta_db.h"
#include "meta/meta_key.h"
#include "object/resilver.h"

struct resilver {
    struct object_store *store;
    const struct resilver_options *options;
    struct resilver_progress progress; /* guarded by lock while a page is worked on */
    pthread_mutex_t lock;
    uint64_t saved_count; /* scanned when the cursor was saved */
};

/* One key of a page, on any thread. */
typedef enum status resilver_key_fn(struct resilver *resilver, struct home *home,
                                    enum family family, struct bytes key, struct error *err);

/* Calls visit for every record of the family in home from key `from` on (empty: all).
 * phase: of the cursor. */
MUST_USE ON_WORKER enum status resilver_scan(struct resilver *resilver, struct home *home,
                                             enum family family, struct bytes from,
                                             resilver_key_fn *visit, const char *doing,
                                             bool saves_cursor, struct error *err);
/* Still the same generation?  The caller has entered.  ST_CONFLICT. */
MUST_USE enum status resilver_check_generation(struct resilver *resilver, struct error *err);
MUST_USE enum status resilver_check_cancelled(struct resilver *resilver, struct error *err);

/* One line in DATA/losses.jsonl, durable before the record goes.  part_number 0: the object. */
MUST_USE ON_WORKER enum status resilver_note_loss(struct resilver *resilver, uint64_t bucket_id,
                                                  struct bytes name, uint32_t part_number,
                                                  struct error *err);

/* resilver_key_fn: the bytes of one record that stand on mountpaths that take nothing new. */
MUST_USE ON_WORKER enum status resilver_evacuate(struct resilver *resilver, struct home *home,
                                                 enum family family, struct bytes key,
                                                 struct error *err);

#endif
