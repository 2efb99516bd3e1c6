/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_put.h"

#include "base/encode.h"
#include "base/memory.h"
#include "stream/digest.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Sizes on both sides of every border between the places for bytes. */
static const size_t SIZES[] = {0,      1,      511,    512,    513,         4096,
                               65535,  65536,  65537,  262143, 262144,      262145,
                               524288, 524289, 700000, 786432, 2 * 1048576, 2 * 1048576 + 1};

static void
expect_stored(const struct bucket *bucket, const char *key, struct bytes expected)
{
    struct buffer got = BUFFER_INIT;
    struct error err;

    EXPECT_OK(fixture_get(bucket, key, &got, &err), &err);
    EXPECT(bytes_equal(expected, buffer_bytes(&got)));
    buffer_release(&got);
}

/* What was put is what is got, for every place that bytes can have, and after a restart. */
TEST(bytes_come_back_as_they_went)
{
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        char *key = xasprintf("key %zu", SIZES[i]);

        fixture_fill(&data, SIZES[i], i);
        EXPECT_OK(fixture_put(&bucket, key, buffer_bytes(&data), &err), &err);
        expect_stored(&bucket, key, buffer_bytes(&data));
        free(key);
    }
    bucket_close(&bucket);
    fixture_stop(&fixture);
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "abc");
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        char *key = xasprintf("key %zu", SIZES[i]);

        fixture_fill(&data, SIZES[i], i);
        expect_stored(&bucket, key, buffer_bytes(&data));
        free(key);
    }
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
    buffer_release(&data);
}

static void
put_in_pieces(const struct bucket *bucket, const char *key, uint64_t announced, struct bytes data,
              size_t piece)
{
    struct object_put_result result;
    struct object_put *put;
    struct error err;

    EXPECT_OK(object_put_open(
                  bucket,
                  &(struct object_put_options){.key = bytes_of_string(key), .size = announced},
                  &put, &err),
              &err);
    for (size_t from = 0; from < data.size; from += piece) {
        size_t to = data.size - from < piece ? data.size : from + piece;

        EXPECT_OK(sink_write(object_put_sink(put), bytes_slice(data, from, to), &err), &err);
    }
    EXPECT_OK(sink_finish(object_put_sink(put), &err), &err);
    EXPECT_OK(object_put_commit(put, &result, &err), &err);
    object_put_release(&put);
}

/* A body may come in pieces and without an announced size. */
TEST(a_body_may_come_in_pieces_of_any_size)
{
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    fixture_fill(&data, 700001, 1);
    put_in_pieces(&bucket, "a", data.size, buffer_bytes(&data), 65536);
    expect_stored(&bucket, "a", buffer_bytes(&data));
    put_in_pieces(&bucket, "a", OBJECT_SIZE_UNKNOWN, buffer_bytes(&data), 9973);
    expect_stored(&bucket, "a", buffer_bytes(&data));
    data.size = 100;
    put_in_pieces(&bucket, "b", OBJECT_SIZE_UNKNOWN, buffer_bytes(&data), 7);
    expect_stored(&bucket, "b", buffer_bytes(&data));
    data.size = 0;
    put_in_pieces(&bucket, "c", OBJECT_SIZE_UNKNOWN, buffer_bytes(&data), 7);
    expect_stored(&bucket, "c", buffer_bytes(&data));
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
    buffer_release(&data);
}

/* SPEC: S3 PutObject / ETag is the MD5; CRC64NVME where the client sent no checksum. */
TEST(etag_is_the_md5_and_the_checksum_crc64nvme)
{
    struct object_fixture fixture;
    struct object_put_result result;
    struct digest_value crc;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put_options(&bucket, &(struct object_put_options){.key = {"k", 1}, .size = 5},
                                  BYTES_LITERAL("hello"), &result, &err),
              &err);
    EXPECT_STRING("5d41402abc4b2a76b9719d911017c592", result.etag);
    EXPECT_INT(CHECKSUM_CRC64NVME, result.checksum.algorithm);
    digest_of(DIGEST_CRC64NVME, BYTES_LITERAL("hello"), &crc);
    EXPECT_BYTES(digest_value_bytes(&crc), bytes_of(result.checksum.value, result.checksum.size));
    EXPECT_INT(5, result.size);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

static enum status
put_expecting(const struct bucket *bucket, const struct object_put_expectation *expectation,
              struct object_put_result *result, struct error *err)
{
    return fixture_put_options(
        bucket,
        &(struct object_put_options){.key = {"k", 1}, .size = 5, .expectation = *expectation},
        BYTES_LITERAL("hello"), result, err);
}

/* A digest that does not fit refuses the bytes, with the code that names which; one that fits is
 * what the record keeps.  SPEC: S3 PutObject / Content-MD5, x-amz-checksum-*, XAmzContentSHA256 */
