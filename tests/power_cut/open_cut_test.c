/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power is lost at each call of an opening of records, and whatever of it a disk may keep: they
 * open again, with all that was acknowledged.  RocksDB alone does not: it renames CURRENT before it
 * has synced the names of what that leads to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/entropy.h"
#include "meta/meta_db.h"
#include "tests/power_cut/powercut_harness.h"
#include "tests/power_cut/test_tree.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Of each call; some one in ten has the new CURRENT without what it leads to. */
#define IMAGES_SHORT 12
#define IMAGES_LONG 400
/* An opening makes some hundred calls. */
#define CALLS_MAX 2000
/* A mutant must be found within so many. */
#define MUTANT_IMAGES 400

static void
run(const char *const arguments[])
{
    pid_t pid = fork();
    int status = 0;

    CHECK(pid >= 0);
    if (pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY); /* for what is told */

        CHECK(nowhere >= 0 && dup2(nowhere, 3) == 3);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(96);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    EXPECT_INT(0, status);
}

/* Records a to c, put by three lives that were killed: a log, tables, manifests. */
static void
make_records(void)
{
    const char *build = getenv("LODE_BUILDDIR");
    char path[1024];

    powercut_harness_reset();
    snprintf(path, sizeof(path), "%s/tests/power_cut/open_cut_child", build == NULL ? "." : build);
    for (char key[] = "a"; key[0] <= 'c'; key[0]++) {
        run((const char *[]){path, key, NULL});
    }
    run((const char *[]){"mv", "db", "../saved", NULL});
}

static void
restore_records(void)
{
    powercut_harness_reset();
    run((const char *[]){"cp", "-a", "../saved", "db", NULL});
}

/* Opens and looks for what was acknowledged. */
static bool
is_sound(const char *keys, struct error *err)
{
    struct meta_db_options options = {.directory = "db",
                                      .write_buffer_bytes = (size_t)16 << 20,
                                      .wal_max_bytes = (size_t)64 << 20};
    struct meta_db *db = NULL;
    bool is_whole = meta_db_open(&options, &db, err) == ST_OK;

    for (const char *key = keys; is_whole && *key != '\0'; key++) {
        struct meta_value value = META_VALUE_INIT;

        is_whole = meta_db_get(db, FAMILY_OBJECT, bytes_of(key, 1), true, &value, err) == ST_OK;
        meta_value_release(&value);
    }
    meta_db_close(&db);
    return is_whole;
}

/* One life that ends at a call, on what is there.  Returns whether it told what it had put. */
static bool
cut_at(uint64_t at, char key, const char *skip, struct prng *prng)
{
    char pattern[] = {key, '\0'};
    char told;
    struct powercut_harness_child child = {.program = "open_cut_child",
                                           .pattern = pattern,
                                           .variable = skip,
                                           .seed = prng_u64(prng),
                                           .at = at};
    bool is_told = powercut_harness_run_telling(&child, &told, 1) == 1;

    powercut_harness_clean();
    return is_told;
}

/* The calls of a life that opens and puts. */
static uint64_t
count_calls(struct prng *prng)
{
    uint64_t call = 1;

    restore_records();
    while (!cut_at(call, 'd', NULL, prng)) {
        EXPECT(call < CALLS_MAX);
        restore_records();
        call += 1 + call / 16; /* a few more do not matter */
    }
    return call;
}

static bool
is_current_saved(void)
{
    pid_t pid = fork();
    int status = 0;

    CHECK(pid >= 0);
    if (pid == 0) {
        execlp("cmp", "cmp", "-s", "db/CURRENT", "../saved/CURRENT", (char *)NULL);
        _exit(96);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status == 0;
}

/* The first call after the renaming of CURRENT. */
static uint64_t
find_change(struct prng *prng)
{
    uint64_t before = 1;
    uint64_t after = count_calls(prng);

    while (after - before > 1) {
        uint64_t middle = before + (after - before) / 2;

        restore_records();
        cut_at(middle, 'd', "POWERCUT_FLAVOUR=3", prng); /* all is kept */
        if (is_current_saved()) {
            before = middle;
        } else {
            after = middle;
        }
    }
    return after;
}

/* Lives that are each cut at some call, the last at `at`.  Are the records sound after it? */
static bool
survives(uint64_t at, unsigned lives, const char *skip, struct prng *prng, struct error *err)
{
    char keys[16] = "abc";

    restore_records();
    for (unsigned life = 1; life <= lives; life++) {
        char key = keys[strlen(keys) - 1] + 1;

        if (cut_at(life == lives ? at : 1 + prng_below(prng, at), key, skip, prng)) {
            keys[strlen(keys)] = key;
        }
    }
    return is_sound(keys, err);
}

static void
expect_survival(uint64_t at, unsigned lives, struct prng *prng)
{
    struct error err = ERROR_INIT;

    if (!survives(at, lives, NULL, prng, &err)) {
        test_failed(__FILE__, __LINE__, "after a cut at call %llu: %s", (unsigned long long)at,
                    err.text);
    }
}

static bool
is_long(void)
{
    return getenv("LODE_TEST_LONG") != NULL;
}

/* SPEC: POSIX, fsync: the entry of a file is durable after the sync of its directory. */
TEST(records_open_after_a_cut_while_their_manifest_changes)
{
    struct prng prng = test_prng();

    make_records();
    uint64_t change = find_change(&prng);
    for (unsigned image = 0; image < (is_long() ? IMAGES_LONG : IMAGES_SHORT); image++) {
        expect_survival(change, 1, &prng);
        expect_survival(change + 1, 1, &prng);
    }
}

TEST(records_open_after_a_cut_at_any_call)
{
    struct prng prng = test_prng();

    if (!is_long()) {
        test_skip("takes minutes: LODE_TEST_LONG=1");
    }
    make_records();
    for (uint64_t at = count_calls(&prng); at > 0; at--) {
        expect_survival(at, 1, &prng);
        expect_survival(at, 3, &prng);
    }
}

/* Skipping a sync has to lose records, or it is not needed. */
static void
expect_loss_without(const char *sync)
{
    struct prng prng = test_prng();
    char skip[200];

    snprintf(skip, sizeof(skip), "POWERCUT_SKIP_SYNC=%s", sync);
    make_records();
    uint64_t change = find_change(&prng);
    for (unsigned image = 0; image < MUTANT_IMAGES; image++) {
        if (!survives(change, 1, skip, &prng, NULL)) {
            return;
        }
    }
    test_failed(__FILE__, __LINE__, "nothing is lost without %s", sync);
}

TEST(the_sync_of_an_origin_is_needed)
{
    expect_loss_without("*/OPEN-ORIGIN.new:file");
}

TEST(the_sync_of_the_directory_of_an_origin_is_needed)
{
    expect_loss_without("*/db:dir@open_origin_write");
}
