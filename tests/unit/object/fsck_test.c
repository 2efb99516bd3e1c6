/* SPDX-License-Identifier: Apache-2.0 */
#include "object/fsck.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/home.h"
#include "store/pack_format.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static void
expect_findings(struct object_fixture *fixture, enum fsck_finding_kind kind, uint64_t count)
{
    struct fsck_summary summary;

    fixture_check(fixture, &(struct fsck_options){.verifies_bytes = true}, &summary);
    for (int i = 0; i < FSCK_FINDING_COUNT; i++) {
        EXPECT_INT((int)kind == i ? count : 0, summary.finding_counts[i]);
    }
}

/* The path of some chunk file below directory; owned. */
static char *
find_file(const char *directory)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    char *found = NULL;

    while (stream != NULL && found == NULL && (entry = readdir(stream)) != NULL) {
        char *path = xasprintf("%s/%s", directory, entry->d_name);
        struct stat status;

        if (entry->d_name[0] != '.' && stat(path, &status) == 0) {
            found = S_ISDIR(status.st_mode) ? find_file(path) : xstrdup(path);
        }
        free(path);
    }
    if (stream != NULL) {
        closedir(stream);
    }
    return found;
}

static struct bucket
filled(struct object_fixture *fixture)
{
    struct bucket bucket;
    struct buffer data = BUFFER_INIT;
    struct object_put_result result;
    struct upload_id id;
    struct error err;

    fixture_open(fixture, test_directory(), 1);
    bucket = fixture_bucket(fixture, "abc");
    fixture_fill(&data, 300000, 1);
    EXPECT_OK(fixture_put(&bucket, "inline", BYTES_LITERAL("x"), &err), &err);
    EXPECT_OK(fixture_put(&bucket, "chunks", buffer_bytes(&data), &err), &err);
    data.size = 5000;
    EXPECT_OK(fixture_put(&bucket, "pack", buffer_bytes(&data), &err), &err);
    EXPECT_OK(
        multipart_create(&bucket, &(struct multipart_create_options){.key = {"up", 2}}, &id, &err),
        &err);
    EXPECT_OK(fixture_part(&bucket, "up", id, 1, buffer_bytes(&data), &result, &err), &err);
    buffer_release(&data);
    return bucket;
}

