/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one request or one operation and is given back at once.  Blocks grow
 * from 4 KiB; what a client sizes must be bounded by a limit before it is put here.  One thread at
 * a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* in the newest block */
    size_t total_bytes;         /* handed out since init */
};

#define ARENA_INIT ((struct arena){NULL, 0, 0})

void arena_release(struct arena *arena);
/* Aligned to 16 bytes, not cleared. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_calloc(struct arena *arena, size_t count, size_t size);
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
char *arena_string(struct arena *arena, struct bytes bytes); /* terminated */
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct bytes arena_printf_bytes(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
