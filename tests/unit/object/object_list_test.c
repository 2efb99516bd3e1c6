/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_list.h"

#include <stdio.h>

#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static void
fill(const struct bucket *bucket, const char *const *keys, size_t count)
{
    struct error err;

    for (size_t i = 0; i < count; i++) {
        EXPECT_OK(fixture_put(bucket, keys[i], BYTES_LITERAL("x"), &err), &err);
    }
}

static void
expect_list(const struct bucket *bucket, const struct object_list_options *options,
            const char *names, bool is_truncated)
{
    struct arena arena = ARENA_INIT;
    struct object_list_result result;
    const char *got;
    struct error err;

    EXPECT_OK(fixture_list(bucket, options, &arena, &got, &result, &err), &err);
    EXPECT_STRING(names, got);
    EXPECT_INT(is_truncated, result.is_truncated);
    arena_release(&arena);
}

#define LIST(...) (&(struct object_list_options){__VA_ARGS__})
#define TEXT(literal) BYTES_LITERAL(literal)

/* SPEC: S3 ListObjectsV2: byte order, merged over all homes. */
TEST(keys_come_in_byte_order)
{
    static const char *const KEYS[] = {"b", "a", "ab", "a/b", "a/b/c", "B", "\xc3\xa9", "a0", "~"};
    struct object_fixture fixture;
    struct bucket bucket;
    struct bucket other;

    fixture_open(&fixture, test_directory(), 3);
    bucket = fixture_bucket(&fixture, "abc");
    other = fixture_bucket(&fixture, "abd");
    fill(&bucket, KEYS, 9);
    expect_list(&bucket, LIST(.count_max = 100), "B a a/b a/b/c a0 ab b ~ \xc3\xa9", false);
    expect_list(&other, LIST(.count_max = 100), "", false);
    expect_list(&bucket, LIST(.count_max = 100, .prefix = TEXT("a")), "a a/b a/b/c a0 ab", false);
    expect_list(&bucket, LIST(.count_max = 100, .prefix = TEXT("c")), "", false);
    expect_list(&bucket, LIST(.count_max = 2), "B a", true);
    expect_list(&bucket, LIST(.count_max = 9), "B a a/b a/b/c a0 ab b ~ \xc3\xa9", false);
    expect_list(&bucket, LIST(.count_max = 0), "", false);
    expect_list(&bucket, LIST(.count_max = 3, .after = TEXT("a")), "a/b a/b/c a0", true);
    expect_list(&bucket, LIST(.count_max = 3, .after = TEXT("aa")), "ab b ~", true);
    expect_list(&bucket, LIST(.count_max = 3, .after = TEXT("\xc3\xa9")), "", false);
    expect_list(&bucket, LIST(.count_max = 9, .prefix = TEXT("a/"), .after = TEXT("A")),
                "a/b a/b/c", false);
    expect_list(&bucket, LIST(.count_max = 9, .prefix = TEXT("a/"), .after = TEXT("b")), "", false);
    bucket_close(&other);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* SPEC: S3 ListObjectsV2 / delimiter: keys that go on behind it count once, as their common
 * prefix. */
TEST(common_prefixes_stand_for_their_keys)
{
    static const char *const KEYS[] = {"a", "p/1", "p/2", "p/q/3", "q", "r/", "r/s", "/x", "//y"};
    struct object_fixture fixture;
    struct bucket bucket;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    fill(&bucket, KEYS, 9);
    expect_list(&bucket, LIST(.count_max = 100, .delimiter = TEXT("/")), "/ a p/ q r/", false);
    expect_list(&bucket, LIST(.count_max = 3, .delimiter = TEXT("/")), "/ a p/", true);
    expect_list(&bucket, LIST(.count_max = 3, .delimiter = TEXT("/"), .after = TEXT("p/")), "q r/",
                false);
    expect_list(&bucket, LIST(.count_max = 9, .delimiter = TEXT("/"), .after = TEXT("p/1")), "q r/",
                false);
    expect_list(&bucket, LIST(.count_max = 9, .delimiter = TEXT("/"), .after = TEXT("p")),
                "p/ q r/", false);
    expect_list(&bucket, LIST(.count_max = 9, .delimiter = TEXT("/"), .prefix = TEXT("p/")),
                "p/1 p/2 p/q/", false);
    expect_list(
        &bucket,
        LIST(.count_max = 9, .delimiter = TEXT("/"), .prefix = TEXT("p/"), .after = TEXT("p/2")),
        "p/q/", false);
    expect_list(&bucket, LIST(.count_max = 9, .delimiter = TEXT("/"), .prefix = TEXT("r/")),
                "r/ r/s", false);
    expect_list(&bucket, LIST(.count_max = 9, .delimiter = TEXT("/q/")),
                "//y /x a p/1 p/2 p/q/ q r/ r/s", false);
    expect_list(&bucket, LIST(.count_max = 9, .delimiter = TEXT("zz")),
                "//y /x a p/1 p/2 p/q/3 q r/ r/s", false);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* Walking page by page gives every name once, with and without a delimiter. */
TEST(pages_together_are_the_whole)
{
    struct object_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 3);
    bucket = fixture_bucket(&fixture, "abc");
    for (int i = 0; i < 120; i++) {
        char key[32];

        snprintf(key, sizeof(key), "%d/%03d", i % 7, i);
        EXPECT_OK(fixture_put(&bucket, key, BYTES_LITERAL("x"), &err), &err);
    }
    for (size_t page = 1; page < 9; page++) {
        for (int has_delimiter = 0; has_delimiter < 2; has_delimiter++) {
            struct object_list_options options = {.count_max = page};
            struct object_list_result result = {.is_truncated = true};
            size_t total = 0;

            options.delimiter = has_delimiter ? BYTES_LITERAL("/") : BYTES_NONE;
            while (result.is_truncated) {
                const char *names;

                EXPECT_OK(fixture_list(&bucket, &options, &arena, &names, &result, &err), &err);
                EXPECT(result.count <= page);
                EXPECT(bytes_compare(result.last, options.after) > 0);
                total += result.count;
                options.after = result.last;
            }
            EXPECT_INT(has_delimiter ? 7 : 120, total);
        }
    }
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

static void
count_found(struct bytes name, const struct object_record *record, void *arg)
{
    size_t *sum = arg;

    EXPECT(name.size > 0);
    *sum += record->size;
    EXPECT_BYTES(BYTES_LITERAL("9dd4e461268c8034f5c8564e155c67a6"), record->etag);
}

/* A listing shows size, ETag and date of each key. */
TEST(a_listing_shows_the_summary)
{
    struct object_fixture fixture;
    struct arena arena = ARENA_INIT;
    struct object_list_result result;
    struct bucket bucket;
    struct error err;
    size_t sum = 0;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "a", BYTES_LITERAL("x"), &err), &err);
    EXPECT_OK(fixture_put(&bucket, "b", BYTES_LITERAL("x"), &err), &err);
    EXPECT_OK(object_list(&bucket, LIST(.count_max = 9), count_found, &sum, &arena, &result, &err),
              &err);
    EXPECT_INT(2, sum);
    EXPECT_INT(2, result.count);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* A page that lacks a home fails; keys of the homes that are there go on.  Nothing ends short. */
TEST(an_absent_home_fails_the_listing)
{
    struct object_fixture fixture;
    struct object_list_result result;
    struct arena arena = ARENA_INIT;
    struct buffer got = BUFFER_INIT;
    struct bucket bucket;
    struct error err;
    size_t there_count = 0;
    const char *names;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (char c = 'a'; c <= 'p'; c++) {
        const char key[] = {c, '\0'};

        EXPECT_OK(fixture_put(&bucket, key, BYTES_LITERAL("x"), &err), &err);
    }
    bucket_close(&bucket);
    fixture_stop(&fixture);
    fixture.home_count = 1;
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "abc");
    EXPECT_STATUS(ST_UNAVAILABLE,
                  fixture_list(&bucket, LIST(.count_max = 100), &arena, &names, &result, NULL));
    for (char c = 'a'; c <= 'p'; c++) {
        const char key[] = {c, '\0'};
        enum status st = fixture_get(&bucket, key, &got, NULL);

        EXPECT(st == ST_OK || st == ST_UNAVAILABLE);
        EXPECT_STATUS(st, fixture_put(&bucket, key, BYTES_LITERAL("x"), NULL));
        there_count += st == ST_OK;
    }
    EXPECT(there_count > 0 && there_count < 16);
    EXPECT_STATUS(ST_UNAVAILABLE,
                  bucket_delete(fixture.store, principal_of_root(), BYTES_LITERAL("abc"), NULL));
    bucket_close(&bucket);
    fixture_stop(&fixture);
    fixture.home_count = 2;
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "abc");
    expect_list(&bucket, LIST(.count_max = 100), "a b c d e f g h i j k l m n o p", false);
    buffer_release(&got);
    arena_release(&arena);
    bucket_close(&bucket);
    fixture_close(&fixture);
}
