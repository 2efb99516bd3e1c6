/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/meta_key.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static const struct upload_id ID = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* Scans of a bucket follow the byte order of names, whatever bytes they hold. */
TEST(object_keys_sort_by_bucket_then_by_bytes_of_the_name)
{
    static const char *const NAMES[] = {"a", "a/b", "ab", "b", "\xC3\xA4"};
    struct meta_key previous;
    struct meta_key key;

    meta_key_object(&previous, 1, bytes_of_string("zz"));
    for (size_t i = 0; i < 5; i++) {
        meta_key_object(&key, 2, bytes_of_string(NAMES[i]));
        EXPECT(bytes_compare(meta_key_bytes(&previous), meta_key_bytes(&key)) < 0);
        previous = key;
    }
}

TEST(object_key_gives_back_bucket_and_name)
{
    struct meta_key key;
    uint64_t bucket_id = 0;
    struct bytes name = BYTES_NONE;

    meta_key_object(&key, 0x0102030405060708, bytes_of_string("photos/1.jpg"));

    EXPECT_STATUS(ST_OK, meta_key_parse_object(meta_key_bytes(&key), &bucket_id, &name));
    EXPECT_INT(0x0102030405060708, bucket_id);
    EXPECT_BYTES(bytes_of_string("photos/1.jpg"), name);
}

TEST(short_object_key_is_corrupt)
{
    uint64_t bucket_id;
    struct bytes name;

    EXPECT_STATUS(ST_CORRUPT, meta_key_parse_object(bytes_of_string("1234567"), &bucket_id, &name));
}

TEST(upload_key_and_part_key_give_back_their_members)
{
    struct meta_key key;
    uint64_t bucket_id = 0;
    struct bytes name = BYTES_NONE;
    struct upload_id id;
    uint32_t number = 7;

    meta_key_upload(&key, 9, bytes_of_string("k"), ID);
    EXPECT_STATUS(ST_OK,
                  meta_key_parse_upload(meta_key_bytes(&key), &bucket_id, &name, &id, &number));
    EXPECT_INT(0, number);
    EXPECT_INT(9, bucket_id);
    EXPECT_BYTES(bytes_of_string("k"), name);
    EXPECT(memcmp(&id, &ID, sizeof(id)) == 0);

    meta_key_part(&key, 9, bytes_of_string("k"), ID, 10000);
    EXPECT_STATUS(ST_OK,
                  meta_key_parse_upload(meta_key_bytes(&key), &bucket_id, &name, &id, &number));
    EXPECT_INT(10000, number);
}

/* Parts follow their upload directly, in order of number. */
TEST(parts_sort_behind_their_upload_and_before_the_next)
{
    struct upload_id next = ID;
    struct meta_key upload;
    struct meta_key first;
    struct meta_key second;
    struct meta_key other;

    next.bytes[15]++;
    meta_key_upload(&upload, 9, bytes_of_string("k"), ID);
    meta_key_part(&first, 9, bytes_of_string("k"), ID, 255);
    meta_key_part(&second, 9, bytes_of_string("k"), ID, 256);
    meta_key_upload(&other, 9, bytes_of_string("k"), next);

    EXPECT(bytes_compare(meta_key_bytes(&upload), meta_key_bytes(&first)) < 0);
    EXPECT(bytes_compare(meta_key_bytes(&first), meta_key_bytes(&second)) < 0);
    EXPECT(bytes_compare(meta_key_bytes(&second), meta_key_bytes(&other)) < 0);
}

TEST(malformed_upload_keys_are_corrupt)
{
    struct meta_key key;
    uint64_t bucket_id;
    struct bytes name;
    struct upload_id id;
    uint32_t number;

    meta_key_part(&key, 9, bytes_of_string("k"), ID, 1);
    for (size_t size = 0; size < key.size; size++) {
        if (size != key.size - 4) { /* the upload's own key */
            EXPECT_STATUS(ST_CORRUPT, meta_key_parse_upload(bytes_of(key.data, size), &bucket_id,
                                                            &name, &id, &number));
        }
    }
    key.data[key.size - 1] = 0; /* part number 0 */
    EXPECT_STATUS(ST_CORRUPT,
                  meta_key_parse_upload(meta_key_bytes(&key), &bucket_id, &name, &id, &number));
}

TEST(successor_is_the_end_of_a_prefix)
{
    struct meta_key key = {{'a', 0xFF, 0xFF}, 3};

    EXPECT(meta_key_successor(&key));
    EXPECT_BYTES(bytes_of_string("b"), meta_key_bytes(&key));
}

TEST(nothing_follows_a_key_of_ff_bytes)
{
    struct meta_key key = {{0xFF, 0xFF}, 2};

    EXPECT(!meta_key_successor(&key));
}
