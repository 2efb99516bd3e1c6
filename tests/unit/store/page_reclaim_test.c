/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPEC: the end of an object of thousands of chunks is many commits of bounded size; whatever
 * happens between them, nothing is lost, and nothing stays behind.  The process that is killed is a
 * child: one that has run RocksDB cannot fork, so the test's own opens a store only after it.
 */
#include "store/page_reclaim.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/reclaimer.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

/* Nine pages, three commits. */
#define CHUNK_COUNT 2100
/* Two pages: as many files as any disk removes within RECLAIM_STOP_MS. */
#define FEW_CHUNKS 300
#define CHUNK_BYTES 1000
/* What the commit of a delete holds, and one of those that follow may hold. */
#define DELETE_OPERATIONS_MAX 10
#define RECLAIM_EXTENTS_MAX 1024

static struct store *
open_stepped(void)
{
    struct store_options options;

    fixture_options(&options, 1);
    options.is_background_off = true;
    options.lazy_sync_interval_ms = 20;
    return fixture_open(&options);
}

static void
put_chunked(struct store *store, size_t count)
{
    struct buffer data = fixture_bytes(5, count * CHUNK_BYTES);
    struct fixture_put put = {.key = "large",
                              .data = buffer_bytes(&data),
                              .chunk_bytes = CHUNK_BYTES,
                              .durability = DURABILITY_NONE};
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put_with(store, &put, NULL, &err), &err);
    buffer_release(&data);
}

static size_t
record_count(struct store *store, enum family family)
{
    struct meta_scan scan = {.family = family};
    struct meta_iterator *iterator = meta_iterator_open(home_db(store_home_at(store, 0)), &scan);
    size_t count = 0;

    for (; meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        count++;
    }
    EXPECT_INT(ST_OK, meta_iterator_status(iterator, NULL));
    meta_iterator_close(&iterator);
    return count;
}

static size_t file_count;

static int
count_chunk(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    file_count += type == FTW_F && strstr(path, "/chunks/") != NULL;
    return 0;
}

static size_t
chunk_file_count(void)
{
    file_count = 0;
    EXPECT(nftw(test_directory(), count_chunk, 16, FTW_PHYS) == 0);
    return file_count;
}

static void
wait_until_reclaimed(struct store *store)
{
    struct reclaimer *reclaimer = store_home_at(store, 0)->reclaimer;

    for (int i = 0; i < 3000 && reclaimer_waiting_count(reclaimer) > 0; i++) { /* upkeep's work */
        const struct timespec pause = {0, 10000000};

        nanosleep(&pause, NULL);
    }
    EXPECT_INT(0, reclaimer_waiting_count(reclaimer));
}

static void
expect_nothing_left(struct store *store)
{
    EXPECT_INT(0, record_count(store, FAMILY_OBJECT));
    EXPECT_INT(0, record_count(store, FAMILY_LAYOUT));
    EXPECT_INT(0, record_count(store, FAMILY_CHUNK));
}

static int64_t
counted(struct store *store, enum home_counter counter)
{
    return metric_value(&store_home_at(store, 0)->metrics->counters[counter]);
}

/* The delete itself is as small for three thousand chunks as for one; what follows is cut. */
TEST(end_of_a_large_object_is_many_bounded_commits)
{
    struct store *store = open_stepped();
    struct home_pin pin;
    struct error err = ERROR_INIT;
    int64_t operations;
    int64_t commits;

    put_chunked(store, CHUNK_COUNT);
    EXPECT_INT(CHUNK_COUNT, record_count(store, FAMILY_CHUNK));
    pin = home_pin(store_home_at(store, 0));
    operations = counted(store, HOME_OPERATIONS);
    EXPECT_OK(fixture_delete(store, "large", &err), &err);
    EXPECT(counted(store, HOME_OPERATIONS) - operations <= DELETE_OPERATIONS_MAX);
    EXPECT_INT(CHUNK_COUNT, record_count(store, FAMILY_CHUNK));
    commits = counted(store, HOME_COMMITS);
    home_unpin(&pin);
    wait_until_reclaimed(store);

    EXPECT(counted(store, HOME_COMMITS) - commits >= CHUNK_COUNT / RECLAIM_EXTENTS_MAX);
    expect_nothing_left(store);
    EXPECT_INT(0, chunk_file_count());
    store_close(&store);
}

