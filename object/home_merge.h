/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered scan over the same family of all homes.  It fails where any home is absent or
 * quarantined and where any iterator met an error: it never ends early as if that were the end.
 * One thread; opened and closed within one operation (an iterator pins files).
 */
#ifndef OBJECT_HOME_MERGE_H
#define OBJECT_HOME_MERGE_H

#include "base/affinity.h"
#include "meta/meta_db.h"
#include "store/home.h"

struct home_merge_cursor {
    struct home *home;
    struct meta_iterator *iterator;
    struct bytes key; /* where it stands; data NULL: at its end */
};

struct home_merge {
    struct home_merge_cursor cursors[MOUNTPATH_MAX];
    size_t count;
    bool may_repeat;                 /* a key may stand in two homes */
    struct home_merge_cursor *least; /* NULL: at the end, or failed */
    enum status status;
    struct error error;
};

/* Stands nowhere until the first seek. */
MUST_USE ON_WORKER enum status home_merge_open(struct home_merge *merge, struct store *store,
                                               const struct meta_scan *scan, struct error *err);
void home_merge_close(struct home_merge *merge);
void home_merge_seek(struct home_merge *merge, struct bytes key);
/* Forward only: cursors that stand at or behind key already do not move. */
void home_merge_skip_to(struct home_merge *merge, struct bytes key);
void home_merge_next(struct home_merge *merge);

static inline bool
home_merge_is_valid(const struct home_merge *merge)
{
    return merge->least != NULL;
}
/* Views until it moves. */
static inline struct bytes
home_merge_key(const struct home_merge *merge)
{
    return merge->least->key;
}
struct bytes home_merge_value(const struct home_merge *merge);
struct home *home_merge_home(const struct home_merge *merge); /* whose entry it is */
/* Must be asked when is_valid turned false. */
MUST_USE enum status home_merge_status(const struct home_merge *merge, struct error *err);

#endif
