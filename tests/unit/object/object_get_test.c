/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_get.h"

#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

struct got {
    enum status status;
    uint64_t offset;
    uint64_t length;
    bool is_partial;
    struct buffer data;
};

static void
get_range(const struct bucket *bucket, const char *key, const struct object_range *range,
          struct got *got)
{
    struct object_get_options options = {
        .key = bytes_of_string(key), .range = *range, .mode = READ_MAY_WAIT};
    struct arena arena = ARENA_INIT;
    struct object_get_result result;

    got->status = fixture_get_options(bucket, &options, &arena, &result, &got->data, NULL);
    if (got->status == ST_OK) {
        got->offset = result.offset;
        got->length = result.length;
        got->is_partial = result.is_partial;
    }
    arena_release(&arena);
}

static void
expect_range(const struct bucket *bucket, struct object_range range, const char *expected)
{
    struct got got = {.data = BUFFER_INIT};

    get_range(bucket, "k", &range, &got);
    EXPECT_STATUS(ST_OK, got.status);
    EXPECT(got.is_partial);
    EXPECT_BYTES(bytes_of_string(expected), buffer_bytes(&got.data));
    EXPECT_INT(strlen(expected), got.length);
    buffer_release(&got.data);
}

static void
expect_no_range(const struct bucket *bucket, const char *key, struct object_range range)
{
    struct got got = {.data = BUFFER_INIT};

    get_range(bucket, key, &range, &got);
    EXPECT_STATUS(ST_INVALID_RANGE, got.status);
    buffer_release(&got.data);
}

/* SPEC: RFC 9110 section 14.1.2: ends are inclusive and cut at the end of the object. */
TEST(a_range_gives_exactly_its_bytes)
{
    struct object_fixture fixture;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("0123456789"), &err), &err);
    EXPECT_OK(fixture_put(&bucket, "empty", BYTES_LITERAL(""), &err), &err);
    expect_range(&bucket, (struct object_range){RANGE_FROM_TO, 0, 0, 0}, "0");
    expect_range(&bucket, (struct object_range){RANGE_FROM_TO, 3, 5, 0}, "345");
    expect_range(&bucket, (struct object_range){RANGE_FROM_TO, 9, 9, 0}, "9");
    expect_range(&bucket, (struct object_range){RANGE_FROM_TO, 8, UINT64_MAX, 0}, "89");
    expect_range(&bucket, (struct object_range){RANGE_FROM, 7, 0, 0}, "789");
    expect_range(&bucket, (struct object_range){RANGE_FROM, 0, 0, 0}, "0123456789");
    expect_range(&bucket, (struct object_range){RANGE_LAST, 0, 0, 2}, "89");
    expect_range(&bucket, (struct object_range){RANGE_LAST, 0, 0, 99}, "0123456789");
    expect_no_range(&bucket, "k", (struct object_range){RANGE_FROM, 10, 0, 0});
    expect_no_range(&bucket, "k", (struct object_range){RANGE_FROM_TO, 10, 20, 0});
    expect_no_range(&bucket, "k", (struct object_range){RANGE_LAST, 0, 0, 0});
    expect_no_range(&bucket, "empty", (struct object_range){RANGE_FROM, 0, 0, 0});
    expect_no_range(&bucket, "empty", (struct object_range){RANGE_LAST, 0, 0, 1});
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* Ranges around every border of blocks and chunk files. */
TEST(ranges_over_chunk_files_are_exact)
{
    static const uint64_t BORDERS[] = {0, 65536, 262144, 524288, 700000};
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct got got = {.data = BUFFER_INIT};
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    fixture_fill(&data, 700000, 7);
    EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = i; j < 5; j++) {
            for (int shift = 0; shift < 9; shift++) {
                uint64_t from = BORDERS[i] + (uint64_t)(shift % 3) - 1;
                uint64_t to = BORDERS[j] + (uint64_t)(shift / 3) - 1;

                if (from < data.size && to >= from && to < data.size) {
                    get_range(&bucket, "k", &(struct object_range){RANGE_FROM_TO, from, to, 0},
                              &got);
                    EXPECT_STATUS(ST_OK, got.status);
                    EXPECT(bytes_equal(bytes_slice(buffer_bytes(&data), from, to + 1),
                                       buffer_bytes(&got.data)));
                }
            }
        }
    }
    buffer_release(&got.data);
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* HEAD opens no source; a missing key is missing. */
TEST(head_tells_the_record_only)
{
    struct object_fixture fixture;
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("hello"), &err), &err);
    EXPECT_OK(object_get(&bucket,
                         &(struct object_get_options){
                             .key = {"k", 1}, .is_head = true, .mode = READ_MAY_WAIT},
                         &arena, &result, &err),
              &err);
    EXPECT(result.source == NULL);
    EXPECT_INT(5, result.record.size);
    EXPECT_BYTES(BYTES_LITERAL("5d41402abc4b2a76b9719d911017c592"), result.record.etag);
    EXPECT_BYTES(BYTES_LITERAL("root"), result.record.owner);
    EXPECT_STATUS(ST_NO_SUCH_KEY,
                  object_get(&bucket,
                             &(struct object_get_options){.key = {"j", 1}, .mode = READ_MAY_WAIT},
                             &arena, &result, NULL));
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* What was just written is read on the loop without waiting, or the loop is told to wait; never
 * anything else. */
