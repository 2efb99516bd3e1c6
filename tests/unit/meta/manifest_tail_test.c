/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/manifest_tail.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meta/meta_db.h"

#include "tests/unit/test.h"

#include "base/banned.h"

#define SECTOR_BYTES 512
#define MANIFEST_BYTES_MAX 65536

static char directory[256];
static char manifest[512];

static struct meta_db_options
options_of_test(void)
{
    snprintf(directory, sizeof(directory), "%s/meta", test_directory());
    return (struct meta_db_options){.directory = directory,
                                    .write_buffer_bytes = (size_t)16 << 20,
                                    .wal_max_bytes = (size_t)64 << 20,
                                    .create_if_missing = true};
}

static enum status
open_and_close(void)
{
    struct meta_db_options options = options_of_test();
    struct meta_db *db = NULL;
    enum status st = meta_db_open(&options, &db, NULL);

    meta_db_close(&db);
    return st;
}

/* Writes a value, so that the manifest has records, and finds it. */
static void
make_database(void)
{
    struct meta_db_options options = options_of_test();
    struct meta_batch *batch = meta_batch_create();
    struct meta_db *db = NULL;
    struct error err = ERROR_INIT;
    char path[300];
    char name[64] = "";
    int fd;

    EXPECT_OK(meta_db_open(&options, &db, &err), &err);
    meta_batch_put(batch, FAMILY_OBJECT, BYTES_LITERAL("k"), BYTES_LITERAL("v"));
    EXPECT_OK(meta_db_write(db, batch, true, &err), &err);
    meta_batch_destroy(&batch);
    meta_db_close(&db);

    snprintf(path, sizeof(path), "%s/CURRENT", directory);
    fd = open(path, O_RDONLY);
    EXPECT(fd >= 0 && read(fd, name, sizeof(name) - 1) > 1);
    close(fd);
    name[strcspn(name, "\n")] = '\0';
    snprintf(manifest, sizeof(manifest), "%s/%s", directory, name);
}

static size_t
manifest_size(void)
{
    struct stat status;

    EXPECT_INT(0, stat(manifest, &status));
    return (size_t)status.st_size;
}

static void
overwrite(size_t offset, const void *data, size_t size)
{
    int fd = open(manifest, O_WRONLY);

    EXPECT(fd >= 0 && pwrite(fd, data, size, (off_t)offset) == (ssize_t)size);
    close(fd);
}

/* A record of 1,000 bytes at the end of which only the first sector was written. */
static void
append_torn_record(void)
{
    char record[1007] = {1, 2, 3, 4, (char)0xe8, 3, 1};
    size_t offset = manifest_size();
    size_t written = SECTOR_BYTES - offset % SECTOR_BYTES;

    memset(record + 7, 'x', sizeof(record) - 7);
    memset(record + written, 0, sizeof(record) - written);
    overwrite(offset, record, sizeof(record));
}

static void
expect_value(void)
{
    struct meta_db_options options = options_of_test();
    struct meta_value value = META_VALUE_INIT;
    struct meta_db *db = NULL;
    struct error err = ERROR_INIT;

    EXPECT_OK(meta_db_open(&options, &db, &err), &err);
    EXPECT_OK(meta_db_get(db, FAMILY_OBJECT, BYTES_LITERAL("k"), true, &value, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("v"), value.data);
    meta_value_release(&value);
    meta_db_close(&db);
}

/* RocksDB alone refuses this file; the record was never synced, so nothing depends on it. */
TEST(torn_append_is_cut_off_and_the_database_opens)
{
    make_database();
    append_torn_record();

    expect_value();
}

TEST(torn_append_is_cut_at_the_last_whole_record)
{
    size_t size;

    make_database();
    size = manifest_size();
    append_torn_record();

    EXPECT_STATUS(ST_OK, manifest_tail_cut(directory, NULL));
    EXPECT_INT(size, manifest_size());
}

/* A flipped bit may be in what was synced: leaving that record out could lose objects. */
TEST(damage_without_a_missing_sector_is_refused)
{
    char byte;
    size_t size;
    int fd;

    make_database();
    size = manifest_size();
    fd = open(manifest, O_RDONLY);
    EXPECT(fd >= 0 && pread(fd, &byte, 1, (off_t)size - 3) == 1);
    close(fd);
    byte ^= 4;
    overwrite(size - 3, &byte, 1);

    EXPECT_STATUS(ST_CORRUPT, open_and_close());
    EXPECT_INT(size, manifest_size());
}

TEST(torn_place_with_whole_records_behind_it_is_refused)
{
    static char copy[MANIFEST_BYTES_MAX];
    size_t size;
    int fd;

    make_database();
    size = manifest_size();
    EXPECT(size < sizeof(copy));
    fd = open(manifest, O_RDONLY);
    EXPECT(fd >= 0 && pread(fd, copy, size, 0) == (ssize_t)size);
    close(fd);
    append_torn_record();
    overwrite(32768, copy, size);

    EXPECT_STATUS(ST_CORRUPT, manifest_tail_cut(directory, NULL));
    EXPECT_INT(32768 + size, manifest_size());
}

TEST(sound_manifest_is_left_alone)
{
    make_database();
    size_t size = manifest_size();

    EXPECT_STATUS(ST_CORRUPT, manifest_tail_cut(directory, NULL));
    EXPECT_INT(size, manifest_size());
}
