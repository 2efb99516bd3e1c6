/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of extents for layouts that object/ puts together itself: completed uploads and copies.
 */
#ifndef OBJECT_EXTENT_PAGES_H
#define OBJECT_EXTENT_PAGES_H

#include "store/commit.h"

/* A layout with a new write id that names these extents, in the record or in pages; no extents:
 * empty inline bytes, so that the write id is kept.  extents are borrowed. */
void extent_pages_layout(const struct extent *extents, size_t count, struct layout *ret_layout);
/* Inside decide: its pages, if it has any. */
void extent_pages_put(struct commit *commit, const struct layout *layout,
                      const struct extent *extents, size_t count);

#endif