TEST(no_wait_reads_give_the_same_or_would_wait)
{
    struct object_fixture fixture;
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct bucket bucket;
    struct error err;
    char bytes[16];
    size_t size = 0;
    enum status st;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("hello"), &err), &err);
    st = object_get(&bucket, &(struct object_get_options){.key = {"k", 1}, .mode = READ_NO_WAIT},
                    &arena, &result, NULL);
    EXPECT_STATUS(ST_OK, st);
    EXPECT_OK(source_read(result.source, READ_NO_WAIT, bytes, sizeof(bytes), &size, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("hello"), bytes_of(bytes, size));
    source_release(&result.source);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* 304 and 412 still show the record: the answer carries its ETag. */
TEST(a_failed_condition_still_shows_the_record)
{
    struct object_get_options options = {.key = {"k", 1}, .mode = READ_MAY_WAIT};
    struct object_fixture fixture;
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("hello"), &err), &err);
    options.conditions.if_none_match = BYTES_LITERAL("\"5d41402abc4b2a76b9719d911017c592\"");
    EXPECT_STATUS(ST_NOT_MODIFIED, object_get(&bucket, &options, &arena, &result, NULL));
    EXPECT_BYTES(BYTES_LITERAL("5d41402abc4b2a76b9719d911017c592"), result.record.etag);
    options.conditions = (struct object_conditions){.if_match = BYTES_LITERAL("\"x\"")};
    memset(&result, 0, sizeof(result));
    EXPECT_STATUS(ST_PRECONDITION, object_get(&bucket, &options, &arena, &result, NULL));
    EXPECT_BYTES(BYTES_LITERAL("5d41402abc4b2a76b9719d911017c592"), result.record.etag);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* SPEC: S3 GetObject / partNumber: 1 is the whole of an object that was not uploaded in parts. */
TEST(part_one_of_a_plain_object_is_the_whole)
{
    struct object_get_options options = {.key = {"k", 1}, .part_number = 1, .mode = READ_MAY_WAIT};
    struct object_fixture fixture;
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("hello"), &err), &err);
    EXPECT_OK(fixture_get_options(&bucket, &options, &arena, &result, &data, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("hello"), buffer_bytes(&data));
    EXPECT(result.is_partial);
    options.part_number = 2;
    EXPECT_STATUS(ST_INVALID_PART, object_get(&bucket, &options, &arena, &result, NULL));
    options.part_number = 1;
    options.range.kind = RANGE_FROM;
    EXPECT_STATUS(ST_INVALID, object_get(&bucket, &options, &arena, &result, NULL));
    buffer_release(&data);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* A reader sees the bytes that were current when it began, whatever is written meanwhile. */
TEST(a_reader_is_not_disturbed_by_overwrites)
{
    struct object_fixture fixture;
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct buffer data = BUFFER_INIT;
    struct buffer got = BUFFER_INIT;
    struct bucket bucket;
    struct error err;
    size_t size = 1;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    fixture_fill(&data, 700000, 1);
    EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
    EXPECT_OK(object_get(&bucket,
                         &(struct object_get_options){.key = {"k", 1}, .mode = READ_MAY_WAIT},
                         &arena, &result, &err),
              &err);
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("new"), &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    while (size > 0) {
        EXPECT_OK(source_read(result.source, READ_MAY_WAIT, buffer_reserve(&got, 65536), 65536,
                              &size, &err),
                  &err);
        got.size += size;
    }
    EXPECT(bytes_equal(buffer_bytes(&data), buffer_bytes(&got)));
    source_release(&result.source);
    buffer_release(&got);
    buffer_release(&data);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}