TEST(bytes_with_a_wrong_digest_are_refused)
{
    struct object_put_expectation right = {.has_md5 = true, .has_payload_sha256 = true};
    struct object_put_expectation wrong;
    struct object_fixture fixture;
    struct object_put_result result;
    struct digest_value value;
    struct bucket bucket;
    struct error err = ERROR_INIT;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    digest_of(DIGEST_MD5, BYTES_LITERAL("hello"), &value);
    memcpy(right.md5, value.data, 16);
    digest_of(DIGEST_SHA256, BYTES_LITERAL("hello"), &value);
    memcpy(right.payload_sha256, value.data, 32);
    digest_of(DIGEST_CRC32C, BYTES_LITERAL("hello"), &value);
    right.checksum.algorithm = CHECKSUM_CRC32C;
    right.checksum.size = value.size;
    memcpy(right.checksum.value, value.data, value.size);

    wrong = right;
    wrong.md5[3] ^= 1;
    EXPECT_STATUS(ST_DIGEST_MISMATCH, put_expecting(&bucket, &wrong, &result, &err));
    EXPECT_STRING("BadDigest", err.dialect_code);
    wrong = right;
    wrong.payload_sha256[31] ^= 1;
    EXPECT_STATUS(ST_DIGEST_MISMATCH, put_expecting(&bucket, &wrong, &result, &err));
    EXPECT_STRING("XAmzContentSHA256Mismatch", err.dialect_code);
    wrong = right;
    wrong.checksum.value[0] ^= 0x80;
    EXPECT_STATUS(ST_DIGEST_MISMATCH, put_expecting(&bucket, &wrong, &result, &err));
    EXPECT_STRING("BadDigest", err.dialect_code);
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(&bucket, "k", NULL, NULL));

    EXPECT_OK(put_expecting(&bucket, &right, &result, &err), &err);
    EXPECT_INT(CHECKSUM_CRC32C, result.checksum.algorithm);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

static enum status
put_with_trailer(const struct bucket *bucket, const struct checksum *trailer, struct error *err)
{
    struct object_put_result result;
    struct object_put *put = NULL;
    enum status st = object_put_open(
        bucket,
        &(struct object_put_options){
            .key = {"k", 1}, .size = 5, .expectation.checksum.algorithm = CHECKSUM_CRC32},
        &put, err);

    if (st == ST_OK) {
        st = sink_write(object_put_sink(put), BYTES_LITERAL("hello"), err);
    }
    if (st == ST_OK && trailer != NULL) {
        st = object_put_expect_checksum(put, trailer, err);
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), err);
    }
    if (st == ST_OK) {
        st = object_put_commit(put, &result, err);
    }
    object_put_release(&put);
    return st;
}

