/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "meta/meta_key.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define THREAD_COUNT 16
#define ROUND_COUNT 60
#define HOT_KEY_COUNT 3

static struct store *store;
static atomic_int failure_count; /* EXPECT may only be used on the test's own thread */
static atomic_int success_count;

static void
run_threads(void *(*run)(void *arg))
{
    pthread_t threads[THREAD_COUNT];

    atomic_store(&failure_count, 0);
    atomic_store(&success_count, 0);
    for (uintptr_t i = 0; i < THREAD_COUNT; i++) {
        CHECK(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static enum status
decide_increment(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    unsigned char encoded[8];
    struct bytes value;
    struct meta_key key;
    uint64_t number = 0;
    enum status st;

    meta_key_object(&key, FIXTURE_BUCKET, bytes_of_string("counter"));
    st = commit_view_get(view, FAMILY_OBJECT, meta_key_bytes(&key), &value, err);
    if (st == ST_OK) {
        number = decode_u64_be(value.data);
    } else if (st != ST_NOT_FOUND) {
        return st;
    }
    encode_u64_be(encoded, number + 1);
    commit_put(commit, FAMILY_OBJECT, meta_key_bytes(&key), bytes_of(encoded, sizeof(encoded)));
    return ST_OK;
}

static void *
increment(void *arg)
{
    for (int i = 0; i < ROUND_COUNT; i++) {
        struct commit_options options = {.home = store_home_at(store, 0),
                                         .decide = decide_increment,
                                         .durability =
                                             i % 3 == 0 ? DURABILITY_STRICT : DURABILITY_RELAXED};

        if (commit_run(&options, NULL, NULL) != ST_OK) {
            atomic_fetch_add(&failure_count, 1);
        }
    }
    return NULL;
}

/* A decision on a record that changed meanwhile is made again: no increment is lost. */
TEST(concurrent_read_modify_write_loses_nothing)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    struct error err = ERROR_INIT;

    store = fixture_open_simple(1);
    run_threads(increment);

    EXPECT_INT(0, atomic_load(&failure_count));
    meta_key_object(&key, FIXTURE_BUCKET, bytes_of_string("counter"));
    EXPECT_OK(meta_db_get(home_db(store_home_at(store, 0)), FAMILY_OBJECT, meta_key_bytes(&key),
                          true, &value, &err),
              &err);
    EXPECT_INT(THREAD_COUNT * ROUND_COUNT, decode_u64_be(value.data.data));
    meta_value_release(&value);
    store_close(&store);
}

static void *
create_exclusively(void *arg)
{
    for (int i = 0; i < ROUND_COUNT; i++) {
        char key[32];
        struct fixture_put put = {.key = key, .data = BYTES_LITERAL("x"), .must_be_absent = true};
        enum status st;

        snprintf(key, sizeof(key), "once/%d", i);
        st = fixture_put_with(store, &put, NULL, NULL);
        atomic_fetch_add(&success_count, st == ST_OK);
        atomic_fetch_add(&failure_count, st != ST_OK && st != ST_PRECONDITION);
    }
    return NULL;
}

/* SPEC: S3 PutObject / If-None-Match: of writers that race, one wins. */
TEST(exactly_one_of_racing_exclusive_creates_wins)
{
    struct bucket_counters counters;
    struct error err = ERROR_INIT;

    store = fixture_open_simple(1);
    run_threads(create_exclusively);

    EXPECT_INT(0, atomic_load(&failure_count));
    EXPECT_INT(ROUND_COUNT, atomic_load(&success_count));
    EXPECT_OK(home_bucket_counters(store_home_at(store, 0), FIXTURE_BUCKET, &counters, &err), &err);
    EXPECT_INT(ROUND_COUNT, counters.object_count);
    store_close(&store);
}

static const size_t MIXED_SIZES[] = {100, 4096, 70000, 300000};

/* Content that tells its own size and seed, so that a mix of two versions is seen. */
static void *
overwrite_and_read(void *arg)
{
    struct prng prng = prng_init(test_seed() + (uintptr_t)arg);

    for (int i = 0; i < ROUND_COUNT; i++) {
        char key[32];
        size_t size = MIXED_SIZES[prng_below(&prng, 4)];
        uint64_t seed = prng_below(&prng, 100);
        struct buffer data = fixture_bytes(seed, size);
        struct buffer content = BUFFER_INIT;
        struct fixture_put put = {.key = key,
                                  .data = buffer_bytes(&data),
                                  .durability = (enum durability)prng_below(&prng, 3),
                                  .chunk_bytes = 70001};
        uint64_t action = prng_below(&prng, 8);
        enum status st;

        snprintf(key, sizeof(key), "hot/%llu",
                 (unsigned long long)prng_below(&prng, HOT_KEY_COUNT));
        encode_u64_be(data.data, seed);
        st = action == 0  ? fixture_delete(store, key, NULL)
             : action < 4 ? fixture_put_with(store, &put, NULL, NULL)
                          : fixture_get(store, key, &content, NULL);
        if (st != ST_OK && st != ST_NO_SUCH_KEY) {
            printf("# %s: %s\n", key, status_name(st));
            atomic_fetch_add(&failure_count, 1);
        }
        if (content.size > 0) {
            struct buffer expected = fixture_bytes(decode_u64_be(content.data), content.size);

            atomic_fetch_add(&failure_count,
                             memcmp(expected.data + 8, content.data + 8, content.size - 8) != 0);
            buffer_release(&expected);
        }
        buffer_release(&content);
        buffer_release(&data);
    }
    return NULL;
}

/* A reader sees one whole version, whatever is overwritten and deleted under it. */
TEST(readers_of_hot_keys_never_see_a_mixture_or_a_missing_file)
{
    struct bucket_counters counters;
    struct error err = ERROR_INIT;
    int64_t bytes = 0;
    int64_t count = 0;

    store = fixture_open_simple(2);
    run_threads(overwrite_and_read);

    EXPECT_INT(0, atomic_load(&failure_count));
    for (int i = 0; i < HOT_KEY_COUNT; i++) {
        struct arena arena = ARENA_INIT;
        struct object_record record;
        char key[32];

        snprintf(key, sizeof(key), "hot/%d", i);
        if (fixture_head(store, key, &arena, &record, NULL) == ST_OK) {
            count++;
            bytes += (int64_t)record.size;
        }
        arena_release(&arena);
    }
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(home_bucket_counters(store_home_at(store, i), FIXTURE_BUCKET, &counters, &err),
                  &err);
        count -= counters.object_count;
        bytes -= counters.logical_bytes;
    }
    EXPECT_INT(0, count);
    EXPECT_INT(0, bytes);
    store_close(&store);
}

/* SPEC: rule 9 of buckets: what a bucket's deletion refuses, no commit slips past. */
TEST(commit_for_a_bucket_that_is_refused_is_refused)
{
    atomic_bool is_refused = true;
    struct commit_options options = {.decide = decide_increment, .is_refused = &is_refused};
    struct error err = ERROR_INIT;

    store = fixture_open_simple(1);
    options.home = store_home_at(store, 0);
    EXPECT_STATUS(ST_NO_SUCH_BUCKET, commit_run(&options, NULL, NULL));
    atomic_store(&is_refused, false);
    EXPECT_OK(commit_run(&options, NULL, &err), &err);
    EXPECT_OK(commit_barrier(store_home_at(store, 0), &err), &err);
    store_close(&store);
}

static enum status
decide_delete_range(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct meta_key from;
    struct meta_key to;

    meta_key_object(&from, FIXTURE_BUCKET, BYTES_NONE);
    to = from;
    CHECK(meta_key_successor(&to));
    commit_delete_range(commit, FAMILY_OBJECT, meta_key_bytes(&from), meta_key_bytes(&to));
    return ST_OK;
}

/* Several commits in flight at once keep the order in which they were submitted. */
TEST(submitted_commits_keep_their_order_around_a_range_delete)
{
    struct commit_options increment_options = {.decide = decide_increment};
    struct commit_options range_options = {.decide = decide_delete_range};
    struct commit *commits[9];
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    struct error err = ERROR_INIT;

    store = fixture_open_simple(1);
    increment_options.home = range_options.home = store_home_at(store, 0);
    for (int i = 0; i < 9; i++) {
        commits[i] = commit_create(i == 4 ? &range_options : &increment_options);
        commit_submit(commits[i]);
    }
    for (int i = 0; i < 9; i++) {
        EXPECT_OK(commit_wait(commits[i], &err), &err);
        EXPECT(i == 0 || seq_compare(commit_seq(commits[i - 1]), commit_seq(commits[i])) < 0);
    }
    for (int i = 0; i < 9; i++) {
        commit_destroy(&commits[i]);
    }

    meta_key_object(&key, FIXTURE_BUCKET, bytes_of_string("counter"));
    EXPECT_OK(meta_db_get(home_db(store_home_at(store, 0)), FAMILY_OBJECT, meta_key_bytes(&key),
                          true, &value, &err),
              &err);
    EXPECT_INT(4, decode_u64_be(value.data.data));
    meta_value_release(&value);
    store_close(&store);
}
