/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_delete.h"

#include <stdio.h>

#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* SPEC: S3 DeleteObject: deleting what is not there succeeds. */
TEST(deleting_what_is_not_there_succeeds)
{
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("x"), &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(&bucket, "k", &data, NULL));
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 DeleteObjects: each key has its own result; a key given twice is deleted once. */
TEST(many_keys_are_deleted_each_with_its_result)
{
    static struct object_delete_entry entries[OBJECT_DELETE_KEYS_MAX + 1];
    static char keys[OBJECT_DELETE_KEYS_MAX + 1][16];
    struct object_fixture fixture;
    struct bucket_counters counters;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i <= OBJECT_DELETE_KEYS_MAX; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key %zu", i % 900);
        entries[i] = (struct object_delete_entry){.key = bytes_of_string(keys[i])};
        if (i < 50) {
            EXPECT_OK(fixture_put(&bucket, keys[i], BYTES_LITERAL("x"), &err), &err);
        }
    }
    EXPECT_OK(fixture_put(&bucket, "stays", BYTES_LITERAL("x"), &err), &err);
    entries[7].key = BYTES_LITERAL("");
    entries[8].conditions.if_match = BYTES_LITERAL("\"other\"");
    entries[908].conditions.if_match = BYTES_LITERAL("\"other\"");
    EXPECT_STATUS(ST_INVALID, object_delete(&bucket, entries, OBJECT_DELETE_KEYS_MAX + 1, NULL));
    EXPECT_OK(object_delete(&bucket, entries, OBJECT_DELETE_KEYS_MAX, &err), &err);
    for (size_t i = 0; i < OBJECT_DELETE_KEYS_MAX; i++) {
        enum status expected = ST_OK;

        if (i == 7) {
            expected = ST_INVALID;
        } else if (i == 8 || i == 908) {
            expected = ST_PRECONDITION;
        }
        EXPECT_STATUS(expected, entries[i].status);
    }
    EXPECT_OK(bucket_counters(&bucket, &counters, &err), &err);
    EXPECT_INT(2, counters.object_count); /* "stays" and key 8; key 7 came again as entry 907 */
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 DeleteObject / If-Match */
TEST(a_delete_may_name_the_tag_it_expects)
{
    struct object_delete_entry entry = {.key = {"k", 1}};
    struct object_fixture fixture;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("x"), &err), &err);
    entry.conditions.if_match = BYTES_LITERAL("\"nothing\"");
    EXPECT_OK(object_delete(&bucket, &entry, 1, &err), &err);
    EXPECT_STATUS(ST_PRECONDITION, entry.status);
    entry.conditions.if_match = BYTES_LITERAL("\"9dd4e461268c8034f5c8564e155c67a6\"");
    EXPECT_OK(object_delete(&bucket, &entry, 1, &err), &err);
    EXPECT_STATUS(ST_OK, entry.status);
    EXPECT_OK(object_delete(&bucket, &entry, 1, &err), &err);
    EXPECT_STATUS(ST_NO_SUCH_KEY, entry.status);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}
