/* SPDX-License-Identifier: Apache-2.0 */
/* Goes over the entries of a pack file, resynchronising behind dead space and damage. */
#ifndef STORE_PACK_WALK_H
#define STORE_PACK_WALK_H

#include "store/pack_format.h"
#include "store/pack_set.h"

struct pack_walk {
    struct pack *pack;
    uint64_t offset; /* where to look next */
    char *window;    /* PACK_WALK_WINDOW_BYTES of the file */
    uint64_t window_offset;
    size_t window_size;
};

struct pack_walk_entry {
    struct pack_entry entry;
    uint64_t offset;
    struct bytes data; /* views into the window until the next call */
    struct bytes key;
    bool is_sound; /* all checksums hold */
};

/* Borrows the pack. */
void pack_walk_init(struct pack_walk *walk, struct pack *pack);
void pack_walk_release(struct pack_walk *walk);
/* ST_NOT_FOUND at the end. */
MUST_USE enum status pack_walk_next(struct pack_walk *walk, struct pack_walk_entry *ret_entry,
                                    struct error *err);

#endif
