/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind store/pack_set.h share.
 */
#ifndef STORE_PACK_SET_INTERNAL_H
#define STORE_PACK_SET_INTERNAL_H

#include <pthread.h>

#include "base/lock.h"
#include "store/pack_set.h"
#include "store/store_limits.h"

#define PACK_SET_SLOT_COUNT 1024
#define PACK_PATH_SIZE 64

struct pack_set {
    struct home *home;
    uint64_t pack_bytes;
    pthread_mutex_t lock;
    pthread_cond_t created;
    struct pack *slots[PACK_SET_SLOT_COUNT]; /* guarded by lock */
    struct list idle;                        /* guarded by lock: packs that nobody holds */
    size_t open_count;                       /* guarded by lock */
    struct pack *active;                     /* guarded by lock; held */
    struct pack *spare;                      /* guarded by lock; held, ready to become active */
    bool is_creating;                        /* guarded by lock: one thread makes the next pack */
    uint64_t free_ids[PACK_FREE_MAX];        /* guarded by lock */
    size_t free_count;                       /* guarded by lock */
    struct buffer protected_ids;             /* guarded by lock: uint64_t each */
};

/* out: PACK_PATH_SIZE, relative to the mountpath. */
void pack_format_path(char *out, uint64_t id);
/* Close the pack and take it out of the table; false: somebody holds it.  *ret_capacity_bytes is 0
 * if it cannot be opened. */
bool pack_forget(struct pack_set *set, uint64_t id, uint64_t *ret_capacity_bytes);
/* Packs that no record names are not remembered over a restart: a clean stop removes them. */
void pack_remove_unregistered(struct pack_set *set);

#endif