/* Whoever read the record before reads on to the end. */
TEST(reader_of_a_dropped_large_object_reads_to_its_end)
{
    struct store *store = open_stepped();
    struct buffer data = fixture_bytes(5, CHUNK_COUNT * CHUNK_BYTES);
    struct buffer content = BUFFER_INIT;
    struct home_pin pin;
    struct arena arena = ARENA_INIT;
    struct object_record record;
    struct source *source = NULL;
    struct error err = ERROR_INIT;
    size_t size = 1;

    put_chunked(store, CHUNK_COUNT);
    pin = home_pin(store_home_at(store, 0));
    EXPECT_OK(fixture_head(store, "large", &arena, &record, &err), &err);
    EXPECT_OK(fixture_delete(store, "large", &err), &err);
    EXPECT_OK(home_sync(store_home_at(store, 0), &err), &err);
    EXPECT_OK(layout_reader_open(&(struct layout_reader_options){.layout = &record.layout,
                                                                 .size = record.size,
                                                                 .length = record.size,
                                                                 .what = "large"},
                                 READ_MAY_WAIT, &pin, &source, &err),
              &err);
    while (size > 0) {
        EXPECT_OK(
            source_read(source, READ_MAY_WAIT, buffer_reserve(&content, 65536), 65536, &size, &err),
            &err);
        content.size += size;
    }
    EXPECT_BYTES(buffer_bytes(&data), buffer_bytes(&content));
    source_release(&source);
    wait_until_reclaimed(store);

    expect_nothing_left(store);
    arena_release(&arena);
    buffer_release(&content);
    buffer_release(&data);
    store_close(&store);
}

/* A clean stop leaves nothing of it to the sweep. */
TEST(clean_stop_frees_what_was_dropped)
{
    struct store *store = open_stepped();
    struct home_pin pin;
    struct error err = ERROR_INIT;

    put_chunked(store, FEW_CHUNKS);
    EXPECT_INT(FEW_CHUNKS, chunk_file_count());
    pin = home_pin(store_home_at(store, 0));
    EXPECT_OK(fixture_delete(store, "large", &err), &err);
    home_unpin(&pin);
    store_close(&store);

    EXPECT_INT(0, chunk_file_count());
    store = open_stepped();
    expect_nothing_left(store);
    store_close(&store);
}

#ifdef LODE_FAULTS
/* A child deletes the object and dies at the nth passing of the point. */
static void
die_at(const char *point, uint64_t nth)
{
    pid_t child;
    int result;

#ifdef __SANITIZE_THREAD__
    test_skip("ThreadSanitizer starts no threads after a fork");
#endif
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct store *store = open_stepped();
        const struct timespec pause = {60, 0};

        put_chunked(store, CHUNK_COUNT);
        EXPECT_INT(ST_OK, home_sync(store_home_at(store, 0), NULL));
        fault_arm(point, nth, 1, FAULT_ACTION_KILL);
        (void)fixture_delete(store, "large", NULL);
        nanosleep(&pause, NULL); /* upkeep passes the point */
        _exit(1);
    }
    CHECK(waitpid(child, &result, 0) == child);
    EXPECT(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
}
#endif

static void
kill_leaves_nothing(const char *point, uint64_t nth)
{
#ifdef LODE_FAULTS
    struct store *store;
    uint64_t removed;
    struct error err = ERROR_INIT;
    struct store_options options;

    die_at(point, nth);
    fixture_options(&options, 1);
    options.is_background_off = true;
    options.sweep_age_s = 0;
    store = fixture_open(&options);
    fixture_expect_absent(store, "large");
    wait_until_reclaimed(store);
    expect_nothing_left(store);
    /* Files whose count was gone already are the sweep's: once to meet them, once to remove. */
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
    EXPECT_INT(0, chunk_file_count());
    store_close(&store);
#else
    test_skip("built without --enable-faults");
#endif
}

TEST(kill_before_the_first_commit_of_the_end_leaves_nothing)
{
    kill_leaves_nothing("reclaim_before_commit", 1);
}

TEST(kill_between_two_commits_of_the_end_leaves_nothing)
{
    kill_leaves_nothing("reclaim_before_commit", 2);
}

TEST(kill_before_the_last_commit_of_the_end_leaves_nothing)
{
    kill_leaves_nothing("reclaim_before_commit", 3);
}

TEST(kill_while_files_are_removed_leaves_nothing)
{
    kill_leaves_nothing("chunk_unlink", 100);
}
