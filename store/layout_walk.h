/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visits the extents of a layout in order, through its pages and those of indirect extents.
 */
#ifndef STORE_LAYOUT_WALK_H
#define STORE_LAYOUT_WALK_H

#include "base/arena.h"
#include "meta/extent.h"
#include "meta/meta_key.h"

struct layout_walk {
    /* The page under key; ST_NOT_FOUND is turned into ST_CORRUPT. */
    enum status (*get)(struct layout_walk *walk, struct bytes key, struct bytes *ret_value,
                       struct error *err);
    /* Each extent, never an indirect one. */
    enum status (*visit)(struct layout_walk *walk, const struct extent *extent, struct error *err);
    struct arena *arena;
    void *arg;
};

MUST_USE enum status layout_walk(struct layout_walk *walk, const struct layout *layout,
                                 struct error *err);

#endif
