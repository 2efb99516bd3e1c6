/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mountpaths that come and go while the store is open.  Each change is durable in DATA, as a new
 * generation, before any operation runs under it; a resilver (object/resilver.h) then moves what
 * changed home.  ON_WORKER, one at a time; the others wait.
 */
#ifndef STORE_MOUNTPATH_CHANGE_H
#define STORE_MOUNTPATH_CHANGE_H

#include "base/affinity.h"
#include "base/arena.h"
#include "store/home.h"

/* ST_INVALID: foreign, of a newer format, not empty, given up, registered elsewhere, with a
 * sentence that says what to do.  ST_EXISTS: it is attached.  ST_BUSY, ST_IO. */
MUST_USE ON_WORKER enum status store_attach(struct store *store, const char *directory,
                                            struct error *err);
/* role: DISABLED, LEAVING (detach), ACTIVE (enable) or FORGOTTEN.  ST_NOT_FOUND: nothing is
 * registered at directory.  ST_INVALID: no active one would be left. */
MUST_USE ON_WORKER enum status store_change_role(struct store *store, const char *directory,
                                                 enum mountpath_role role, struct error *err);
/* The resilver has found every key at its home and every chunk file on an active mountpath.
 * ST_CONFLICT: the generation is another one by now. */
MUST_USE ON_WORKER enum status store_finish_placement(struct store *store, uint64_t generation,
                                                      struct error *err);

struct mountpath_info {
    const char *directory;
    char uuid[33];
    enum mountpath_role role;
    enum home_state state;
    const char *why; /* not present; or empty */
    bool is_holder;  /* records may still be there */
    bool is_open;    /* this process has files of it open */
    uint64_t total_bytes;
    uint64_t free_bytes;
};
/* Registered ones first, then those that are gone; in arena. */
void store_mountpaths(struct store *store, struct arena *arena, struct mountpath_info **ret_infos,
                      size_t *ret_count);

/* Closes homes that were detached and that nobody uses any more.  For upkeep. */
void store_close_detached(struct store *store);

#endif
