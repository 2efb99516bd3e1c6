/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct bytes: a view (pointer and length, never owned, not terminated, may hold any byte).
 * struct buffer: owned memory that grows; release it.  For what is bounded by named limits only.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

struct bytes {
    const char *data;
    size_t size;
};

/* printf("%.*s", BYTES_ARGS(b)) */
#define BYTES_ARGS(b) (int)(b).size, (b).data
#define BYTES_NONE ((struct bytes){NULL, 0})
#define BYTES_LITERAL(text) ((struct bytes){"" text, sizeof(text) - 1})

static inline struct bytes
bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

static inline struct bytes
bytes_of_string(const char *text)
{
    return (struct bytes){text, text != NULL ? strlen(text) : 0};
}

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_string(struct bytes a, const char *text);
bool bytes_equal_ignore_case(struct bytes a, const char *text); /* ASCII */
int bytes_compare(struct bytes a, struct bytes b);              /* as memcmp, shorter first */
bool bytes_has_prefix(struct bytes a, struct bytes prefix);
bool bytes_has_suffix(struct bytes a, struct bytes suffix);
/* Index of the first `needle` at or after `from`, or SIZE_MAX. */
size_t bytes_find(struct bytes haystack, size_t from, struct bytes needle);
size_t bytes_find_char(struct bytes haystack, size_t from, char needle);
struct bytes bytes_slice(struct bytes a, size_t from, size_t to); /* [from, to), CHECKed */
struct bytes bytes_trim(struct bytes a);                          /* SP and HTAB at both ends */
/* Cut the part before `separator` off the front of *rest and return it; without a separator, all.
 */
struct bytes bytes_cut(struct bytes *rest, char separator);
/* Decimal digits only, no sign, no space; ST_INVALID when empty, foreign or above max. */
MUST_USE enum status bytes_parse_u64(struct bytes text, uint64_t max, uint64_t *ret_value);
bool bytes_is_utf8(struct bytes a);    /* well formed as of RFC 3629; NUL counts as well formed */
char *bytes_to_string(struct bytes a); /* owned, terminated copy; free() */

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
};

#define BUFFER_INIT ((struct buffer){NULL, 0, 0})

void buffer_release(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* size 0, memory kept */
/* Make room for `more` bytes after size and return where they go; size is not changed. */
char *buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_bytes(struct buffer *buffer, struct bytes bytes);
void buffer_append_string(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline struct bytes
buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->size};
}

#endif
