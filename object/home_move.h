/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves what a key has in its former homes to its home: the object, its mark and its uploads. While
 * the placement is unfinished every write of a key begins with it, and the resilver does it for all
 * keys.  docs/decisions/010: nothing is written at a home before the former ones are durably empty
 * of the key, so there is never an older word that could come back.
 */
#ifndef OBJECT_HOME_MOVE_H
#define OBJECT_HOME_MOVE_H

#include "object/object_store.h"

struct home_move_counts {
    uint64_t object_count;
    uint64_t upload_count;
    uint64_t byte_count;   /* of the objects and parts that moved */
    uint64_t copied_bytes; /* of them written again */
};

/* The caller has entered (store_enter) and stays until its commit is decided.  *ret_home is the
 * key's home, and all that the key has is there.  counts may be NULL.  ST_UNAVAILABLE: a former
 * home, or bytes, are not there. */
MUST_USE ON_WORKER enum status home_move_settle(struct object_store *store, uint64_t bucket_id,
                                                struct bytes key, struct home **ret_home,
                                                struct home_move_counts *counts, struct error *err);

/* For an unconditional delete whose home has no room for the move: former homes drop the object,
 * without a move; *ret_home is where it is deleted then.  Not while keys move between targets: a
 * stop before the delete would leave nothing of the key where others count on a word.  Entered. */
MUST_USE ON_WORKER enum status home_move_discard(struct object_store *store, uint64_t bucket_id,
                                                 struct bytes key, struct home **ret_home,
                                                 struct error *err);

#endif
