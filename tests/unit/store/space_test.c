/* SPDX-License-Identifier: Apache-2.0 */
/* Space that is given back: pack collector, freeing of dropped files, sweep. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define OBJECT_COUNT 600
#define OBJECT_BYTES 30000

static uint64_t file_count;
static uint64_t file_bytes;

static int
count_chunk(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    if (kind == FTW_F && strstr(path, "/chunks/") != NULL) {
        file_count++;
    }
    if (kind == FTW_F && strstr(path, "/packs/") != NULL) {
        file_bytes += (uint64_t)status->st_size;
    }
    return 0;
}

static void
measure(void)
{
    file_count = 0;
    file_bytes = 0;
    nftw(test_directory(), count_chunk, 16, FTW_PHYS);
}

static void
put_numbered(struct store *store, int number, uint64_t seed, size_t size)
{
    struct buffer data = fixture_bytes(seed, size);
    struct error err = ERROR_INIT;
    char key[32];

    snprintf(key, sizeof(key), "k%d", number);
    EXPECT_OK(fixture_put(store, key, buffer_bytes(&data), &err), &err);
    buffer_release(&data);
}

static void
expect_numbered(struct store *store, int number, uint64_t seed, size_t size)
{
    struct buffer data = fixture_bytes(seed, size);
    char key[32];

    snprintf(key, sizeof(key), "k%d", number);
    fixture_expect(store, key, buffer_bytes(&data));
    buffer_release(&data);
}

static struct store *
open_stepped(int64_t sweep_age_s)
{
    struct store_options options;

    fixture_options(&options, 1);
    options.is_background_off = true;
    options.sweep_age_s = sweep_age_s;
    options.pack_bytes = (uint64_t)1 << 20;
    return fixture_open(&options);
}

static void
collect_all(struct store *store)
{
    struct error err = ERROR_INIT;
    bool work_done = true;

    for (int i = 0; i < 1000 && work_done; i++) {
        EXPECT_OK(store_collect_once(store, &work_done, &err), &err);
    }
    EXPECT(!work_done);
}

/* SPEC: packs take at most 1.5 times their live bytes, free ones included, plus a fixed slack. */
TEST(collector_keeps_packs_within_their_bound_after_random_overwrites)
{
    struct store *store = open_stepped(3600);
    struct prng prng = test_prng();
    uint64_t seeds[OBJECT_COUNT];
    struct store_space space;

    for (int i = 0; i < OBJECT_COUNT; i++) {
        seeds[i] = (uint64_t)i;
        put_numbered(store, i, seeds[i], OBJECT_BYTES);
    }
    for (int i = 0; i < 2 * OBJECT_COUNT; i++) {
        int number = (int)prng_below(&prng, OBJECT_COUNT);

        seeds[number] = 1000 + (uint64_t)i;
        put_numbered(store, number, seeds[number], OBJECT_BYTES);
    }
    collect_all(store);

    store_space(store, &space);
    EXPECT(space.pack_live_bytes >= (uint64_t)OBJECT_COUNT * OBJECT_BYTES);
    EXPECT(space.pack_live_bytes < (uint64_t)OBJECT_COUNT * (OBJECT_BYTES + 200));
    EXPECT(space.pack_bytes <= space.pack_live_bytes / 2 * 3 + (3 << 20));
    for (int i = 0; i < OBJECT_COUNT; i++) {
        expect_numbered(store, i, seeds[i], OBJECT_BYTES);
    }
    store_close(&store);
    store = open_stepped(3600);
    for (int i = 0; i < OBJECT_COUNT; i++) {
        expect_numbered(store, i, seeds[i], OBJECT_BYTES);
    }
    store_close(&store);
}

/* Emptied packs are used again instead of growing the directory. */
TEST(emptied_packs_are_recycled)
{
    struct store *store = open_stepped(3600);
    struct timespec pause = {0, 100000000};
    uint64_t before;

    for (int round = 0; round < 8; round++) {
        for (int i = 0; i < 100; i++) {
            put_numbered(store, i, (uint64_t)(round * 1000 + i), OBJECT_BYTES);
        }
        collect_all(store);
        nanosleep(&pause, NULL); /* let upkeep free what was released; not a condition to pass */
    }
    measure();
    before = file_bytes;

    EXPECT(before <= (uint64_t)(8 + 4 + 4) << 20);
    for (int i = 0; i < 100; i++) {
        expect_numbered(store, i, (uint64_t)(7000 + i), OBJECT_BYTES);
    }
    store_close(&store);
}

