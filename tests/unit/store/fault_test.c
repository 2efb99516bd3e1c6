/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fault point of the store, with every kind of failure: a child process works until the
 * failure (or its own death), another one opens the store again and compares.  What was
 * acknowledged must be there whole; what was refused must not; what is unknown is old or new.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define KEY_COUNT 12
#define POINT_MAX 128
#define POINT_NAME_MAX 48
#define VERSION_NONE 0 /* no such key */

/* Shared with the children. */
struct ledger {
    /* version = seed and size of the content; acknowledged, and what may be there besides */
    uint32_t acknowledged[KEY_COUNT];
    uint32_t possible[KEY_COUNT];
    uint64_t unexpected; /* results that may not happen */
    uint64_t acted_count;
    size_t mountpath_count;
    size_t point_count;
    char points[POINT_MAX][POINT_NAME_MAX];
    char complaint[512];
};

static struct ledger *ledger;

static const size_t SIZES[] = {100, 3000, 90000, 400000, 900001};

static size_t
size_of(uint32_t version)
{
    return SIZES[version % 5];
}

static void
complain(const char *what, int key, enum status st)
{
    ledger->unexpected++;
    snprintf(ledger->complaint, sizeof(ledger->complaint), "key %d: %s: %s", key, what,
             status_name(st));
}

/* Relaxed writes survive the death of the process, which is all that a child can do to them. */
static enum status
change(struct store *store, int number, uint32_t version, enum durability durability)
{
    char key[16];
    enum status st;

    snprintf(key, sizeof(key), "k%d", number);
    ledger->possible[number] = version;
    if (version == VERSION_NONE) {
        st = fixture_delete(store, key, NULL);
        st = st == ST_NO_SUCH_KEY ? ST_OK : st;
    } else {
        struct buffer data = fixture_bytes(version, size_of(version));
        struct fixture_put put = {.key = key,
                                  .data = buffer_bytes(&data),
                                  .durability = durability,
                                  .chunk_bytes = 131072,
                                  .piece_bytes = version % 3 == 0 ? 50000 : 0};

        st = fixture_put_with(store, &put, NULL, NULL);
        buffer_release(&data);
    }
    if (st == ST_OK) {
        ledger->acknowledged[number] = version;
    } else if (st == ST_NO_SPACE || st == ST_IO || st == ST_CORRUPT) {
        ledger->possible[number] = ledger->acknowledged[number]; /* refused: nothing happened */
    } else if (st != ST_UNAVAILABLE) {
        complain("change", number, st);
    }
    return st;
}

static struct store *
open_store(void)
{
    struct store_options options;
    struct store *store = NULL;

    fixture_options(&options, ledger->mountpath_count);
    options.is_background_off = true;
    options.pack_bytes = (uint64_t)1 << 20;
    options.sweep_age_s = 0;
    return store_open(&options, &store, NULL) == ST_OK ? store : NULL;
}

/* A little of everything. */
static void
work(uint64_t seed)
{
    struct store *store = open_store();
    struct prng prng = prng_init(seed);
    bool work_done;
    uint64_t removed;

    if (store == NULL) {
        return;
    }
    for (uint32_t round = 0; round < 40; round++) {
        int number = (int)prng_below(&prng, KEY_COUNT);
        uint32_t version =
            prng_below(&prng, 6) == 0 ? VERSION_NONE : 1 + round * 7 + (uint32_t)number;
        char key[16];
        struct buffer content = BUFFER_INIT;
        enum status st;

        if (change(store, number, version, (enum durability)(round % 3)) == ST_UNAVAILABLE) {
            break;
        }
        snprintf(key, sizeof(key), "k%d", number);
        st = fixture_get(store, key, &content, NULL);
        if (st == ST_OK && content.size != size_of(ledger->acknowledged[number])) {
            complain("read of another size", number, st);
        }
        buffer_release(&content);
        if (round % 8 == 7) {
            (void)!store_collect_once(store, &work_done, NULL);
            (void)!store_collect_once(store, &work_done, NULL);
            (void)!store_sweep_once(store, &removed, NULL);
        }
    }
    store_close(&store);
}

static bool
is_version(const struct buffer *content, uint32_t version)
{
    struct buffer expected;
    bool is_same;

    if (version == VERSION_NONE) {
        return content->data == NULL;
    }
    expected = fixture_bytes(version, size_of(version));
    is_same =
        content->size == expected.size && memcmp(content->data, expected.data, expected.size) == 0;
    buffer_release(&expected);
    return is_same;
}

