/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a pass that could not be moved: they alone are tried again, a few times, before the
 * pass ends.  More than REBALANCE_LEFT_MAX are not remembered, so that memory does not grow with
 * keys: then the pass is repeated.  The caller has the scan's lock.
 */
#ifndef OBJECT_REBALANCE_LEFT_H
#define OBJECT_REBALANCE_LEFT_H

#include "base/arena.h"

/* A few megabytes with the longest keys. */
#define REBALANCE_LEFT_MAX 2048

struct rebalance_left {
    struct arena arena;
    struct bytes *keys; /* in arena */
    size_t count;
    bool has_more; /* than are remembered */
};

void rebalance_left_add(struct rebalance_left *left, struct bytes key);
void rebalance_left_release(struct rebalance_left *left);

static inline bool
rebalance_left_is_empty(const struct rebalance_left *left)
{
    return left->count == 0 && !left->has_more;
}

#endif