/* A checksum announced for the trailer must come, be of that kind, and fit. */
TEST(a_checksum_may_come_in_the_trailer)
{
    struct checksum trailer = {.algorithm = CHECKSUM_CRC32, .size = 4};
    struct checksum other = {.algorithm = CHECKSUM_CRC32C, .size = 4};
    struct object_fixture fixture;
    struct digest_value value;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    digest_of(DIGEST_CRC32, BYTES_LITERAL("hello"), &value);
    memcpy(trailer.value, value.data, 4);
    EXPECT_OK(put_with_trailer(&bucket, &trailer, &err), &err);
    EXPECT_STATUS(ST_INVALID, put_with_trailer(&bucket, NULL, NULL));
    EXPECT_STATUS(ST_INVALID, put_with_trailer(&bucket, &other, NULL));
    trailer.value[0] ^= 1;
    EXPECT_STATUS(ST_DIGEST_MISMATCH, put_with_trailer(&bucket, &trailer, NULL));
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

static enum status
put_key(const struct bucket *bucket, struct bytes key)
{
    struct object_put_result result;

    return fixture_put_options(bucket, &(struct object_put_options){.key = key, .size = 1},
                               BYTES_LITERAL("x"), &result, NULL);
}

/* SPEC: S3 object keys: 1 to 1,024 bytes of UTF-8.  Everything else about them is opaque. */
TEST(keys_are_opaque_up_to_1024_bytes)
{
    static const char *const GOOD[] = {"a",         "a/b",
                                       "a/b/c",     "..",
                                       ".",         "/",
                                       "//",        "/a/",
                                       "a//b",      "../../etc/passwd",
                                       "\x01\x7f",  "\xc3\xa9",
                                       "e\xcc\x81", "A",
                                       " ",         "%00",
                                       "\\",        "\xf0\x9f\x98\x80"};
    char longest[1025];
    struct object_fixture fixture;
    struct bucket bucket;

    memset(longest, 'k', sizeof(longest));
    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        EXPECT_STATUS(ST_OK, put_key(&bucket, bytes_of_string(GOOD[i])));
        expect_stored(&bucket, GOOD[i], BYTES_LITERAL("x"));
    }
    EXPECT_STATUS(ST_OK, put_key(&bucket, bytes_of(longest, 1024)));
    EXPECT_STATUS(ST_INVALID, put_key(&bucket, bytes_of(longest, 1025)));
    EXPECT_STATUS(ST_INVALID, put_key(&bucket, bytes_of(longest, 0)));
    EXPECT_STATUS(ST_INVALID, put_key(&bucket, bytes_of("a\0b", 3)));
    EXPECT_STATUS(ST_INVALID, put_key(&bucket, BYTES_LITERAL("\xff")));
    EXPECT_STATUS(ST_INVALID, put_key(&bucket, BYTES_LITERAL("a\xc3")));
    EXPECT_STATUS(ST_INVALID, put_key(&bucket, BYTES_LITERAL("\xed\xa0\x80")));
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 user metadata: 2 KiB of names and values. */
TEST(user_metadata_is_limited_to_2_kib)
{
    char value[2049];
    struct metadata_entry entry = {.name = {"a", 1}, .value = {value, 2047}};
    struct object_put_options options = {
        .key = {"k", 1}, .size = 1, .attributes = {.metadata = &entry, .metadata_count = 1}};
    struct object_get_result got;
    struct object_put_result result;
    struct object_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct bucket bucket;
    struct error err = ERROR_INIT;

    memset(value, 'v', sizeof(value));
    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put_options(&bucket, &options, BYTES_LITERAL("x"), &result, &err), &err);
    EXPECT_OK(object_get(&bucket,
                         &(struct object_get_options){
                             .key = {"k", 1}, .is_head = true, .mode = READ_MAY_WAIT},
                         &arena, &got, &err),
              &err);
    EXPECT_INT(1, got.record.attributes.metadata_count);
    EXPECT_BYTES(entry.value, got.record.attributes.metadata[0].value);
    entry.value.size = 2048;
    EXPECT_STATUS(ST_TOO_LARGE,
                  fixture_put_options(&bucket, &options, BYTES_LITERAL("x"), &result, &err));
    EXPECT_STRING("MetadataTooLarge", err.dialect_code);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* A body shorter or longer than announced is refused and changes nothing. */
TEST(a_body_of_another_size_is_refused)
{
    struct object_fixture fixture;
    struct object_put_result result;
    struct object_put_options options = {.key = {"k", 1}, .size = 5};
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("old"), &err), &err);
    EXPECT_STATUS(ST_INCOMPLETE,
                  fixture_put_options(&bucket, &options, BYTES_LITERAL("four"), &result, NULL));
    EXPECT_STATUS(ST_INVALID,
                  fixture_put_options(&bucket, &options, BYTES_LITERAL("sixsix"), &result, NULL));
    options.size = OBJECT_PUT_BYTES_MAX + 1;
    EXPECT_STATUS(ST_TOO_LARGE,
                  fixture_put_options(&bucket, &options, BYTES_LITERAL("x"), &result, &err));
    EXPECT_STRING("EntityTooLarge", err.dialect_code);
    expect_stored(&bucket, "k", BYTES_LITERAL("old"));
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

static enum status
put_if(const struct bucket *bucket, const char *match, const char *none_match, size_t size)
{
    struct object_put_result result;
    struct buffer data = BUFFER_INIT;
    enum status st;

    fixture_fill(&data, size, size);
    st = fixture_put_options(
        bucket,
        &(struct object_put_options){.key = {"k", 1},
                                     .size = size,
                                     .conditions = {.if_match = bytes_of_string(match),
                                                    .if_none_match = bytes_of_string(none_match)}},
        buffer_bytes(&data), &result, NULL);
    buffer_release(&data);
    return st;
}

/* SPEC: S3 PutObject / If-Match, If-None-Match; small and big bodies alike. */
TEST(conditions_decide_over_a_put)
{
    static const size_t BODIES[] = {10, 300000};
    struct object_fixture fixture;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < 2; i++) {
        EXPECT_STATUS(ST_NO_SUCH_KEY, put_if(&bucket, "*", NULL, BODIES[i]));
        EXPECT_STATUS(ST_OK, put_if(&bucket, NULL, "*", BODIES[i]));
        EXPECT_STATUS(ST_PRECONDITION, put_if(&bucket, NULL, "*", BODIES[i]));
        EXPECT_STATUS(ST_PRECONDITION, put_if(&bucket, "\"other\"", NULL, BODIES[i]));
        EXPECT_STATUS(ST_OK, put_if(&bucket, "*", NULL, BODIES[i]));
        EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    }
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* The counters follow every overwrite and delete. */
TEST(counters_follow_what_is_stored)
{
    struct object_fixture fixture;
    struct bucket_counters counters;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "a", BYTES_LITERAL("12345"), &err), &err);
    EXPECT_OK(fixture_put(&bucket, "b", BYTES_LITERAL("123"), &err), &err);
    EXPECT_OK(fixture_put(&bucket, "a", BYTES_LITERAL("1234567"), &err), &err);
    EXPECT_OK(bucket_counters(&bucket, &counters, &err), &err);
    EXPECT_INT(2, counters.object_count);
    EXPECT_INT(10, counters.logical_bytes);
    EXPECT_OK(fixture_delete(&bucket, "a", &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "never there", &err), &err);
    EXPECT_OK(bucket_counters(&bucket, &counters, &err), &err);
    EXPECT_INT(1, counters.object_count);
    EXPECT_INT(3, counters.logical_bytes);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}
