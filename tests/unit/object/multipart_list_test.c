/* SPDX-License-Identifier: Apache-2.0 */
#include "object/multipart.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static void
expect_uploads(const struct bucket *bucket, const struct multipart_list_options *options,
               const char *expected, bool expected_truncated)
{
    struct arena arena = ARENA_INIT;
    struct buffer names = BUFFER_INIT;
    struct multipart_upload_entry *entries;
    struct error err;
    size_t count;
    bool is_truncated;

    EXPECT_OK(multipart_list(bucket, options, &arena, &entries, &count, &is_truncated, &err), &err);
    for (size_t i = 0; i < count; i++) {
        buffer_append_bytes(&names, entries[i].key);
        buffer_append_char(&names, ' ');
    }
    EXPECT_BYTES(bytes_of_string(expected), buffer_bytes(&names));
    EXPECT_INT(expected_truncated, is_truncated);
    buffer_release(&names);
    arena_release(&arena);
}

/* SPEC: S3 ListMultipartUploads: those of one key in the order of their start. */
TEST(uploads_of_one_key_are_listed_by_start)
{
    struct arena arena = ARENA_INIT;
    struct object_fixture fixture;
    struct multipart_upload_entry *entries;
    struct upload_id ids[8];
    struct bucket bucket;
    struct error err;
    size_t count;
    bool is_truncated;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < 8; i++) {
        EXPECT_OK(multipart_create(&bucket,
                                   &(struct multipart_create_options){.key = BYTES_LITERAL("k")},
                                   &ids[i], &err),
                  &err);
    }

    EXPECT_OK(multipart_list(&bucket, &(struct multipart_list_options){.count_max = 9}, &arena,
                             &entries, &count, &is_truncated, &err),
              &err);

    EXPECT_INT(8, count);
    for (size_t i = 0; i < count; i++) {
        EXPECT(memcmp(ids[i].bytes, entries[i].id.bytes, sizeof(ids[i].bytes)) == 0);
    }
    bucket_close(&bucket);
    fixture_close(&fixture);
    arena_release(&arena);
}

/* SPEC: S3 ListMultipartUploads: open ones only, by key, with prefixes, markers and pages. */
TEST(open_uploads_are_listed_by_key)
{
    static const char *const KEYS[] = {"b", "a", "a", "a/1", "a/2", "c"};
    struct object_fixture fixture;
    struct object_put_result result;
    struct upload_id ids[6];
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 3);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < 6; i++) {
        EXPECT_OK(multipart_create(
                      &bucket, &(struct multipart_create_options){.key = bytes_of_string(KEYS[i])},
                      &ids[i], &err),
                  &err);
        EXPECT_OK(fixture_part(&bucket, KEYS[i], ids[i], 1, BYTES_LITERAL("x"), &result, &err),
                  &err);
    }
    EXPECT_OK(multipart_abort(&bucket, BYTES_LITERAL("c"), ids[5], &err), &err);
    expect_uploads(&bucket, &(struct multipart_list_options){.count_max = 9}, "a a a/1 a/2 b ",
                   false);
    expect_uploads(&bucket, &(struct multipart_list_options){.count_max = 5}, "a a a/1 a/2 b ",
                   false);
    expect_uploads(&bucket, &(struct multipart_list_options){.count_max = 3}, "a a a/1 ", true);
    expect_uploads(&bucket, &(struct multipart_list_options){.count_max = 9, .delimiter = {"/", 1}},
                   "a a a/ b ", false);
    expect_uploads(&bucket, &(struct multipart_list_options){.count_max = 9, .prefix = {"a/", 2}},
                   "a/1 a/2 ", false);
    expect_uploads(&bucket,
                   &(struct multipart_list_options){.count_max = 9, .key_marker = {"a", 1}},
                   "a/1 a/2 b ", false);
    expect_uploads(&bucket,
                   &(struct multipart_list_options){
                       .count_max = 9,
                       .key_marker = {"a", 1},
                       .has_upload_id_marker = true,
                       .upload_id_marker = memcmp(&ids[1], &ids[2], 16) < 0 ? ids[1] : ids[2]},
                   "a a/1 a/2 b ", false);
    expect_uploads(&bucket,
                   &(struct multipart_list_options){
                       .count_max = 9, .delimiter = {"/", 1}, .key_marker = {"a/", 2}},
                   "b ", false);
    bucket_close(&bucket);
    fixture_close(&fixture);
}
