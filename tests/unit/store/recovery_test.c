/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when disks fail, fill up, rot or come back older. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

static void
put_sized(struct store *store, const char *key, uint64_t seed, size_t size)
{
    struct buffer data = fixture_bytes(seed, size);
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put(store, key, buffer_bytes(&data), &err), &err);
    buffer_release(&data);
}

static void
expect_sized(struct store *store, const char *key, uint64_t seed, size_t size)
{
    struct buffer data = fixture_bytes(seed, size);

    fixture_expect(store, key, buffer_bytes(&data));
    buffer_release(&data);
}

/* SPEC: a failed fsync is final: the write is not acknowledged, the mountpath takes no more, reads
 * go on, and recovery decides. */
TEST(failed_sync_quarantines_the_home_until_restart)
{
#ifdef LODE_FAULTS
    static const char *const POINTS[] = {"pack_sync", "record_write", "chunk_sync",
                                         "chunk_directory_sync"};
    static const size_t SIZES[] = {5000, 100, 400000, 400000};
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(POINTS); i++) {
        struct store *store = fixture_open_simple(1);
        struct buffer data = fixture_bytes(9, SIZES[i]);
        enum status st;

        put_sized(store, "old", i, 5000);
        fault_arm(POINTS[i], 1, 1, EIO);
        st = fixture_put(store, "old", buffer_bytes(&data), &err);
        fault_disarm();

        EXPECT(st == ST_UNAVAILABLE || st == ST_IO);
        EXPECT_INT(HOME_QUARANTINED, home_state(store_home_at(store, 0)));
        EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(store, "new", bytes_of_string("x"), NULL));
        EXPECT_STATUS(ST_UNAVAILABLE, fixture_delete(store, "old", NULL));
        expect_sized(store, "old", i, 5000);
        buffer_release(&data);
        store_close(&store);
        store = fixture_open_simple(1);
        put_sized(store, "new", 1, 5000);
        store_close(&store);
    }
#else
    test_skip("built without --enable-faults");
#endif
}

/* SPEC: ENOSPC is not a disk fault: writes are refused below the floor, deletes and reads go on. */
TEST(below_the_free_floor_writes_are_refused_and_deletes_go_on)
{
    struct store_options options;
    struct store *store = fixture_open_simple(1);
    struct error err = ERROR_INIT;

    put_sized(store, "k", 1, 5000);
    store_close(&store);
    fixture_options(&options, 1);
    options.free_floor_bytes = UINT64_MAX / 4;
    store = fixture_open(&options);

    EXPECT_STATUS(ST_NO_SPACE, fixture_put(store, "n", bytes_of_string("x"), NULL));
    EXPECT_STATUS(ST_NO_SPACE, home_require_writable(store_home_at(store, 0), NULL));
    EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
    expect_sized(store, "k", 1, 5000);
    EXPECT_OK(fixture_delete(store, "k", &err), &err);
    fixture_expect_absent(store, "k");
    store_close(&store);
}

/* A real small file system, filled to its floor with objects of all places. */
TEST(full_disk_refuses_writes_and_takes_them_again_after_deletes)
{
    struct store_options options;
    struct store *store;
    struct error err = ERROR_INIT;
    char path[600];
    char key[32];
    int count = 0;
    enum status st = ST_OK;

    fixture_options(&options, 1);
    snprintf(path, sizeof(path), "%s/small", test_directory());
    EXPECT(mkdir(path, 0700) == 0);
    if (mount("tmpfs", path, "tmpfs", 0, "size=96m") != 0) {
        test_skip("no right to mount a small file system");
    }
    options.mountpaths = (const char *const[]){path};
    options.free_floor_bytes = (uint64_t)8 << 20;
    store = fixture_open(&options);
    for (; st == ST_OK && count < 1000; count++) {
        struct buffer data = fixture_bytes((uint64_t)count, 700000);

        snprintf(key, sizeof(key), "k%d", count);
        st = fixture_put(store, key, buffer_bytes(&data), &err);
        buffer_release(&data);
    }
    count--;

    EXPECT_STATUS(ST_NO_SPACE, st);
    EXPECT(count > 50);
    EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
    fixture_expect_absent(store, key);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        if (i % 2 == 0) {
            EXPECT_OK(fixture_delete(store, key, &err), &err);
        } else {
            expect_sized(store, key, (uint64_t)i, 700000);
        }
    }
    st = ST_NO_SPACE;
    for (int i = 0; i < 1000 && st == ST_NO_SPACE; i++) { /* until upkeep has freed the files */
        struct buffer data = fixture_bytes(7, 700000);
        struct timespec pause = {0, 10000000};

        st = fixture_put(store, "again", buffer_bytes(&data), &err);
        buffer_release(&data);
        nanosleep(&pause, NULL);
    }
    EXPECT_OK(st, &err);
    expect_sized(store, "again", 7, 700000);
    store_close(&store);
    EXPECT(umount(path) == 0);
}

static int damaged_count;

static int
flip_byte(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    const char *what = strstr(path, "/chunks/") != NULL  ? "chunk"
                       : strstr(path, "/packs/") != NULL ? "pack"
                                                         : NULL;

    if (kind == FTW_F && what != NULL) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        /* the data of the first entry of a pack; the second block of a chunk file */
        off_t at = strcmp(what, "pack") == 0 ? 4096 + 128 + 1000 : 4096 + 65536 + 10;
        char byte;

        CHECK(fd >= 0 && pread(fd, &byte, 1, at) == 1);
        byte ^= 0x10;
        CHECK(pwrite(fd, &byte, 1, at) == 1);
        close(fd);
        damaged_count++;
    }
    return 0;
}

