/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packs of one home: which are open, where the next bytes go, which may be reused.
 *
 *   active   takes reservations
 *   sealed   full, or of a former run; collected once no reservation in it is open
 *   free     emptied by the collector, renamed and durable: the next active pack
 *
 * A struct pack lives as long as someone holds it (acquire, reserve) or it is active or unsynced;
 * others stay open until too many are.  Any thread; the lock is never held across I/O.
 */
#ifndef STORE_PACK_SET_H
#define STORE_PACK_SET_H

#include <stdatomic.h>

#include "base/list.h"
#include "store/home.h"
#include "stream/source.h"

struct pack_set;

struct pack {
    struct pack_set *set;
    uint64_t id;
    int fd;
    uint64_t capacity_bytes;
    bool is_registered;         /* the committer's own: FAMILY_PACK knows its capacity */
    atomic_bool is_dirty;       /* named by commits whose bytes were not synced */
    uint64_t tail;              /* guarded by set's lock: where the next reservation begins */
    uint32_t holder_count;      /* guarded by set's lock */
    uint32_t reservation_count; /* guarded by set's lock: of them, open reservations */
    bool is_sealed;             /* guarded by set's lock */
    struct pack *next_in_slot;  /* guarded by set's lock */
    struct list idle;           /* guarded by set's lock: least recently used first */
};

struct pack_set *pack_set_create(struct home *home, uint64_t pack_bytes);
/* Nobody may hold a pack any more. */
void pack_set_destroy(struct pack_set **take_set);

/* Space for one entry in the active pack; holds the pack until pack_release_reservation.  May
 * create a pack.  ST_NO_SPACE, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status pack_reserve(struct pack_set *set, uint64_t space_bytes,
                                            struct pack **ret_pack, uint64_t *ret_offset,
                                            struct error *err);
/* After the commit that names the bytes is through, or was given up. */
void pack_release_reservation(struct pack *pack);

/* Opens the pack if needed.  READ_NO_WAIT: ST_WOULD_WAIT if its name is not cached by the kernel.
 * ST_CORRUPT if there is no such pack or its header names another. */
MUST_USE enum status pack_acquire(struct pack_set *set, uint64_t id, enum read_mode mode,
                                  struct pack **ret_pack, struct error *err);
void pack_release(struct pack *pack);
/* Only if it is in memory; NULL otherwise. */
struct pack *pack_find(struct pack_set *set, uint64_t id);

/* Sealed, no reservation open, not protected? */
bool pack_is_collectable(struct pack_set *set, uint64_t id);
/* Between these, the sweep and the collector leave the file alone: it is being made, or its end is
 * under way. */
void pack_protect(struct pack_set *set, uint64_t id);
void pack_unprotect(struct pack_set *set, uint64_t id);
/* An emptied pack that no record names and no reader may reach becomes the next free one, or is
 * removed.  Upkeep thread only.  ST_BUSY: somebody holds it. */
MUST_USE enum status pack_recycle(struct pack_set *set, uint64_t id, struct error *err);

/* Syncs all dirty packs; the mark goes first, so that what is named meanwhile is synced again. */
MUST_USE enum status pack_set_sync_dirty(struct pack_set *set, struct error *err);
void pack_mark_dirty(struct pack *pack);
/* Create the next pack ahead of time if the active one is more than half full. */
void pack_set_prepare(struct pack_set *set);

#endif