/* A sound store has no findings, after every kind of change. */
TEST(a_sound_store_is_clean)
{
    struct object_fixture fixture;
    struct fsck_summary summary;
    struct bucket bucket = filled(&fixture);
    struct error err;

    fixture_check(&fixture, &(struct fsck_options){.verifies_bytes = true}, &summary);
    EXPECT_INT(3, summary.object_count);
    EXPECT_INT(1, summary.upload_count);
    EXPECT_INT(3, summary.file_count); /* two chunk files and a pack */
    EXPECT_INT(300000 + 5000 + 5000, summary.byte_count);
    EXPECT_OK(fixture_put(&bucket, "chunks", BYTES_LITERAL("now small"), &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "pack", &err), &err);
    fixture_expect_clean(&fixture);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* A chunk file that is gone is missing; a changed one is corrupt. */
TEST(damaged_bytes_are_found)
{
    struct object_fixture fixture;
    struct bucket bucket = filled(&fixture);
    char *directory = xasprintf("%s/chunks", fixture.mountpaths[0]);
    char *path = find_file(directory);
    char byte = 1;
    int fd;

    EXPECT(path != NULL);
    fd = open(path, O_RDWR | O_CLOEXEC);
    EXPECT(pread(fd, &byte, 1, 5000) == 1);
    byte ^= 1;
    EXPECT(pwrite(fd, &byte, 1, 5000) == 1);
    expect_findings(&fixture, FSCK_BYTES_CORRUPT, 1);
    byte ^= 1;
    EXPECT(pwrite(fd, &byte, 1, 5000) == 1);
    close(fd);
    fixture_expect_clean(&fixture);
    EXPECT(unlink(path) == 0);
    expect_findings(&fixture, FSCK_BYTES_MISSING, 1);
    free(path);
    free(directory);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* A file that nothing names is an orphan; --repair removes it and nothing else. */
TEST(orphans_are_found_and_removed)
{
    struct object_fixture fixture;
    struct fsck_summary summary;
    struct bucket bucket = filled(&fixture);
    char *directory = xasprintf("%s/chunks", fixture.mountpaths[0]);
    char *path = find_file(directory);
    char *orphan = xstrdup(path);
    size_t last = strlen(orphan) - 1;

    orphan[last] = orphan[last] == '0' ? '1' : '0';
    EXPECT(link(path, orphan) == 0);
    expect_findings(&fixture, FSCK_FILE_ORPHAN, 1);
    fixture_check(&fixture, &(struct fsck_options){.orphan_age_s = 3600}, &summary);
    EXPECT_INT(0, summary.finding_counts[FSCK_FILE_ORPHAN]);
    fixture_check(&fixture, &(struct fsck_options){.repairs = true}, &summary);
    EXPECT_INT(1, summary.repaired_count);
    EXPECT(access(orphan, F_OK) != 0);
    fixture_expect_clean(&fixture);
    free(orphan);
    free(path);
    free(directory);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* A pack that no record names is an orphan like any other file, unless it is young. */
TEST(stray_packs_are_found_and_removed)
{
    struct object_fixture fixture;
    struct fsck_summary summary;
    struct bucket bucket = filled(&fixture);
    char *path = xasprintf("%s/packs/00000000000000aa", fixture.mountpaths[0]);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    EXPECT(fd >= 0);
    close(fd);
    expect_findings(&fixture, FSCK_FILE_ORPHAN, 1);
    fixture_check(&fixture, &(struct fsck_options){.orphan_age_s = 3600}, &summary);
    EXPECT_INT(0, summary.finding_counts[FSCK_FILE_ORPHAN]);
    fixture_check(&fixture, &(struct fsck_options){.repairs = true}, &summary);
    EXPECT_INT(1, summary.repaired_count);
    EXPECT(access(path, F_OK) != 0);
    fixture_expect_clean(&fixture);
    free(path);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* The totals by which space is judged are the sums of what the packs' records say. */
TEST(wrong_totals_of_packs_are_found)
{
    struct object_fixture fixture;
    struct bucket bucket = filled(&fixture);
    struct meta_batch *batch = meta_batch_create();
    unsigned char more[8] = {0, 0, 0, 0, 0, 0, 0, 64};
    struct meta_key key;
    struct error err;

    fixture_expect_clean(&fixture);
    meta_key_node(&key, NODE_PACK_TOTALS);
    meta_batch_merge(batch, FAMILY_NODE, meta_key_bytes(&key), bytes_of(more, sizeof(more)));
    EXPECT_OK(meta_db_write(home_db(store_home_at(object_store_store(fixture.store), 0)), batch,
                            true, &err),
              &err);
    meta_batch_destroy(&batch);

    expect_findings(&fixture, FSCK_COUNT_WRONG, 1);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* An entry that knows of a batch which the records do not have proves that they lost some. */
TEST(packs_ahead_of_the_records_are_found)
{
    struct object_fixture fixture;
    unsigned char header[PACK_ENTRY_HEADER_BYTES];
    unsigned char id[8];
    struct pack_entry entry = {.synced_batch = 1000000, .data_size = 10, .key_size = 1};
    struct bucket bucket = filled(&fixture);
    char *directory = xasprintf("%s/packs", fixture.mountpaths[0]);
    char *path = find_file(directory);
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    EXPECT_INT(ST_OK, decode_hex(bytes_of_string(strrchr(path, '/') + 1), id));
    entry.pack_id = decode_u64_be(id);
    pack_entry_encode(&entry, header);
    EXPECT(pwrite(fd, header, sizeof(header), (off_t)PACK_HEADER_BYTES + 64 * 1024) > 0);
    close(fd);

    expect_findings(&fixture, FSCK_LOG_LOST, 1);
    free(path);
    free(directory);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* With the server stopped the store is opened read-only. */
TEST(a_stopped_store_can_be_checked)
{
    struct object_fixture fixture;
    const char *mountpaths[FIXTURE_HOME_MAX];
    struct object_store_options options;
    struct fsck_summary summary;
    struct bucket bucket = filled(&fixture);
    struct error err;

    bucket_close(&bucket);
    fixture_stop(&fixture);
    fixture_options(&fixture, &options, mountpaths);
    options.store.read_only = true;
    EXPECT_OK(object_store_open(&options, &fixture.store, &err), &err);
    fixture_check(&fixture, &(struct fsck_options){.verifies_bytes = true}, &summary);
    EXPECT_INT(3, summary.object_count);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* Buckets, uploads and objects are all there after DATA was lost and rebuilt. */
TEST(a_lost_data_directory_is_recovered)
{
    struct object_fixture fixture;
    const char *mountpaths[FIXTURE_HOME_MAX];
    struct object_store_options options;
    struct bucket_properties properties;
    struct buffer got = BUFFER_INIT;
    struct bucket bucket = filled(&fixture);
    struct error err;
    uint64_t id = bucket.id;
    char *moved = xasprintf("%s/lost", test_directory());

    properties = bucket.properties;
    bucket_close(&bucket);
    EXPECT_OK(bucket_set_properties(fixture.store, principal_of_root(), BYTES_LITERAL("abc"),
                                    &properties, &err),
              &err);
    fixture_stop(&fixture);
    fixture_options(&fixture, &options, mountpaths);
    EXPECT_STATUS(ST_EXISTS, object_store_recover(&options, NULL));
    EXPECT(rename(fixture.data, moved) == 0);
    EXPECT_OK(object_store_recover(&options, &err), &err);
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "abc");
    EXPECT_INT(id, bucket.id);
    EXPECT_OK(fixture_get(&bucket, "inline", &got, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("x"), buffer_bytes(&got));
    bucket_close(&bucket);
    bucket = fixture_bucket(&fixture, "abd");
    EXPECT(bucket.id > id);
    fixture_expect_clean(&fixture);
    buffer_release(&got);
    bucket_close(&bucket);
    fixture_close(&fixture);
    free(moved);
}

/* Records of a bucket whose control value is gone belong to nobody; they are told and left alone.
 */
TEST(records_without_a_bucket_are_found)
{
    struct object_fixture fixture;
    struct fsck_summary summary;
    struct bucket bucket = filled(&fixture);
    struct error err;

    EXPECT_OK(control_delete(object_store_control(fixture.store), BYTES_LITERAL("bucket/abc"),
                             CONTROL_ANY_REVISION, &err),
              &err);
    fixture_check(&fixture, &(struct fsck_options){.repairs = true}, &summary);
    EXPECT_INT(4, summary.finding_counts[FSCK_RECORD_ORPHAN]);
    EXPECT_INT(3, summary.object_count);
    EXPECT_INT(0, summary.repaired_count);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

static void
put_raw(struct object_fixture *fixture, enum family family, struct bytes key, struct bytes value)
{
    struct meta_db *db = home_db(store_home_at(object_store_store(fixture->store), 0));
    struct meta_batch *batch = meta_batch_create();
    struct error err = ERROR_INIT;

    meta_batch_put(batch, family, key, value);
    EXPECT_OK(meta_db_write(db, batch, true, &err), &err);
    meta_batch_destroy(&batch);
}

/* Noncurrent versions name bytes as objects do: what they name counts, and each is looked at. */
TEST(versions_are_checked)
{
    struct object_fixture fixture;
    struct fsck_summary summary;
    struct bucket bucket = filled(&fixture);
    struct meta_value value = META_VALUE_INIT;
    struct meta_key object;
    struct meta_key version;
    struct error err;

    meta_key_object(&object, bucket.id, BYTES_LITERAL("chunks"));
    EXPECT_OK(meta_db_get(home_db(store_home_at(object_store_store(fixture.store), 0)),
                          FAMILY_OBJECT, meta_key_bytes(&object), true, &value, &err),
              &err);
    meta_key_versions(&version, bucket.id, BYTES_LITERAL("chunks"));
    memset(version.data + version.size, 7, 16);
    version.size += 16;

    put_raw(&fixture, FAMILY_VERSION, meta_key_bytes(&version), value.data);
    fixture_check(&fixture, &(struct fsck_options){.verifies_bytes = true}, &summary);
    EXPECT_INT(2, summary.finding_counts[FSCK_COUNT_WRONG]); /* its two chunk files */

    put_raw(&fixture, FAMILY_VERSION, meta_key_bytes(&version), BYTES_LITERAL("no record"));
    expect_findings(&fixture, FSCK_RECORD_UNREADABLE, 1);
    meta_value_release(&value);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

TEST(marks_are_checked)
{
    struct object_fixture fixture;
    struct bucket bucket = filled(&fixture);
    struct meta_key key;

    meta_key_object(&key, bucket.id, BYTES_LITERAL("chunks"));
    put_raw(&fixture, FAMILY_FORMER, meta_key_bytes(&key), BYTES_LITERAL("no mark"));
    expect_findings(&fixture, FSCK_RECORD_UNREADABLE, 1);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

static void
reopen(struct object_fixture *fixture, struct control *control, bool is_offline)
{
    const char *mountpaths[FIXTURE_HOME_MAX];
    struct object_store_options options;
    struct error err = ERROR_INIT;

    fixture_stop(fixture);
    fixture_options(fixture, &options, mountpaths);
    options.control = control;
    options.is_offline = is_offline;
    options.store.read_only = is_offline;
    EXPECT_OK(object_store_open(&options, &fixture->store, &err), &err);
}

/* Without control values a node of a cluster is checked by the buckets that it knew last; one that
 * knows of none says nothing about them. */
TEST(a_node_of_a_cluster_is_checked_without_its_control_values)
{
    struct object_fixture fixture;
    struct fsck_summary summary;
    struct control *control = NULL;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    char *directory = xasprintf("%s/shared", test_directory());

    fixture_open(&fixture, test_directory(), 2);
    EXPECT_OK(control_open_local(directory, &control, &err), &err);
    reopen(&fixture, control, false);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "key", BYTES_LITERAL("x"), &err), &err);
    bucket_close(&bucket);
    bucket = fixture_bucket(&fixture, "another");
    bucket_close(&bucket);

    reopen(&fixture, NULL, true);
    fixture_check(&fixture, &(struct fsck_options){.verifies_bytes = true}, &summary);
    EXPECT_INT(1, summary.object_count);
    fixture_expect_clean(&fixture);

    reopen(&fixture, control, false);
    EXPECT_OK(control_delete(control, BYTES_LITERAL("bucket/abc"), CONTROL_ANY_REVISION, &err),
              &err);
    reopen(&fixture, NULL, true);
    expect_findings(&fixture, FSCK_RECORD_ORPHAN, 1);

    reopen(&fixture, control, false);
    EXPECT_OK(control_delete(control, BYTES_LITERAL("bucket/another"), CONTROL_ANY_REVISION, &err),
              &err);
    reopen(&fixture, NULL, true);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
    control_close(&control);
    free(directory);
}
