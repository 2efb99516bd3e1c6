/* SPDX-License-Identifier: Apache-2.0 */
/* Each metric of a mountpath moves when the thing happens that it counts, and not before. */
#include "store/home_metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"
#include "store/store_metrics.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define PACKED_BYTES ((size_t)5000)
#define CHUNKED_BYTES ((size_t)700000)

/* The value of the line that begins with the name and, behind mountpath="...", these labels. */
static double
shown(struct store *store, const char *name, size_t mountpath, const char *labels)
{
    char *start =
        xasprintf("\n%s{mountpath=\"%s/mp%zu\"%s} ", name, test_directory(), mountpath + 1, labels);
    struct buffer text = BUFFER_INIT;
    double value = -1;
    size_t at;

    store_append_metrics(store, &text);
    buffer_append(&text, "", 1);
    at = bytes_find(buffer_bytes(&text), 0, bytes_of_string(start));
    if (at != SIZE_MAX) {
        value = strtod(text.data + at + strlen(start), NULL);
    }
    EXPECT(at != SIZE_MAX);
    buffer_release(&text);
    free(start);
    return value;
}

static uint64_t
count_of(struct store *store, const char *name)
{
    return (uint64_t)shown(store, name, 0, "");
}

static uint64_t
syncs_of(struct store *store, const char *kind)
{
    char labels[64];

    snprintf(labels, sizeof(labels), ",kind=\"%s\"", kind);
    return (uint64_t)shown(store, "lode_store_sync_seconds_count", 0, labels);
}

static void
put_sized(struct store *store, const char *key, enum durability durability, size_t size)
{
    struct buffer data = fixture_bytes(size, size);
    struct fixture_put put = {.key = key, .data = buffer_bytes(&data), .durability = durability};
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put_with(store, &put, NULL, &err), &err);
    buffer_release(&data);
}

static void
get(struct store *store, const char *key)
{
    struct buffer content = BUFFER_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_get(store, key, &content, &err), &err);
    buffer_release(&content);
}

static struct store *
open_stepped(void)
{
    struct store_options options;

    fixture_options(&options, 1);
    options.is_background_off = true;
    options.sweep_age_s = 0;
    options.pack_bytes = (uint64_t)1 << 20;
    return fixture_open(&options);
}

TEST(written_and_read_bytes_are_counted_where_they_stand)
{
    struct store *store = open_stepped();
    uint64_t written = count_of(store, "lode_store_written_bytes_total");
    uint64_t packed;

    EXPECT_INT(0, written);
    put_sized(store, "packed", DURABILITY_STRICT, PACKED_BYTES);
    packed = count_of(store, "lode_store_written_bytes_total");
    EXPECT(packed >= PACKED_BYTES && packed < PACKED_BYTES + 1000);
    put_sized(store, "chunked", DURABILITY_STRICT, CHUNKED_BYTES);
    written = count_of(store, "lode_store_written_bytes_total") - packed;
    EXPECT(written >= CHUNKED_BYTES && written < CHUNKED_BYTES + 10000);

    EXPECT_INT(0, count_of(store, "lode_store_read_bytes_total"));
    get(store, "packed");
    EXPECT_INT(PACKED_BYTES, count_of(store, "lode_store_read_bytes_total"));
    get(store, "chunked");
    EXPECT_INT(PACKED_BYTES + CHUNKED_BYTES, count_of(store, "lode_store_read_bytes_total"));
    store_close(&store);
}

TEST(bytes_of_one_mountpath_are_not_counted_on_another)
{
    struct store *store = fixture_open_simple(2);
    double first;
    double second;

    put_sized(store, "k", DURABILITY_STRICT, PACKED_BYTES);
    first = shown(store, "lode_store_written_bytes_total", 0, "");
    second = shown(store, "lode_store_written_bytes_total", 1, "");

    EXPECT((first >= (double)PACKED_BYTES) != (second >= (double)PACKED_BYTES));
    EXPECT(first + second < (double)PACKED_BYTES + 1000);
    store_close(&store);
}

