/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

enum outcome { OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_SKIPPED };

static struct test_case *first_test;
static struct test_case **last_test = &first_test;
static struct test_case *current_test;
static jmp_buf leave_test;
static char *directory;
static uint64_t seed;
static char message[1024];

void
test_register(struct test_case *test)
{
    *last_test = test;
    last_test = &test->next;
}

void
test_failed(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    int size = snprintf(message, sizeof(message), "%s:%d: ", file, line);

    va_start(args, fmt);
    vsnprintf(message + size, sizeof(message) - (size_t)size, fmt, args);
    va_end(args);
    longjmp(leave_test, OUTCOME_FAILED);
}

void
test_skip(const char *reason)
{
    snprintf(message, sizeof(message), "%s", reason);
    longjmp(leave_test, OUTCOME_SKIPPED);
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    return remove(path);
}

static void
remove_directory(void)
{
    if (directory != NULL) {
        nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(directory);
        directory = NULL;
    }
}

const char *
test_directory(void)
{
    if (directory == NULL) {
        const char *base = getenv("TMPDIR");

        directory = xasprintf("%s/lode-test-XXXXXX", base != NULL ? base : "/tmp");
        CHECK(mkdtemp(directory) != NULL);
    }
    return directory;
}

uint64_t
test_seed(void)
{
    return seed;
}

struct prng
test_prng(void)
{
    return prng_init(hash_stable(bytes_of_string(current_test->name), seed));
}

static void
print_escaped(const char *prefix, struct bytes value)
{
    printf("#   %s (%zu bytes) \"", prefix, value.size);
    for (size_t i = 0; i < value.size && i < 200; i++) {
        unsigned char c = (unsigned char)value.data[i];

        printf(c >= 0x20 && c < 0x7F ? "%c" : "\\x%02x", c);
    }
    printf("%s\"\n", value.size > 200 ? "..." : "");
}

void
test_expect_bytes(const char *file, int line, const char *what, struct bytes expected,
                  struct bytes actual)
{
    if (!bytes_equal(expected, actual)) {
        print_escaped("expected", expected);
        print_escaped("got     ", actual);
        test_failed(file, line, "%s differs", what);
    }
}

static enum outcome
run_test(struct test_case *test, size_t number)
{
    enum outcome outcome;

    current_test = test;
    outcome = (enum outcome)setjmp(leave_test);
    if (outcome == OUTCOME_PASSED) {
        test->run();
        printf("ok %zu - %s\n", number, test->name);
    } else if (outcome == OUTCOME_FAILED) {
        printf("not ok %zu - %s\n# %s\n", number, test->name, message);
    } else {
        printf("ok %zu - %s # SKIP %s\n", number, test->name, message);
    }
    remove_directory();
    fflush(stdout);
    return outcome;
}

static bool
is_wanted(const struct test_case *test, int argc, char **argv, int first_name)
{
    for (int i = first_name; i < argc; i++) {
        if (strcmp(test->name, argv[i]) == 0) {
            return true;
        }
    }
    return first_name == argc;
}

int
main(int argc, char **argv)
{
    const char *text = getenv("LODE_TEST_SEED");
    int first_name = 1;
    size_t count = 0;
    size_t failed_count = 0;

    seed = text != NULL ? strtoull(text, NULL, 0) : entropy_u64();
    if (argc > 2 && strcmp(argv[1], "--seed") == 0) {
        seed = strtoull(argv[2], NULL, 0);
        first_name = 3;
    } else if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        for (struct test_case *test = first_test; test != NULL; test = test->next) {
            printf("%s\n", test->name);
        }
        return 0;
    }
    printf("# seed 0x%llx\n", (unsigned long long)seed);
    for (struct test_case *test = first_test; test != NULL; test = test->next) {
        if (is_wanted(test, argc, argv, first_name)) {
            failed_count += run_test(test, ++count) == OUTCOME_FAILED;
        }
    }
    printf("1..%zu\n", count);
    return failed_count == 0 ? 0 : 1;
}
