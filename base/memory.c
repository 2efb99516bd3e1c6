/* SPDX-License-Identifier: Apache-2.0 */
#define BASE_MEMORY_IMPLEMENTATION
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#include "base/banned.h"

static void *
memory_or_abort(void *pointer)
{
    if (pointer == NULL) {
        check_failed(__FILE__, __LINE__, __func__, "out of memory");
    }
    return pointer;
}

void *
xmalloc(size_t size)
{
    return memory_or_abort(malloc(size != 0 ? size : 1));
}

void *
xcalloc(size_t count, size_t size)
{
    return memory_or_abort(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *
xrealloc(void *pointer, size_t size)
{
    return memory_or_abort(realloc(pointer, size != 0 ? size : 1));
}

void *
xrealloc_array(void *pointer, size_t count, size_t size)
{
    size_t total;

    CHECK(!__builtin_mul_overflow(count, size, &total));
    return xrealloc(pointer, total);
}

void *
xmemdup(const void *data, size_t size)
{
    void *copy = xmalloc(size);

    if (size != 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *
xstrdup(const char *text)
{
    return xmemdup(text, strlen(text) + 1);
}

char *
xstrndup(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char *copy = xmalloc(length + 1);

    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *
xasprintf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    int size;

    va_start(args, fmt);
    size = vasprintf(&text, fmt, args);
    va_end(args);
    CHECK(size >= 0);
    return text;
}

void *
xmalloc_aligned(size_t size)
{
    void *pointer = NULL;

    CHECK(posix_memalign(&pointer, 4096, size != 0 ? size : 1) == 0);
    return pointer;
}

void
memory_wipe(void *data, size_t size)
{
    explicit_bzero(data, size);
}

int
memory_equal_secret(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < size; i++) {
        difference |= (unsigned char)(x[i] ^ y[i]);
    }
    return difference == 0;
}
