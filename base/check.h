/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions for our own bugs, on in release builds.  Bytes from outside get a status instead.
 * A failed check prints file, line, function and expression to standard error and aborts.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

#define CHECK(expression)                                                                          \
    ((expression) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #expression))
#define UNREACHABLE(why) check_failed(__FILE__, __LINE__, __func__, "unreachable: " why)

/* Costly checks: developer builds only.  The expression must have no side effects. */
#ifdef LODE_CHECK_SLOW
#define CHECK_SLOW(expression) CHECK(expression)
#else
#define CHECK_SLOW(expression) ((void)sizeof(expression))
#endif

__attribute__((noreturn, cold)) void check_failed(const char *file, int line, const char *function,
                                                  const char *expression);

/* The struct that embeds `member` at `pointer`. */
#define CONTAINER_OF(type, member, pointer)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
