/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small memory.  These abort when the system has none left: a handled out-of-memory would be
 * fiction.  Anything whose size a client chooses comes from a bounded pool instead (stream/).
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *pointer, size_t size);
/* count * size without overflow, else abort. */
void *xrealloc_array(void *pointer, size_t count, size_t size);
void *xmemdup(const void *data, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t size);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* size bytes aligned to 4 KiB; free with free(). */
void *xmalloc_aligned(size_t size);

/* Overwrite in a way the compiler keeps, for keys and passwords. */
void memory_wipe(void *data, size_t size);
/* Equal?  In a time that depends only on size. */
int memory_equal_secret(const void *a, const void *b, size_t size);

#endif
