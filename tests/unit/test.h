/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own test library: TAP on standard output, one program per mirrored source file.
 *
 *     // The rule, and its SPEC:
 *     TEST(put_without_length_is_rejected)
 *     {
 *         EXPECT_STATUS(ST_INVALID, put(...));
 *     }
 *
 * main() is in the library.  Arguments: --seed N (printed, also LODE_TEST_SEED), --list, or names
 * of tests to run.  A failed EXPECT ends its test, the others still run.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/status.h"

struct test_case {
    const char *name;
    void (*run)(void);
    const char *file;
    int line;
    struct test_case *next;
};

void test_register(struct test_case *test);
__attribute__((noreturn)) void test_failed(const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The rest of this test is left out, with a reason in the output. */
__attribute__((noreturn)) void test_skip(const char *reason);

/* A fresh directory, removed after the test.  Borrowed until then. */
const char *test_directory(void);
/* Seed of this run, and a generator that starts from it and the test's name. */
uint64_t test_seed(void);
struct prng test_prng(void);

#define TEST(test_name)                                                                            \
    static void test_name(void);                                                                   \
    static struct test_case test_name##_case = {#test_name, test_name, __FILE__, __LINE__, NULL};  \
    __attribute__((constructor)) static void test_name##_register(void)                            \
    {                                                                                              \
        test_register(&test_name##_case);                                                          \
    }                                                                                              \
    static void test_name(void)

#define EXPECT(expression)                                                                         \
    ((expression) ? (void)0 : test_failed(__FILE__, __LINE__, "expected: %s", #expression))

#define EXPECT_INT(expected, actual)                                                               \
    do {                                                                                           \
        long long expected_value = (long long)(expected);                                          \
        long long actual_value = (long long)(actual);                                              \
        if (expected_value != actual_value) {                                                      \
            test_failed(__FILE__, __LINE__, "%s: expected %lld, got %lld", #actual,                \
                        expected_value, actual_value);                                             \
        }                                                                                          \
    } while (0)

#define EXPECT_STATUS(expected, actual)                                                            \
    do {                                                                                           \
        enum status actual_status = (actual);                                                      \
        if (actual_status != (expected)) {                                                         \
            test_failed(__FILE__, __LINE__, "%s: expected %s, got %s", #actual,                    \
                        status_name(expected), status_name(actual_status));                        \
        }                                                                                          \
    } while (0)

/* The same for a call that filled err: its sentence is shown. */
#define EXPECT_OK(call, error_pointer)                                                             \
    do {                                                                                           \
        enum status actual_status = (call);                                                        \
        if (actual_status != ST_OK) {                                                              \
            test_failed(__FILE__, __LINE__, "%s: %s: %s", #call, status_name(actual_status),       \
                        (error_pointer)->text);                                                    \
        }                                                                                          \
    } while (0)

#define EXPECT_STRING(expected, actual)                                                            \
    test_expect_bytes(__FILE__, __LINE__, #actual, bytes_of_string(expected),                      \
                      bytes_of_string(actual))
#define EXPECT_BYTES(expected, actual)                                                             \
    test_expect_bytes(__FILE__, __LINE__, #actual, (expected), (actual))

void test_expect_bytes(const char *file, int line, const char *what, struct bytes expected,
                       struct bytes actual);

#endif