/* SPEC: strict syncs the bytes, their directory entry and the log; none syncs nothing. */
TEST(syncs_are_counted_by_what_they_sync)
{
    struct store *store = open_stepped();
    uint64_t pack;
    uint64_t chunk;
    uint64_t directory;
    uint64_t log;

    put_sized(store, "first", DURABILITY_STRICT, PACKED_BYTES); /* makes the pack */
    pack = syncs_of(store, "pack");
    log = syncs_of(store, "log");
    put_sized(store, "packed", DURABILITY_STRICT, PACKED_BYTES);
    EXPECT_INT(pack + 1, syncs_of(store, "pack"));
    EXPECT(syncs_of(store, "log") > log);
    EXPECT(shown(store, "lode_store_sync_seconds_sum", 0, ",kind=\"log\"") > 0);

    chunk = syncs_of(store, "chunk");
    directory = syncs_of(store, "directory");
    put_sized(store, "none", DURABILITY_NONE, CHUNKED_BYTES);
    EXPECT_INT(chunk, syncs_of(store, "chunk"));
    put_sized(store, "strict", DURABILITY_STRICT, CHUNKED_BYTES);
    EXPECT_INT(chunk + 1, syncs_of(store, "chunk"));
    EXPECT_INT(directory + 1, syncs_of(store, "directory"));
    store_close(&store);
}

TEST(batches_hold_commits_and_these_hold_operations)
{
    struct store *store = open_stepped();

    EXPECT_INT(0, count_of(store, "lode_store_commits_total"));
    put_sized(store, "a", DURABILITY_STRICT, 10);
    put_sized(store, "b", DURABILITY_STRICT, 10);

    EXPECT_INT(2, count_of(store, "lode_store_commits_total"));
    EXPECT_INT(2, count_of(store, "lode_store_commit_batches_total"));
    EXPECT(count_of(store, "lode_store_commit_operations_total") >= 4);
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_delete(store, "none", NULL));
    EXPECT_INT(2, count_of(store, "lode_store_commits_total"));
    store_close(&store);
}

TEST(collected_packs_are_counted_and_their_bytes_shown)
{
    struct store *store = open_stepped();
    struct error err = ERROR_INIT;
    bool work_done = true;
    char key[16];

    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put_sized(store, key, DURABILITY_NONE, 20000);
    }
    EXPECT(count_of(store, "lode_store_pack_live_bytes") >= UINT64_C(400) * 20000);
    EXPECT(count_of(store, "lode_store_pack_bytes") >= UINT64_C(400) * 20000);
    EXPECT_INT(0, count_of(store, "lode_store_packs_collected_total"));
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        if (i % 8 != 0) {
            EXPECT_OK(fixture_delete(store, key, &err), &err);
        }
    }
    for (int i = 0; i < 1000 && work_done; i++) {
        EXPECT_OK(store_collect_once(store, &work_done, &err), &err);
    }

    EXPECT(count_of(store, "lode_store_packs_collected_total") >= 2);
    EXPECT(count_of(store, "lode_store_pack_moved_bytes_total") >= 20000);
    EXPECT(count_of(store, "lode_store_pack_live_bytes") < UINT64_C(60) * 20000);
    EXPECT(count_of(store, "lode_store_pack_bytes") < UINT64_C(400) * 20000);
    store_close(&store);
}

TEST(chunk_files_are_counted_when_made_and_removed)
{
    struct store *store = open_stepped();
    struct error err = ERROR_INIT;
    uint64_t removed = 0;

    put_sized(store, "k", DURABILITY_STRICT, CHUNKED_BYTES);
    EXPECT_INT(1, count_of(store, "lode_store_chunk_files_created_total"));
    EXPECT_INT(1, count_of(store, "lode_store_chunk_files"));
    EXPECT_INT(0, count_of(store, "lode_store_chunk_files_removed_total"));
    EXPECT_OK(fixture_delete(store, "k", &err), &err);

    for (int i = 0; i < 1000 && removed == 0; i++) { /* until upkeep came */
        const struct timespec pause = {0, 10000000};

        nanosleep(&pause, NULL);
        removed = count_of(store, "lode_store_chunk_files_removed_total");
    }
    EXPECT_INT(1, removed);
    EXPECT_INT(0, count_of(store, "lode_store_chunk_files"));
    store_close(&store);
}

