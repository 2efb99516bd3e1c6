/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mountpaths that are on their way out, and how far the resilver came with them.
 */
#ifndef STORE_MOUNTPATH_DRAIN_H
#define STORE_MOUNTPATH_DRAIN_H

#include "base/affinity.h"
#include "base/arena.h"
#include "store/home.h"

#define STORE_CURSOR_UUID_BYTES 16

/* Where the resilver of a generation is; keys before it are at their homes. */
struct store_cursor {
    uint64_t generation;
    unsigned char uuid[STORE_CURSOR_UUID_BYTES]; /* of the home that is scanned */
    unsigned int family;
    struct bytes key;
};
/* ST_NOT_FOUND; the key lives in arena. */
MUST_USE enum status store_load_cursor(struct store *store, struct arena *arena,
                                       struct store_cursor *ret_cursor, struct error *err);
/* Not synced: a lost cursor is only an older one. */
MUST_USE enum status store_save_cursor(struct store *store, const struct store_cursor *cursor,
                                       struct error *err);

/* An extent's mountpath: takes new bytes, is to be emptied, or was given up. */
enum extent_place { EXTENT_STAYS, EXTENT_LEAVES, EXTENT_LOST };
enum extent_place mountpath_extent_place(struct store *store, const struct extent *extent);

/* The worst of all mountpaths that take nothing new. */
enum mountpath_drain {
    MOUNTPATH_DRAINED, /* no chunk file is named there */
    MOUNTPATH_READ,    /* files wait for their writers or last readers */
    MOUNTPATH_NAMED    /* records name files there */
};
/* ST_UNAVAILABLE: it is not there, or a home is not that has files on it. */
MUST_USE ON_WORKER enum status mountpaths_look(struct store *store, enum mountpath_drain *ret_drain,
                                               struct error *err);
/* Was one given up since the last finished placement? */
bool mountpaths_have_losses(struct store *store);

#endif
