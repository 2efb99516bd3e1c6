/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

/* One page: most requests need no second block. */
#define ARENA_BLOCK_BYTES ((size_t)4096)

struct arena_block {
    struct arena_block *next;
    size_t capacity;
    _Alignas(16) char data[];
};

void
arena_release(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *arena = ARENA_INIT;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded;
    char *at;

    CHECK(!__builtin_add_overflow(size, (size_t)15, &rounded));
    rounded &= ~(size_t)15;
    if (arena->blocks == NULL || arena->blocks->capacity - arena->used_bytes < rounded) {
        size_t capacity = ARENA_BLOCK_BYTES - sizeof(struct arena_block);
        struct arena_block *block;

        if (capacity < rounded) {
            capacity = rounded;
        }
        block = xmalloc(sizeof(*block) + capacity);
        block->capacity = capacity;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used_bytes = 0;
    }
    at = arena->blocks->data + arena->used_bytes;
    arena->used_bytes += rounded;
    arena->total_bytes += rounded;
    return at;
}

void *
arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    void *at;

    CHECK(!__builtin_mul_overflow(count, size, &total));
    at = arena_alloc(arena, total);
    memset(at, 0, total);
    return at;
}

struct bytes
arena_copy(struct arena *arena, struct bytes bytes)
{
    char *at = arena_alloc(arena, bytes.size);

    if (bytes.size != 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    return bytes_of(at, bytes.size);
}

char *
arena_string(struct arena *arena, struct bytes bytes)
{
    char *at = arena_alloc(arena, bytes.size + 1);

    if (bytes.size != 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    at[bytes.size] = '\0';
    return at;
}

static struct bytes
arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    va_list again;
    int size;
    char *at;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, fmt, args);
    CHECK(size >= 0);
    at = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(at, (size_t)size + 1, fmt, again);
    va_end(again);
    return bytes_of(at, (size_t)size);
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    struct bytes text;

    va_start(args, fmt);
    text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return (char *)(uintptr_t)text.data;
}

struct bytes
arena_printf_bytes(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    struct bytes text;

    va_start(args, fmt);
    text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}
