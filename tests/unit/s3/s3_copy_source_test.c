/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_copy_source.h"

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;

/* SPEC: S3 CopyObject / x-amz-copy-source: URL-encoded, with or without a leading slash; dot
 * segments are bytes of the key. */
TEST(sources_are_decoded)
{
    static const char *const CASES[][3] = {
        {"b/k", "b", "k"},
        {"/b/k", "b", "k"},
        {"b/k?versionId=null", "b", "k"},
        {"/b/a%20b", "b", "a b"},
        {"b/a+b", "b", "a+b"},
        {"b/q%3Fr", "b", "q?r"},
        {"b/q?r", "b", "q?r"},
        {"b/s%2Ft", "b", "s/t"},
        {"b%2Fs%2Ft", "b", "s/t"},
        {"b/../up", "b", "../up"},
        {"b/..%2Fother/k", "b", "../other/k"},
        {"b//k", "b", "/k"},
        {"b/p%2525", "b", "p%25"},
    };
    struct s3_copy_source source;

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        EXPECT_OK(s3_copy_source_parse(bytes_of_string(CASES[i][0]), &arena, &source, &err), &err);
        EXPECT_BYTES(bytes_of_string(CASES[i][1]), source.bucket);
        EXPECT_BYTES(bytes_of_string(CASES[i][2]), source.key);
    }
    arena_release(&arena);
}

/* SPEC: S3 CopyObject / InvalidArgument for what is no bucket and key. */
TEST(other_sources_are_refused)
{
    static const char *const BAD[] = {"",
                                      "/",
                                      "bucketonly",
                                      "/bucketonly/",
                                      "//k",
                                      "b/%ff",
                                      "b/k%00",
                                      "b/%z",
                                      "b/k?versionId=",
                                      "b/k?versionId=%00",
                                      "b/k?versionId=short"};
    struct s3_copy_source source;
    char longest[1100];

    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        EXPECT_STATUS(ST_INVALID,
                      s3_copy_source_parse(bytes_of_string(BAD[i]), &arena, &source, &err));
        EXPECT_STRING("InvalidArgument", err.dialect_code);
    }
    EXPECT_STATUS(
        ST_NO_SUCH_VERSION,
        s3_copy_source_parse(BYTES_LITERAL("b/k?versionId=3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"),
                             &arena, &source, &err));
    memset(longest, 'k', sizeof(longest));
    memcpy(longest, "b/", 2);
    EXPECT_OK(s3_copy_source_parse(bytes_of(longest, 1026), &arena, &source, &err), &err);
    EXPECT_STATUS(ST_INVALID, s3_copy_source_parse(bytes_of(longest, 1027), &arena, &source, &err));
    EXPECT_STRING("KeyTooLongError", err.dialect_code);
    arena_release(&arena);
}
