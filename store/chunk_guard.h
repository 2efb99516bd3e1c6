/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk files that are being written or whose commit is under way: no record names them yet, and
 * the sweep must not take them for garbage.  Any thread.
 */
#ifndef STORE_CHUNK_GUARD_H
#define STORE_CHUNK_GUARD_H

#include <stdbool.h>

#include "base/list.h"
#include "meta/extent.h"

struct chunk_guard;
struct home;

/* Embedded by the writer of the file. */
struct chunk_guard_entry {
    struct list node;
    struct chunk_id id;
    const struct home *mountpath; /* where the file stands */
};

struct chunk_guard *chunk_guard_create(void);
void chunk_guard_destroy(struct chunk_guard **take_guard);
void chunk_guard_add(struct chunk_guard *guard, struct chunk_guard_entry *entry);
void chunk_guard_remove(struct chunk_guard *guard, struct chunk_guard_entry *entry);
/* Files on this mountpath that are being written or wait for their commit. */
size_t chunk_guard_count(struct chunk_guard *guard, const struct home *mountpath);
bool chunk_guard_has(struct chunk_guard *guard, struct chunk_id id);

#endif