/* SPEC: no byte leaves without its checksum verified. */
TEST(flipped_bit_is_found_before_bytes_leave)
{
    struct store *store = fixture_open_simple(1);
    struct buffer content = BUFFER_INIT;
    struct error err = ERROR_INIT;

    put_sized(store, "packed", 1, 5000);
    put_sized(store, "chunked", 2, 500000);
    damaged_count = 0;
    nftw(test_directory(), flip_byte, 16, FTW_PHYS);
    EXPECT_INT(2, damaged_count);

    EXPECT_STATUS(ST_CORRUPT, fixture_get(store, "packed", &content, NULL));
    EXPECT_STATUS(ST_CORRUPT, fixture_get(store, "chunked", &content, NULL));
    /* the first block is sound, the third too */
    EXPECT_OK(fixture_get_range(store, "chunked", 0, 65536, READ_MAY_WAIT, &content, &err), &err);
    buffer_release(&content);
    EXPECT_OK(fixture_get_range(store, "chunked", 131072, 1000, READ_MAY_WAIT, &content, &err),
              &err);
    buffer_release(&content);
    store_close(&store);
}

static int
remove_chunk(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    return kind == FTW_F && strstr(path, "/chunks/") != NULL ? remove(path) : 0;
}

TEST(missing_chunk_file_is_corrupt_not_absent)
{
    struct store *store = fixture_open_simple(1);
    struct buffer content = BUFFER_INIT;

    put_sized(store, "chunked", 2, 500000);
    nftw(test_directory(), remove_chunk, 16, FTW_PHYS);

    EXPECT_STATUS(ST_CORRUPT, fixture_get(store, "chunked", &content, NULL));
    store_close(&store);
}

static void
run_command(const char *program, const char *option, const char *from, const char *to)
{
    char *const arguments[] = {(char *)program, (char *)option, (char *)from, (char *)to, NULL};
    pid_t child;
    int result;

    CHECK(posix_spawnp(&child, program, NULL, NULL, arguments, environ) == 0);
    CHECK(waitpid(child, &result, 0) == child && WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

/* SPEC: DATA notes each home's last open number and synced batch; a home behind them is read-only.
 */
TEST(mountpath_restored_from_an_older_copy_is_for_reading_only)
{
    struct store_options options;
    struct store *store = fixture_open_simple(1);
    char copy[600];

    put_sized(store, "k", 1, 5000);
    store_close(&store);
    fixture_options(&options, 1);
    snprintf(copy, sizeof(copy), "%s/copy", test_directory());
    run_command("cp", "-a", options.mountpaths[0], copy);
    store = fixture_open(&options);
    put_sized(store, "k", 2, 5000);
    store_close(&store);
    run_command("rm", "-r", options.mountpaths[0], NULL);
    EXPECT(rename(copy, options.mountpaths[0]) == 0);
    store = fixture_open(&options);

    EXPECT_INT(HOME_QUARANTINED, home_state(store_home_at(store, 0)));
    expect_sized(store, "k", 1, 5000);
    EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(store, "k", bytes_of_string("x"), NULL));
    store_close(&store);
}

TEST(store_opened_for_reading_only_reads_and_refuses_writes)
{
    struct store_options options;
    struct store *store = fixture_open_simple(2);

    put_sized(store, "a", 1, 5000);
    put_sized(store, "b", 2, 500000);
    store_close(&store);
    fixture_options(&options, 2);
    options.read_only = true;
    options.is_background_off = true;
    store = fixture_open(&options);

    expect_sized(store, "a", 1, 5000);
    expect_sized(store, "b", 2, 500000);
    EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(store, "c", bytes_of_string("x"), NULL));
    EXPECT_STATUS(ST_UNAVAILABLE, fixture_delete(store, "a", NULL));
    store_close(&store);
}

static char seen[256];

static enum status
note_mirrored(struct bytes key, struct bytes value, void *arg, struct error *err)
{
    size_t size = strlen(seen);

    snprintf(seen + size, sizeof(seen) - size, "%.*s=%.*s;", BYTES_ARGS(key), BYTES_ARGS(value));
    return ST_OK;
}

/* SPEC: node id and control values are copied to every mountpath; DATA can be rebuilt from them. */
TEST(mirrored_values_survive_the_loss_of_data_and_reach_a_returning_mountpath)
{
    struct store_options options;
    struct store *store = fixture_open_simple(2);
    struct error err = ERROR_INIT;
    char node_id[64];
    char aside[600];

    EXPECT_OK(store_mirror_put(store, BYTES_LITERAL("a"), BYTES_LITERAL("1"), &err), &err);
    snprintf(node_id, sizeof(node_id), "%s", store_node_id(store));
    store_close(&store);
    fixture_options(&options, 2);
    snprintf(aside, sizeof(aside), "%s/aside", test_directory());
    EXPECT(rename(options.mountpaths[1], aside) == 0);
    store = fixture_open(&options);
    EXPECT_OK(store_mirror_put(store, BYTES_LITERAL("b"), BYTES_LITERAL("2"), &err), &err);
    EXPECT_OK(store_mirror_delete(store, BYTES_LITERAL("a"), &err), &err);
    store_close(&store);
    EXPECT(rename(aside, options.mountpaths[1]) == 0);
    store = fixture_open(&options);
    store_close(&store);
    run_command("rm", "-r", options.data_directory, options.mountpaths[0]);
    options.mountpaths = &options.mountpaths[1];
    options.mountpath_count = 1;
    options.node_id = node_id;
    store = fixture_open(&options);
    seen[0] = '\0';
    EXPECT_OK(store_mirror_scan(store, note_mirrored, NULL, &err), &err);

    EXPECT_STRING("b=2;", seen);
    store_close(&store);
}
