/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes what an upload leaves behind: all parts of an aborted one, the parts that a completion
 * did not name, at last the record.  In bounded commits, each of which may be repeated; a stop in
 * between is made good by the next upload_remove_leftovers.
 */
#ifndef OBJECT_UPLOAD_REMOVE_H
#define OBJECT_UPLOAD_REMOVE_H

#include <stdatomic.h>

#include "meta/upload_record.h"
#include "object/object_store.h"
#include "store/commit.h"

/* A completed upload's record answers a repeated Complete for so long. */
#define UPLOAD_COMPLETED_KEEP_S INT64_C(86400)

struct upload_ref {
    struct home *home;
    uint64_t bucket_id;
    struct bytes key;
    struct upload_id id;
};

typedef enum status upload_admit_fn(const void *arg, struct error *err);

/* While keys move between targets the record of an aborted upload stays, so that what another
 * target still has of it is not taken for an open one. */
bool upload_record_stays(const struct object_store *store);
/* ST_NO_SUCH_UPLOAD unless it was open, ST_MOVED if it is on its way to another target.  From then
 * on no part and no completion is taken. */
MUST_USE ON_WORKER enum status upload_mark_aborted(const struct upload_ref *upload,
                                                   enum durability durability,
                                                   const atomic_bool *is_refused,
                                                   struct error *err);
/* The upload must not be open.  ST_OK too if nothing is left of it.  The record of a completion
 * stays. */
MUST_USE ON_WORKER enum status upload_remove(const struct upload_ref *upload,
                                             enum durability durability, bool is_record_removed,
                                             struct error *err);

/* Of one bucket in all homes, for its deletion: open uploads are aborted, everything is removed.
 * Each commit is taken only if admit allows it (store/commit.h), which else ends it. */
MUST_USE ON_WORKER enum status upload_remove_all(struct object_store *store, uint64_t bucket_id,
                                                 upload_admit_fn *admit, const void *admit_arg,
                                                 struct error *err);
/* Of all buckets: what aborted and completed uploads left, and the records of those that were
 * completed more than keep_s ago.  Absent homes are passed over.  is_cancelled may be NULL. */
MUST_USE ON_WORKER enum status upload_remove_leftovers(struct object_store *store, int64_t keep_s,
                                                       const atomic_bool *is_cancelled,
                                                       uint64_t *ret_removed_count,
                                                       struct error *err);

#endif
