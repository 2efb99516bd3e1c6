/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RocksDB above the power-cut library: what it was told to sync it keeps, and it always opens
 * again.
 */
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/power_cut/powercut_harness.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Acknowledgments read after a cut. */
#define ACKS_MAX 100000

/* NULL where RocksDB refuses a manifest whose unsynced tail is torn inside a record: it takes a
 * short tail for the end, but a record with a wrong checksum for damage, wherever it is. */
static rocksdb_t *
open_rocksdb(const struct powercut_harness_child *child, bool may_be_torn)
{
    char *error = NULL;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_t *db = rocksdb_open(options, "db", &error);
    rocksdb_options_destroy(options);
    bool is_torn = error != NULL && strstr(error, "MANIFEST") != NULL;
    if (error != NULL && !(is_torn && may_be_torn)) {
        test_failed(__FILE__, __LINE__, "RocksDB does not open, seed %llu, call %llu: %s",
                    (unsigned long long)child->seed, (unsigned long long)child->at, error);
    }
    free(error);
    return db;
}

/* How many of the told keys do not have the round's value, or a later one. */
static unsigned
count_lost(rocksdb_t *db, unsigned told, const char *value)
{
    unsigned lost = 0;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    for (unsigned i = 0; i < told && i < 2000; i++) {
        char key[16];
        char *error = NULL;
        size_t size = 0;
        snprintf(key, sizeof(key), "key%u", i);
        char *found = rocksdb_get(db, options, key, strlen(key), &size, &error);
        EXPECT(error == NULL);
        lost += found == NULL || size < strlen(value) || memcmp(found, value, strlen(value)) != 0;
        free(found);
    }
    rocksdb_readoptions_destroy(options);
    return lost;
}

/* Cuts RocksDB again and again on the same directory.  Returns the number of lost puts.  A torn
 * manifest ends the database; that it is rare is part of the claim. */
static unsigned
cut_rocksdb(const char *pattern, unsigned rounds, const char *model)
{
    static unsigned acks[ACKS_MAX];
    struct prng prng = test_prng();
    unsigned lost = 0;
    unsigned torn = 0;
    powercut_harness_reset();
    setenv("POWERCUT_MODEL", model, 1);
    for (unsigned round = 0; round < rounds; round++) {
        char value[48];
        snprintf(value, sizeof(value), "CHILD_VALUE=round%u.", round);
        struct powercut_harness_child child = {.pattern = pattern,
                                               .variable = value,
                                               .seed = prng_u64(&prng),
                                               .at = 1 + prng_below(&prng, 1500)};
        unsigned told =
            (unsigned)(powercut_harness_run_telling(&child, acks, sizeof(acks)) / sizeof(acks[0]));
        rocksdb_t *db = NULL;
        if (access("db/CURRENT", F_OK) != 0) {
            lost += told;
        } else if ((db = open_rocksdb(&child, strcmp(model, "strict") == 0)) != NULL) {
            lost += count_lost(db, told, value + sizeof("CHILD_VALUE=") - 1);
            rocksdb_close(db);
        } else {
            torn++;
            powercut_harness_reset();
        }
        powercut_harness_clean();
    }
    EXPECT(torn <= rounds / 10);
    unsetenv("POWERCUT_MODEL");
    return lost;
}

/* SPEC: RocksDB, WriteOptions::sync.  Each cut is followed by a reopening of the same database,
 * which always succeeds. */
TEST(rocksdb_keeps_synced_puts_through_200_cuts)
{
    EXPECT_INT(0, cut_rocksdb("rocksdb_synced", 200, "ext4"));
}

TEST(rocksdb_keeps_synced_puts_in_the_strict_model)
{
    EXPECT_INT(0, cut_rocksdb("rocksdb_synced", 50, "strict"));
}

TEST(rocksdb_loses_unsynced_puts)
{
    EXPECT(cut_rocksdb("rocksdb_unsynced", 20, "strict") > 0);
}
