/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

bool
bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool
bytes_equal_string(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_string(text));
}

bool
bytes_equal_ignore_case(struct bytes a, const char *text)
{
    return a.size == strlen(text) && (a.size == 0 || strncasecmp(a.data, text, a.size) == 0);
}

int
bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common != 0 ? memcmp(a.data, b.data, common) : 0;

    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

bool
bytes_has_prefix(struct bytes a, struct bytes prefix)
{
    return a.size >= prefix.size &&
           (prefix.size == 0 || memcmp(a.data, prefix.data, prefix.size) == 0);
}

bool
bytes_has_suffix(struct bytes a, struct bytes suffix)
{
    return a.size >= suffix.size && (suffix.size == 0 || memcmp(a.data + a.size - suffix.size,
                                                                suffix.data, suffix.size) == 0);
}

size_t
bytes_find(struct bytes haystack, size_t from, struct bytes needle)
{
    const char *found;

    if (from > haystack.size) {
        return SIZE_MAX;
    }
    if (needle.size == 0) {
        return from;
    }
    if (haystack.size - from < needle.size) {
        return SIZE_MAX;
    }
    found = memmem(haystack.data + from, haystack.size - from, needle.data, needle.size);
    return found != NULL ? (size_t)(found - haystack.data) : SIZE_MAX;
}

size_t
bytes_find_char(struct bytes haystack, size_t from, char needle)
{
    return bytes_find(haystack, from, bytes_of(&needle, 1));
}

struct bytes
bytes_slice(struct bytes a, size_t from, size_t to)
{
    CHECK(from <= to && to <= a.size);
    return (struct bytes){a.data != NULL ? a.data + from : NULL, to - from};
}

struct bytes
bytes_trim(struct bytes a)
{
    while (a.size > 0 && (a.data[0] == ' ' || a.data[0] == '\t')) {
        a.data++;
        a.size--;
    }
    while (a.size > 0 && (a.data[a.size - 1] == ' ' || a.data[a.size - 1] == '\t')) {
        a.size--;
    }
    return a;
}

struct bytes
bytes_cut(struct bytes *rest, char separator)
{
    size_t at = bytes_find_char(*rest, 0, separator);
    struct bytes head = *rest;

    if (at == SIZE_MAX) {
        *rest = bytes_of(rest->data != NULL ? rest->data + rest->size : NULL, 0);
        return head;
    }
    head.size = at;
    *rest = bytes_slice(*rest, at + 1, rest->size);
    return head;
}

enum status
bytes_parse_u64(struct bytes text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text.size == 0) {
        return ST_INVALID;
    }
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';

        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return ST_INVALID;
        }
    }
    if (value > max) {
        return ST_INVALID;
    }
    *ret_value = value;
    return ST_OK;
}

/* Length of the well-formed sequence at p, 0 if there is none (RFC 3629 section 4). */
static size_t
utf8_sequence_size(const unsigned char *p, size_t left)
{
    size_t size;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;

    if (p[0] < 0x80) {
        return 1;
    } else if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        size = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        size = 3;
        low = p[0] == 0xE0 ? 0xA0 : 0x80;
        high = p[0] == 0xED ? 0x9F : 0xBF;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        size = 4;
        low = p[0] == 0xF0 ? 0x90 : 0x80;
        high = p[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (left < size || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (p[i] < 0x80 || p[i] > 0xBF) {
            return 0;
        }
    }
    return size;
}

bool
bytes_is_utf8(struct bytes a)
{
    for (size_t i = 0; i < a.size;) {
        size_t size = utf8_sequence_size((const unsigned char *)a.data + i, a.size - i);

        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

char *
bytes_to_string(struct bytes a)
{
    char *text = xmalloc(a.size + 1);

    if (a.size != 0) {
        memcpy(text, a.data, a.size);
    }
    text[a.size] = '\0';
    return text;
}

void
buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_INIT;
}

void
buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

char *
buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t needed;

    CHECK(!__builtin_add_overflow(buffer->size, more, &needed));
    if (needed > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;

        while (capacity < needed) {
            CHECK(!__builtin_mul_overflow(capacity, (size_t)2, &capacity));
        }
        buffer->data = xrealloc(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void
buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (size != 0) {
        memcpy(buffer_reserve(buffer, size), data, size);
        buffer->size += size;
    }
}

void
buffer_append_bytes(struct buffer *buffer, struct bytes bytes)
{
    buffer_append(buffer, bytes.data, bytes.size);
}

void
buffer_append_string(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void
buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void
buffer_printf(struct buffer *buffer, const char *fmt, ...)
{
    va_list args;
    int size;

    va_start(args, fmt);
    size = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    CHECK(size >= 0);
    buffer_reserve(buffer, (size_t)size + 1);
    va_start(args, fmt);
    vsnprintf(buffer->data + buffer->size, (size_t)size + 1, fmt, args);
    va_end(args);
    buffer->size += (size_t)size;
}