/* A reader's pin keeps what was dropped in the queue. */
TEST(reclaim_queue_is_as_long_as_what_waits_for_a_reader)
{
    struct store *store = open_stepped();
    struct home_pin pin;
    struct error err = ERROR_INIT;
    uint64_t waiting = 1;

    put_sized(store, "k", DURABILITY_STRICT, CHUNKED_BYTES);
    EXPECT_INT(0, count_of(store, "lode_store_reclaim_waiting"));
    pin = home_pin(store_home_at(store, 0));
    EXPECT_OK(fixture_delete(store, "k", &err), &err);
    EXPECT_INT(1, count_of(store, "lode_store_reclaim_waiting"));
    home_unpin(&pin);

    for (int i = 0; i < 1000 && waiting > 0; i++) { /* until upkeep came */
        const struct timespec pause = {0, 10000000};

        nanosleep(&pause, NULL);
        waiting = count_of(store, "lode_store_reclaim_waiting");
    }
    EXPECT_INT(0, waiting);
    store_close(&store);
}

TEST(quarantine_and_space_are_shown)
{
#ifdef LODE_FAULTS
    struct store *store = open_stepped();
    struct buffer data;

    EXPECT_INT(0, count_of(store, "lode_store_quarantined"));
    EXPECT_INT(0, count_of(store, "lode_store_absent"));
    EXPECT(count_of(store, "lode_store_free_bytes") > 0);
    EXPECT(count_of(store, "lode_store_total_bytes") >= count_of(store, "lode_store_free_bytes"));
    EXPECT_INT((uint64_t)16 << 20, count_of(store, "lode_store_free_floor_bytes"));
    data = fixture_bytes(1, PACKED_BYTES);
    fault_arm("pack_sync", 1, 1, EIO);
    EXPECT(fixture_put(store, "k", buffer_bytes(&data), NULL) != ST_OK);
    fault_disarm();
    buffer_release(&data);

    EXPECT_INT(1, count_of(store, "lode_store_quarantined"));
    store_close(&store);
#else
    test_skip("built without --enable-faults");
#endif
}

static int
damage_chunk(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    if (type == FTW_F && strstr(path, "/chunks/") != NULL) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        EXPECT(pwrite(fd, "!", 1, 100000) == 1);
        close(fd);
    }
    return 0;
}

TEST(bytes_that_fail_their_checksum_are_counted)
{
    struct store *store = open_stepped();
    struct buffer content = BUFFER_INIT;

    put_sized(store, "k", DURABILITY_STRICT, CHUNKED_BYTES);
    get(store, "k");
    EXPECT_INT(0, count_of(store, "lode_store_crc_mismatches_total"));
    EXPECT(nftw(test_directory(), damage_chunk, 16, FTW_PHYS) == 0);

    EXPECT_STATUS(ST_CORRUPT, fixture_get(store, "k", &content, NULL));
    EXPECT_INT(1, count_of(store, "lode_store_crc_mismatches_total"));
    store_close(&store);
}

TEST(files_removed_by_the_sweep_are_counted)
{
    struct store *store = open_stepped();
    struct error err = ERROR_INIT;
    uint64_t removed = 0;
    char path[600];
    int fd;

    snprintf(path, sizeof(path), "%s/mp1/packs/00000000000000aa", test_directory());
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    close(fd);
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);
    EXPECT_INT(0, count_of(store, "lode_store_swept_files_total"));
    EXPECT_OK(store_sweep_once(store, &removed, &err), &err);

    EXPECT_INT(1, removed);
    EXPECT_INT(1, count_of(store, "lode_store_swept_files_total"));
    store_close(&store);
}
