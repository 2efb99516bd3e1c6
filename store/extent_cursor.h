/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the extent that holds a byte of an object, through pages where the layout has them.  Moving
 * forward is cheap; a seek in pages is one scan for the page at or before it.
 */
#ifndef STORE_EXTENT_CURSOR_H
#define STORE_EXTENT_CURSOR_H

#include "base/arena.h"
#include "store/home.h"
#include "stream/source.h"

/* An object's page, and below it that of a part. */
#define EXTENT_CURSOR_DEPTH 2

struct extent_cursor_level {
    struct arena arena; /* of the decoded page */
    struct write_id id;
    const struct extent *extents;
    size_t count;
    uint64_t start; /* of the first extent, from the beginning of the pages of id */
    uint64_t end;
    bool is_loaded;
};

struct extent_cursor {
    struct home *home;
    const struct layout *layout; /* borrowed, outlives the cursor */
    uint64_t size;
    struct extent_cursor_level levels[EXTENT_CURSOR_DEPTH];
    struct extent current;
    uint64_t current_start; /* in the object */
    bool has_current;
};

void extent_cursor_init(struct extent_cursor *cursor, struct home *home,
                        const struct layout *layout, uint64_t size);
void extent_cursor_release(struct extent_cursor *cursor);
/* The extent (never indirect) that holds the byte at position, and where in the object it starts.
 * *ret_is_new: not the one of the call before.  ST_WOULD_WAIT in READ_NO_WAIT; ST_CORRUPT. */
MUST_USE enum status extent_cursor_seek(struct extent_cursor *cursor, uint64_t position,
                                        enum read_mode mode, const struct extent **ret_extent,
                                        uint64_t *ret_start, bool *ret_is_new, struct error *err);

#endif
