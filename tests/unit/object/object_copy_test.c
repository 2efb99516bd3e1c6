/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_copy.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "object/multipart.h"
#include "object/object_checksum.h"
#include "stream/digest.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Keys that lie in all homes: among so many, both kinds of copies occur. */
#define TARGET_COUNT 8

static enum status
copy(const struct bucket *bucket, const char *from, const char *to,
     struct object_copy_result *result, struct error *err)
{
    return object_copy(bucket,
                       &(struct object_copy_options){.source = bucket,
                                                     .source_key = bytes_of_string(from),
                                                     .key = bytes_of_string(to)},
                       result, err);
}

static void
expect_stored(const struct bucket *bucket, const char *key, struct bytes expected)
{
    struct buffer got = BUFFER_INIT;
    struct error err;

    EXPECT_OK(fixture_get(bucket, key, &got, &err), &err);
    EXPECT(bytes_equal(expected, buffer_bytes(&got)));
    buffer_release(&got);
}

/* A copy has the source's bytes, and keeps them when the source goes; within a home and between. */
TEST(a_copy_lives_on_without_its_source)
{
    static const size_t SIZES[] = {0, 100, 5000, 300000, 1500000};
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        fixture_fill(&data, SIZES[i], i);
        EXPECT_OK(fixture_put(&bucket, "source", buffer_bytes(&data), &err), &err);
        for (int target = 0; target < TARGET_COUNT; target++) {
            struct object_copy_result result;
            char *key = xasprintf("target %d", target);

            EXPECT_OK(copy(&bucket, "source", key, &result, &err), &err);
            EXPECT_OK(copy(&bucket, "source", key, &result, &err), &err); /* onto a copy */
            expect_stored(&bucket, key, buffer_bytes(&data));
            free(key);
        }
        EXPECT_OK(fixture_delete(&bucket, "source", &err), &err);
        for (int target = 0; target < TARGET_COUNT; target++) {
            char *key = xasprintf("target %d", target);

            expect_stored(&bucket, key, buffer_bytes(&data));
            free(key);
        }
    }
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 CopyObject / x-amz-metadata-directive: COPY takes the source's, REPLACE the request's;
 * onto itself only with a change. */
