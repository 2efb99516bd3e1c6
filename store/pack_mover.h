/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves live entries of a pack elsewhere: writes the bytes again and commits the record that names
 * them with the new place, unless it names another by then.  Several moves are under way at once so
 * that they share syncs.
 */
#ifndef STORE_PACK_MOVER_H
#define STORE_PACK_MOVER_H

#include "meta/meta_db.h"
#include "store/pack_format.h"
#include "store/pack_set.h"

struct pack_mover;

/* What the records of a family have to do with entries of packs. */
enum pack_naming {
    PACK_NAMING_UNSAID,     /* a family that was forgotten: the mover refuses to start */
    PACK_NAMING_NOTHING,    /* they never name any */
    PACK_NAMING_ENTRIES,    /* they may: the mover looks there */
    PACK_NAMING_FOR_OTHERS, /* they do, as part of a record of another family */
};
enum pack_naming pack_mover_naming(enum family family);

struct pack_mover *pack_mover_create(struct home *home);
/* All moves must be over: see pack_mover_drain. */
void pack_mover_destroy(struct pack_mover **take_mover);
/* data and key are those of the entry at offset, already verified.  Does nothing if no record names
 * the entry.  May wait for an earlier move. */
MUST_USE ON_WORKER enum status pack_mover_move(struct pack_mover *mover,
                                               const struct pack_entry *entry, uint64_t offset,
                                               struct bytes data, struct bytes key,
                                               struct error *err);
/* Wait for all moves; the first failure is what is returned. */
MUST_USE ON_WORKER enum status pack_mover_drain(struct pack_mover *mover, struct error *err);
uint64_t pack_mover_moved_count(const struct pack_mover *mover);

#endif