/* Wait, bounded, until upkeep has freed all chunk files but `expected`. */
static bool
wait_for_chunks(uint64_t expected)
{
    struct timespec pause = {0, 10000000};

    for (int i = 0; i < 1000; i++) {
        measure();
        if (file_count == expected) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

TEST(dropped_chunk_file_goes_when_the_last_pin_does)
{
    struct store *store = open_stepped(3600);
    struct home_pin pin;
    struct error err = ERROR_INIT;

    put_numbered(store, 1, 1, 1 << 20);
    pin = home_pin(store_home_at(store, 0));
    put_numbered(store, 1, 2, 1 << 20);
    measure();
    EXPECT_INT(2, file_count);
    home_unpin(&pin);

    EXPECT(wait_for_chunks(1));
    EXPECT_OK(fixture_delete(store, "k1", &err), &err);
    EXPECT(wait_for_chunks(0));
    store_close(&store);
}

TEST(writer_that_gives_up_leaves_no_file)
{
    struct store *store = open_stepped(3600);
    struct buffer data = fixture_bytes(1, 2 << 20);
    struct layout_writer_options options = {.home = store_home_at(store, 0),
                                            .bucket_id = FIXTURE_BUCKET,
                                            .key = BYTES_LITERAL("k"),
                                            .chunk_bytes = 1 << 20,
                                            .size = 5 << 20};
    struct layout_writer *writer;
    struct error err = ERROR_INIT;

    EXPECT_OK(layout_writer_create(&options, &writer, &err), &err);
    EXPECT_OK(layout_writer_write(writer, buffer_bytes(&data), &err), &err);
    layout_writer_destroy(&writer);
    measure();

    EXPECT_INT(0, file_count);
    buffer_release(&data);
    store_close(&store);
}

static void
plant_file(struct store *store, const char *name)
{
    char hex[33];
    char path[700];
    int fd;

    for (int i = 0; i < 16; i++) {
        snprintf(hex + 2 * i, 3, "%02x", home_uuid(store_home_at(store, 0))[i]);
    }
    snprintf(path, sizeof(path), "%s/chunks/%s/%.2s/%s", home_directory(store_home_at(store, 0)),
             hex, name, name);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    close(fd);
}

TEST(sweep_removes_old_unnamed_files_and_nothing_else)
{
    struct store *store = open_stepped(100);
    struct error err = ERROR_INIT;
    uint64_t removed = 99;

    put_numbered(store, 1, 1, 1 << 20);
    put_numbered(store, 2, 2, 4096);
    plant_file(store, "00112233445566778899aabbccddeeff");
    clock_use_virtual(clock_wall_ns());
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
    EXPECT_INT(0, removed); /* seen for the first time */
    clock_advance(99 * CLOCK_NS_PER_S);
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
    EXPECT_INT(0, removed);
    clock_advance(2 * CLOCK_NS_PER_S);
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
    clock_use_system();

    EXPECT_INT(1, removed);
    measure();
    EXPECT_INT(1, file_count);
    expect_numbered(store, 1, 1, 1 << 20);
    expect_numbered(store, 2, 2, 4096);
    store_close(&store);
}

TEST(sweep_spares_files_that_are_being_written)
{
    struct store *store = open_stepped(0);
    struct buffer data = fixture_bytes(1, 1 << 20);
    struct layout_writer_options options = {.home = store_home_at(store, 0),
                                            .bucket_id = FIXTURE_BUCKET,
                                            .key = BYTES_LITERAL("k"),
                                            .size = 5 << 20};
    struct layout_writer *writer;
    struct error err = ERROR_INIT;
    uint64_t removed;

    EXPECT_OK(layout_writer_create(&options, &writer, &err), &err);
    EXPECT_OK(layout_writer_write(writer, buffer_bytes(&data), &err), &err);
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
        EXPECT_INT(0, removed);
    }
    measure();

    EXPECT_INT(1, file_count);
    layout_writer_destroy(&writer);
    buffer_release(&data);
    store_close(&store);
}

static struct store *shared_store;
static atomic_int failure_count;
static atomic_bool is_over;

static void *
overwrite(void *arg)
{
    struct prng prng = prng_init(test_seed() + (uintptr_t)arg);

    for (int i = 0; i < 300; i++) {
        uint64_t seed = prng_u64(&prng);
        size_t size = 600 + prng_below(&prng, 60000);
        struct buffer data = fixture_bytes(seed, size);
        struct buffer content = BUFFER_INIT;
        char key[32];

        /* the first bytes tell the seed, so that any whole version can be checked */
        memcpy(data.data, &seed, sizeof(seed));
        snprintf(key, sizeof(key), "k%llu", (unsigned long long)prng_below(&prng, 40));
        if (fixture_put(shared_store, key, buffer_bytes(&data), NULL) != ST_OK ||
            fixture_get(shared_store, key, &content, NULL) != ST_OK) {
            atomic_fetch_add(&failure_count, 1);
        } else {
            struct buffer expected;

            memcpy(&seed, content.data, sizeof(seed));
            expected = fixture_bytes(seed, content.size);
            if (memcmp(expected.data + 8, content.data + 8, content.size - 8) != 0) {
                atomic_fetch_add(&failure_count, 1);
            }
            buffer_release(&expected);
        }
        buffer_release(&content);
        buffer_release(&data);
    }
    return NULL;
}

static void *
collect(void *arg)
{
    while (!atomic_load(&is_over)) {
        bool work_done;
        uint64_t removed;

        if (store_collect_once(shared_store, &work_done, NULL) != ST_OK ||
            store_sweep_once(shared_store, &removed, NULL) != ST_OK) {
            atomic_fetch_add(&failure_count, 1);
        }
    }
    return NULL;
}

/* Moves race with overwrites and readers; live bytes must match the records at the end. */
TEST(collector_and_sweep_run_beside_writers_and_readers)
{
    pthread_t threads[9];
    struct store_space space;
    uint64_t live_bytes = 0;

    shared_store = open_stepped(0);
    atomic_store(&failure_count, 0);
    atomic_store(&is_over, false);
    for (uintptr_t i = 0; i < 9; i++) {
        CHECK(pthread_create(&threads[i], NULL, i == 8 ? collect : overwrite, (void *)i) == 0);
    }
    for (int i = 0; i < 9; i++) {
        if (i == 8) {
            atomic_store(&is_over, true);
        }
        CHECK(pthread_join(threads[i], NULL) == 0);
    }

    EXPECT_INT(0, atomic_load(&failure_count));
    for (int i = 0; i < 40; i++) {
        struct arena arena = ARENA_INIT;
        struct object_record record;
        char key[32];

        snprintf(key, sizeof(key), "k%d", i);
        if (fixture_head(shared_store, key, &arena, &record, NULL) == ST_OK) {
            live_bytes += (128 + record.size + 63) / 64 * 64;
        }
        arena_release(&arena);
    }
    store_space(shared_store, &space);
    EXPECT_INT(live_bytes, space.pack_live_bytes);
    store_close(&shared_store);
}
