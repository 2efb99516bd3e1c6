/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_conditions.h"

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;
static struct s3_headers headers;

static void
read_pair(const char *name, const char *value, const char *name2, const char *value2)
{
    struct http_header list[] = {{bytes_of_string(name), bytes_of_string(value)},
                                 {bytes_of_string(name2), bytes_of_string(value2)}};

    EXPECT_OK(s3_headers_read(list, name2 != NULL ? 2 : 1, &arena, &headers, &err), &err);
}

/* SPEC: RFC 9110 section 13.1: what is a date counts, anything else is ignored. */
TEST(read_conditions_are_taken)
{
    struct object_conditions conditions;

    read_pair("if-match", "\"a\"", "if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    conditions = s3_conditions_of_read(&headers);
    EXPECT_STRING("\"a\"", arena_string(&arena, conditions.if_match));
    EXPECT(conditions.if_none_match.data == NULL);
    EXPECT(conditions.has_if_modified_since && !conditions.has_if_unmodified_since);
    EXPECT_INT(784111777, conditions.if_modified_since_s);
    read_pair("if-none-match", "*", "if-unmodified-since", "yesterday");
    conditions = s3_conditions_of_read(&headers);
    EXPECT(!conditions.has_if_unmodified_since);
    EXPECT_STRING("*", arena_string(&arena, conditions.if_none_match));
    arena_release(&arena);
}

/* SPEC: S3 CopyObject / x-amz-copy-source-if-* are of the source only. */
TEST(source_conditions_are_their_own)
{
    struct object_conditions conditions;

    read_pair("x-amz-copy-source-if-match", "a", "if-match", "b");
    conditions = s3_conditions_of_source(&headers);
    EXPECT_STRING("a", arena_string(&arena, conditions.if_match));
    EXPECT_OK(s3_conditions_of_write(&headers, false, &conditions, &err), &err);
    EXPECT_STRING("b", arena_string(&arena, conditions.if_match));
    arena_release(&arena);
}

/* SPEC: S3 conditional writes / If-Match, or If-None-Match: *; all else is NotImplemented. */
TEST(write_conditions_are_those_of_s3)
{
    struct object_conditions conditions;

    read_pair("if-none-match", "*", NULL, NULL);
    EXPECT_OK(s3_conditions_of_write(&headers, false, &conditions, &err), &err);
    read_pair("if-none-match", "\"e\"", NULL, NULL);
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, s3_conditions_of_write(&headers, false, &conditions, &err));
    EXPECT_OK(s3_conditions_of_write(&headers, true, &conditions, &err), &err);
    read_pair("if-none-match", "*", "if-match", "\"e\"");
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, s3_conditions_of_write(&headers, true, &conditions, &err));
    read_pair("if-modified-since", "x", NULL, NULL);
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, s3_conditions_of_write(&headers, true, &conditions, &err));
    read_pair("if-unmodified-since", "x", NULL, NULL);
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, s3_conditions_of_write(&headers, true, &conditions, &err));
}

/* SPEC: S3 DeleteObject / If-Match; those of directory buckets never delete blindly. */
TEST(delete_conditions_are_those_of_s3)
{
    static const char *const REFUSED[] = {"if-none-match", "if-modified-since",
                                          "if-unmodified-since", "x-amz-if-match-size",
                                          "x-amz-if-match-last-modified-time"};
    struct object_conditions conditions;

    read_pair("if-match", "*", NULL, NULL);
    EXPECT_OK(s3_conditions_of_delete(&headers, &conditions, &err), &err);
    EXPECT_STRING("If-Match", s3_conditions_culprit(&conditions).data);
    for (size_t i = 0; i < ARRAY_COUNT(REFUSED); i++) {
        read_pair(REFUSED[i], "1", NULL, NULL);
        EXPECT_STATUS(ST_NOT_IMPLEMENTED, s3_conditions_of_delete(&headers, &conditions, &err));
    }
    arena_release(&arena);
}
