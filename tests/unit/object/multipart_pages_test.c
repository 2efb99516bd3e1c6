/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "base/memory.h"
#include "object/multipart.h"
#include "stream/digest.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* More than two pages of extents and of part entries. */
#define PART_COUNT 600
#define PART_BYTES 1024

static void
upload_many(const struct bucket *bucket, const char *key, struct bytes data)
{
    struct multipart_part *parts = xcalloc(PART_COUNT, sizeof(*parts));
    struct object_put_result *results = xcalloc(PART_COUNT, sizeof(*results));
    struct object_put_result completed;
    struct upload_id id;
    struct error err;

    EXPECT_OK(multipart_create(bucket,
                               &(struct multipart_create_options){.key = bytes_of_string(key)}, &id,
                               &err),
              &err);
    for (uint32_t i = 0; i < PART_COUNT; i++) {
        size_t from = i * PART_BYTES;

        EXPECT_OK(fixture_part(bucket, key, id, i * 16 + 1,
                               bytes_slice(data, from, from + PART_BYTES), &results[i], &err),
                  &err);
        parts[i] =
            (struct multipart_part){.number = i * 16 + 1, .etag = bytes_of_string(results[i].etag)};
    }
    EXPECT_OK(multipart_complete(bucket,
                                 &(struct multipart_complete_options){.key = bytes_of_string(key),
                                                                      .id = id,
                                                                      .parts = parts,
                                                                      .part_count = PART_COUNT,
                                                                      .size = data.size},
                                 &completed, &err),
              &err);
    free(parts);
    free(results);
}

static void
expect_range(const struct bucket *bucket, const char *key, struct bytes data, size_t from,
             size_t size)
{
    struct object_get_options options = {
        .key = bytes_of_string(key),
        .range = {.kind = RANGE_FROM_TO, .from = from, .to = from + size - 1},
        .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct buffer got = BUFFER_INIT;
    struct error err;

    EXPECT_OK(fixture_get_options(bucket, &options, &arena, &result, &got, &err), &err);
    EXPECT(bytes_equal(bytes_slice(data, from, from + size), buffer_bytes(&got)));
    buffer_release(&got);
    arena_release(&arena);
}

static void
expect_parts(const struct bucket *bucket, const char *key)
{
    struct object_get_options options = {
        .key = bytes_of_string(key), .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct error err;
    uint32_t after = 0;
    size_t total = 0;
    bool is_truncated = true;

    EXPECT_OK(object_get(bucket, &options, &arena, &result, &err), &err);
    EXPECT_INT(PART_COUNT, result.record.part_count);
    while (is_truncated) {
        struct part_entry *entries;
        size_t count;

        EXPECT_OK(object_get_parts(bucket, &result, after, 250, &arena, &entries, &count,
                                   &is_truncated, &err),
                  &err);
        for (size_t i = 0; i < count; i++) {
            EXPECT_INT((total + i) * 16 + 1, entries[i].number);
            EXPECT_INT((total + i) * PART_BYTES, entries[i].offset);
        }
        total += count;
        after = count > 0 ? entries[count - 1].number : after;
    }
    EXPECT_INT(PART_COUNT, total);
    arena_release(&arena);
}

/* One piece with the MD5 of its content, however many extents name its bytes. */
static void
expect_one_piece(const struct bucket *bucket, const char *key, struct bytes content)
{
    struct object_get_options options = {
        .key = bytes_of_string(key), .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct digest_value md5;
    struct error err;
    char etag[33];

    digest_of(DIGEST_MD5, content, &md5);
    encode_hex(digest_value_bytes(&md5), etag);
    EXPECT_OK(object_get(bucket, &options, &arena, &result, &err), &err);
    EXPECT_INT(0, result.record.part_count);
    EXPECT_BYTES(bytes_of_string(etag), result.record.etag);
    expect_range(bucket, key, content, 0, content.size);
    arena_release(&arena);
}

/* Pages of extents and parts: read over their borders, copied, collected, released. */
TEST(an_object_of_many_parts_has_pages)
{
    struct object_copy_options copy = {.source_key = {"k", 1}};
    static const char *const TARGETS[] = {"1", "2", "3", "4"};
    struct object_copy_result copied;
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket_properties properties;
    struct bucket bucket;
    struct error err;
    bool is_work_done = true;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    properties = bucket.properties;
    properties.durability = DURABILITY_NONE;
    EXPECT_OK(bucket_set_properties(fixture.store, principal_of_root(), BYTES_LITERAL("abc"),
                                    &properties, &err),
              &err);
    bucket_close(&bucket);
    bucket = fixture_bucket_open(&fixture, "abc");
    fixture_fill(&data, PART_COUNT * PART_BYTES, 5);
    upload_many(&bucket, "k", buffer_bytes(&data));
    expect_range(&bucket, "k", buffer_bytes(&data), 0, data.size);
    expect_range(&bucket, "k", buffer_bytes(&data), 256 * PART_BYTES - 10, 20);
    expect_range(&bucket, "k", buffer_bytes(&data), 512 * PART_BYTES - 1, 5000);
    expect_parts(&bucket, "k");
    copy.source = &bucket;
    for (size_t i = 0; i < 4; i++) {
        copy.key = bytes_of_string(TARGETS[i]);
        EXPECT_OK(object_copy(&bucket, &copy, &copied, &err), &err);
        expect_one_piece(&bucket, TARGETS[i], buffer_bytes(&data));
    }
    expect_parts(&bucket, "k");
    copy.key = copy.source_key; /* onto itself: its pages of extents stay, those of parts go */
    copy.replaces_attributes = true;
    EXPECT_OK(object_copy(&bucket, &copy, &copied, &err), &err);
    expect_one_piece(&bucket, "k", buffer_bytes(&data));
    fixture_expect_clean(&fixture);
    upload_many(&bucket, "k", buffer_bytes(&data)); /* over the first */
    for (int i = 0; i < 20 && is_work_done; i++) {
        EXPECT_OK(store_collect_once(object_store_store(fixture.store), &is_work_done, &err), &err);
    }
    expect_range(&bucket, "k", buffer_bytes(&data), 0, data.size);
    fixture_expect_clean(&fixture);
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "1", &err), &err);
    fixture_expect_clean(&fixture);
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_close(&fixture);
}