TEST(attributes_are_copied_or_replaced)
{
    struct metadata_entry entry = {{"color", 5}, {"red", 3}};
    struct object_put_options put = {.key = {"k", 1},
                                     .size = 1,
                                     .attributes = {.content = {[CONTENT_TYPE] = {"text/x", 6}},
                                                    .metadata = &entry,
                                                    .metadata_count = 1}};
    struct object_copy_options options = {.source_key = {"k", 1}, .key = {"k", 1}};
    struct object_get_options head = {.key = {"k", 1}, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_copy_result result;
    struct object_put_result put_result;
    struct object_get_result got;
    struct object_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct bucket bucket;
    struct error err = ERROR_INIT;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put_options(&bucket, &put, BYTES_LITERAL("x"), &put_result, &err), &err);
    options.source = &bucket;
    EXPECT_STATUS(ST_INVALID, object_copy(&bucket, &options, &result, &err));
    EXPECT_STRING("InvalidRequest", err.dialect_code);
    options.key = BYTES_LITERAL("j");
    EXPECT_OK(object_copy(&bucket, &options, &result, &err), &err);
    EXPECT_STRING("9dd4e461268c8034f5c8564e155c67a6", result.etag);
    head.key = options.key;
    EXPECT_OK(object_get(&bucket, &head, &arena, &got, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("text/x"), got.record.attributes.content[CONTENT_TYPE]);
    EXPECT_INT(1, got.record.attributes.metadata_count);

    options.key = BYTES_LITERAL("k");
    options.replaces_attributes = true;
    options.attributes.content[CONTENT_TYPE] = BYTES_LITERAL("text/y");
    EXPECT_OK(object_copy(&bucket, &options, &result, &err), &err);
    head.key = options.key;
    EXPECT_OK(object_get(&bucket, &head, &arena, &got, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("text/y"), got.record.attributes.content[CONTENT_TYPE]);
    EXPECT_INT(0, got.record.attributes.metadata_count);
    expect_stored(&bucket, "k", BYTES_LITERAL("x"));
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 CopyObject / x-amz-checksum-algorithm: computed anew where the source has another. */
TEST(a_copy_may_ask_for_another_checksum)
{
    struct object_copy_options options = {.source_key = {"k", 1},
                                          .checksum_algorithm = CHECKSUM_SHA256};
    static const char *const TARGETS[] = {"k", "j", "i", "h", "g"};
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct digest_value value;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    options.source = &bucket;
    fixture_fill(&data, 600000, 3);
    digest_of(DIGEST_SHA256, buffer_bytes(&data), &value);
    for (size_t i = 0; i < 5; i++) {
        struct object_copy_result result;

        EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
        options.key = bytes_of_string(TARGETS[i]);
        EXPECT_OK(object_copy(&bucket, &options, &result, &err), &err);
        EXPECT_INT(CHECKSUM_SHA256, result.checksum.algorithm);
        EXPECT_BYTES(digest_value_bytes(&value),
                     bytes_of(result.checksum.value, result.checksum.size));
        expect_stored(&bucket, TARGETS[i], buffer_bytes(&data));
    }
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 CopyObject / x-amz-copy-source-if-*, If-None-Match on the destination */
TEST(conditions_on_both_sides_hold)
{
    struct object_copy_options options = {.source_key = {"k", 1}, .key = {"j", 1}};
    struct object_copy_result result;
    struct object_fixture fixture;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    options.source = &bucket;
    EXPECT_STATUS(ST_NO_SUCH_KEY, object_copy(&bucket, &options, &result, NULL));
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("x"), &err), &err);
    options.source_conditions.if_match = BYTES_LITERAL("\"other\"");
    EXPECT_STATUS(ST_PRECONDITION, object_copy(&bucket, &options, &result, NULL));
    options.source_conditions = (struct object_conditions){
        .if_none_match = BYTES_LITERAL("\"9dd4e461268c8034f5c8564e155c67a6\"")};
    EXPECT_STATUS(ST_PRECONDITION, object_copy(&bucket, &options, &result, NULL));
    options.source_conditions = (struct object_conditions){.if_none_match = BYTES_LITERAL("\"o\"")};
    options.conditions.if_none_match = BYTES_LITERAL("*");
    EXPECT_OK(object_copy(&bucket, &options, &result, &err), &err);
    EXPECT_STATUS(ST_PRECONDITION, object_copy(&bucket, &options, &result, NULL));
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

static const struct checksum NO_CHECKSUM;

/* key becomes an object of parts 3 and 6, with those sizes and a COMPOSITE checksum if one is
 * named. Its bytes are in whole, its ETag in completed. */
static void
upload_in_parts(const struct bucket *bucket, const char *key, const size_t sizes[2],
                enum checksum_algorithm algorithm, struct buffer *whole,
                struct object_put_result *completed)
{
    struct multipart_create_options create = {
        .key = bytes_of_string(key),
        .checksum_algorithm = algorithm,
        .checksum_type = algorithm == CHECKSUM_NONE ? CHECKSUM_FULL_OBJECT : CHECKSUM_COMPOSITE};
    struct multipart_part parts[2] = {{.number = 3}, {.number = 6}};
    struct object_put_result results[2];
    struct buffer data = BUFFER_INIT;
    struct digest_value value;
    struct upload_id id;
    struct error err;

    buffer_clear(whole);
    EXPECT_OK(multipart_create(bucket, &create, &id, &err), &err);
    for (uint32_t part = 0; part < 2; part++) {
        struct object_put_options options = {.key = bytes_of_string(key),
                                             .size = sizes[part],
                                             .upload = &id,
                                             .part_number = parts[part].number};

        fixture_fill(&data, sizes[part], part);
        buffer_append_bytes(whole, buffer_bytes(&data));
        if (algorithm != CHECKSUM_NONE) {
            digest_of(object_checksum_digest(algorithm), buffer_bytes(&data), &value);
            object_checksum_set(&options.expectation.checksum, algorithm, CHECKSUM_FULL_OBJECT,
                                &value);
        }
        EXPECT_OK(fixture_put_options(bucket, &options, buffer_bytes(&data), &results[part], &err),
                  &err);
        parts[part].etag = bytes_of_string(results[part].etag);
        parts[part].checksum = algorithm == CHECKSUM_NONE ? NO_CHECKSUM : results[part].checksum;
    }
    EXPECT_OK(multipart_complete(bucket,
                                 &(struct multipart_complete_options){.key = bytes_of_string(key),
                                                                      .id = id,
                                                                      .parts = parts,
                                                                      .part_count = 2,
                                                                      .size = OBJECT_SIZE_UNKNOWN},
                                 completed, &err),
              &err);
    buffer_release(&data);
}

/* The object is one piece with that content: ETag its MD5, no parts, the checksum that of a
 * whole.*/
static void
expect_one_piece(const struct bucket *bucket, const char *key, struct bytes content,
                 const struct checksum *expected)
{
    struct object_get_options head = {
        .key = bytes_of_string(key), .is_head = true, .mode = READ_MAY_WAIT};
    struct arena arena = ARENA_INIT;
    struct object_get_result got;
    struct digest_value md5;
    struct error err;
    char etag[33];

    digest_of(DIGEST_MD5, content, &md5);
    encode_hex(digest_value_bytes(&md5), etag);
    expect_stored(bucket, key, content);
    EXPECT_OK(object_get(bucket, &head, &arena, &got, &err), &err);
    EXPECT_BYTES(bytes_of_string(etag), got.record.etag);
    EXPECT_INT(0, got.record.part_count);
    EXPECT_INT(expected->algorithm, got.record.checksum.algorithm);
    EXPECT_INT(CHECKSUM_FULL_OBJECT, got.record.checksum.type);
    EXPECT_BYTES(bytes_of(expected->value, expected->size),
                 bytes_of(got.record.checksum.value, got.record.checksum.size));
    head.part_number = 6;
    EXPECT_STATUS(ST_INVALID_PART, object_get(bucket, &head, &arena, &got, &err));
    arena_release(&arena);
}

static void
expect_copies_in_one_piece(const struct bucket *bucket, const size_t sizes[2],
                           enum checksum_algorithm algorithm)
{
    struct object_put_result completed;
    struct object_copy_result result;
    struct buffer whole = BUFFER_INIT;
    /* What is not asked for is computed: then the source has a FULL_OBJECT value already. */
    enum checksum_algorithm stored = algorithm == CHECKSUM_NONE ? CHECKSUM_CRC64NVME : algorithm;
    struct checksum expected;
    struct digest_value value;
    struct error err;

    upload_in_parts(bucket, "source", sizes, algorithm, &whole, &completed);
    EXPECT_BYTES(BYTES_LITERAL("-2"), bytes_slice(bytes_of_string(completed.etag), 32, 34));
    digest_of(object_checksum_digest(stored), buffer_bytes(&whole), &value);
    object_checksum_set(&expected, stored, CHECKSUM_FULL_OBJECT, &value);
    for (int target = 0; target < TARGET_COUNT; target++) {
        char *key = xasprintf("target %d", target);

        EXPECT_OK(copy(bucket, "source", key, &result, &err), &err);
        expect_one_piece(bucket, key, buffer_bytes(&whole), &expected);
        EXPECT_OK(copy(bucket, key, "copy of the copy", &result, &err), &err);
        expect_one_piece(bucket, "copy of the copy", buffer_bytes(&whole), &expected);
        free(key);
    }
    EXPECT_OK(object_copy(bucket,
                          &(struct object_copy_options){.source = bucket,
                                                        .source_key = BYTES_LITERAL("source"),
                                                        .key = BYTES_LITERAL("source"),
                                                        .replaces_attributes = true},
                          &result, &err),
              &err);
    expect_one_piece(bucket, "source", buffer_bytes(&whole), &expected);
    buffer_release(&whole);
}

/* SPEC: S3 CopyObject: whatever was uploaded in parts is one piece after it, with the MD5 of the
 * content as ETag, a checksum of the whole and no parts; also copied onto itself. */
TEST(a_copy_of_an_upload_is_one_piece)
{
    static const size_t SIZES[][2] = {{300000, 20}, {600000, 300000}, {2000, 2000}, {1500000, 0}};
    struct object_fixture fixture;
    struct bucket bucket;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        expect_copies_in_one_piece(&bucket, SIZES[i], CHECKSUM_NONE);
        expect_copies_in_one_piece(&bucket, SIZES[i],
                                   i % 2 == 0 ? CHECKSUM_SHA256 : CHECKSUM_CRC32);
    }
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 UploadPartCopy: a range becomes a part; one that leaves the source is refused. */
TEST(a_range_becomes_a_part)
{
    struct object_copy_options options = {.source_key = {"source", 6}, .key = {"k", 1}};
    struct multipart_part part = {.number = 1};
    struct object_copy_result result;
    struct object_put_result completed;
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct upload_id id;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    fixture_fill(&data, 400000, 1);
    EXPECT_OK(fixture_put(&bucket, "source", buffer_bytes(&data), &err), &err);
    EXPECT_OK(
        multipart_create(&bucket, &(struct multipart_create_options){.key = {"k", 1}}, &id, &err),
        &err);
    options.source = &bucket;
    options.upload = &id;
    options.part_number = 1;
    options.range = (struct object_range){RANGE_FROM_TO, 10, 400000, 0};
    EXPECT_STATUS(ST_INVALID_RANGE, object_copy(&bucket, &options, &result, NULL));
    options.range.to = 399999;
    EXPECT_OK(object_copy(&bucket, &options, &result, &err), &err);
    part.etag = bytes_of_string(result.etag);
    EXPECT_OK(multipart_complete(
                  &bucket,
                  &(struct multipart_complete_options){
                      .key = {"k", 1}, .id = id, .parts = &part, .part_count = 1, .size = 399990},
                  &completed, &err),
              &err);
    expect_stored(&bucket, "k", bytes_slice(buffer_bytes(&data), 10, 400000));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, object_copy(&bucket, &options, &result, NULL));
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}