static void
verify(void)
{
    struct store *store = open_store();

    if (store == NULL) {
        complain("the store does not open again", -1, ST_UNAVAILABLE);
        return;
    }
    for (int i = 0; i < KEY_COUNT; i++) {
        struct buffer content = BUFFER_INIT;
        char key[16];
        enum status st;

        snprintf(key, sizeof(key), "k%d", i);
        st = fixture_get(store, key, &content, NULL);
        if (st != ST_OK && st != ST_NO_SUCH_KEY) {
            complain("cannot be read", i, st);
        } else if (!is_version(&content, ledger->acknowledged[i]) &&
                   !is_version(&content, ledger->possible[i])) {
            complain("holds neither the old nor the new bytes", i, st);
        }
        buffer_release(&content);
    }
    store_close(&store);
}

/* In a child, because a process that has run RocksDB cannot fork. */
static int
run_child(void (*run)(const void *arg), const void *arg)
{
    int result = 0;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        log_configure(null, LOG_LEVEL_ERROR, true);
        run(arg);
        _exit(0);
    }
    CHECK(waitpid(child, &result, 0) == child);
    return result;
}

struct failure {
    const char *point; /* NULL: none */
    uint64_t nth;
    int action;
    uint64_t seed;
};

static void
child_work(const void *arg)
{
    const struct failure *failure = arg;
    const char *const *names;
    size_t count;

    if (failure->point != NULL) {
        fault_arm(failure->point, failure->nth, 1, failure->action);
    }
    work(failure->seed);
    ledger->acted_count += fault_acted_count();
    fault_disarm();
    count = fault_names(&names);
    for (size_t i = 0; failure->point == NULL && i < count && i < POINT_MAX; i++) {
        snprintf(ledger->points[i], POINT_NAME_MAX, "%s", names[i]);
        ledger->point_count = i + 1;
    }
}

static void
child_verify(const void *arg)
{
    verify();
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    return ftw->level > 0 ? remove(path) : 0;
}

/* One failure from a fresh start; the sentence of what went wrong, or NULL. */
static const char *
try_failure(const struct failure *failure)
{
    int result;

    nftw(test_directory(), remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    memset(ledger->acknowledged, 0, sizeof(ledger->acknowledged));
    memset(ledger->possible, 0, sizeof(ledger->possible));
    ledger->unexpected = 0;
    result = run_child(child_work, failure);
    if (WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL &&
        failure->action == FAULT_ACTION_KILL) {
        ledger->acted_count++;
    } else if (!WIFEXITED(result)) {
        return "the working child crashed";
    }
    result = run_child(child_verify, NULL);
    if (!WIFEXITED(result)) {
        return "the verifying child crashed";
    }
    return ledger->unexpected > 0 ? ledger->complaint : NULL;
}

static const int ACTIONS[] = {EIO, ENOSPC, FAULT_ACTION_SHORT, FAULT_ACTION_KILL};

/* SPEC: the durability contract: what was answered 200 stays, what was refused never appears. */
TEST(every_fault_point_with_every_failure_loses_nothing_acknowledged)
{
    struct failure none = {.seed = test_seed()};
    bool is_long = getenv("LODE_TEST_LONG") != NULL;
    struct prng prng = test_prng();
    const char *complaint;
    int failure_count = 0;
    int run_count = 0;

#ifndef LODE_FAULTS
    test_skip("built without --enable-faults");
#endif
    /* Death of a process loses nothing that was written: no disk is needed, and syncs are free. */
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ledger != MAP_FAILED);
    ledger->mountpath_count = 2;
    complaint = try_failure(&none);
    if (complaint != NULL) {
        test_failed(__FILE__, __LINE__, "without any failure: %s", complaint);
    }
    EXPECT(ledger->point_count > 25);
    for (size_t i = 0; i < ledger->point_count; i++) {
        for (size_t j = 0; j < ARRAY_COUNT(ACTIONS); j++) {
            uint64_t repeat_count = is_long ? 12 : j == i % ARRAY_COUNT(ACTIONS) || j == 0;

            for (uint64_t n = 0; n < repeat_count; n++) {
                struct failure failure = {.point = ledger->points[i],
                                          .nth = 1 + (is_long ? n : prng_below(&prng, 4)),
                                          .action = ACTIONS[j],
                                          .seed = test_seed() + n};

                ledger->mountpath_count = 1 + (i + j) % 4 / 3;
                complaint = try_failure(&failure);
                run_count++;
                if (complaint != NULL) {
                    failure_count++;
                    printf("# %s, passing %llu, action %d: %s\n", failure.point,
                           (unsigned long long)failure.nth, failure.action, complaint);
                }
            }
        }
    }
    printf("# %zu points, %d runs, %llu failures acted\n", ledger->point_count, run_count,
           (unsigned long long)ledger->acted_count);
    EXPECT_INT(0, failure_count);
    EXPECT(ledger->acted_count > ledger->point_count / 2);
    munmap(ledger, sizeof(*ledger));
}
