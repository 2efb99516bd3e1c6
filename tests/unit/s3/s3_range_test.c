/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_range.h"

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* SPEC: RFC 9110 section 14.1.2, S3 GetObject / Range. */
TEST(ranges_are_understood)
{
    static const struct {
        const char *text;
        struct object_range range;
    } CASES[] = {
        {"bytes=0-0", {RANGE_FROM_TO, 0, 0, 0}},
        {"bytes=5-10", {RANGE_FROM_TO, 5, 10, 0}},
        {"Bytes=5-10", {RANGE_FROM_TO, 5, 10, 0}},
        {"bytes= 5-10 ", {RANGE_FROM_TO, 5, 10, 0}},
        {"bytes=007-8", {RANGE_FROM_TO, 7, 8, 0}},
        {"bytes=5-", {RANGE_FROM, 5, 0, 0}},
        {"bytes=-5", {RANGE_LAST, 0, 0, 5}},
        {"bytes=-0", {RANGE_LAST, 0, 0, 0}},
        {"bytes=5-99999999999999999999999", {RANGE_FROM_TO, 5, UINT64_MAX, 0}},
        {"bytes=99999999999999999999999-", {RANGE_FROM, UINT64_MAX, 0, 0}},
        {"bytes=-18446744073709551616", {RANGE_LAST, 0, 0, UINT64_MAX}},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct object_range found = s3_range_parse(bytes_of_string(CASES[i].text));

        EXPECT_INT(CASES[i].range.kind, found.kind);
        EXPECT(CASES[i].range.from == found.from);
        EXPECT(CASES[i].range.to == found.to);
        EXPECT(CASES[i].range.last == found.last);
    }
}

/* SPEC: S3 GetObject / Range: one that is not understood, or several, is ignored. */
TEST(other_ranges_are_ignored)
{
    static const char *const CASES[] = {
        "",           "bytes",       "bytes=",        "bytes=-",   "bytes=a-b",   "bytes=5-2",
        "octets=0-5", "0-5",         "bytes=1-2,4-5", "bytes=--5", "bytes=1-2-3", "bytes=+1-2",
        "bytes=1 -2", "bytes=0x1-2", "bytes=1-2\n",   "bytes",     "bytes=5"};

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        EXPECT_INT(RANGE_NONE, s3_range_parse(bytes_of_string(CASES[i])).kind);
    }
}

/* SPEC: S3 UploadPartCopy / x-amz-copy-source-range: first and last, nothing else. */
TEST(copy_ranges_are_strict)
{
    static const char *const BAD[] = {"",          "0-2",       "bytes=5-",     "bytes=-5",
                                      "bytes=5-2", "bytes=a-b", "bytes=0-2,4-6"};
    struct object_range range;
    struct error err;

    EXPECT_OK(s3_range_parse_copy(BYTES_LITERAL("bytes=3-9"), &range, &err), &err);
    EXPECT_INT(3, range.from);
    EXPECT_INT(9, range.to);
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        EXPECT_STATUS(ST_INVALID, s3_range_parse_copy(bytes_of_string(BAD[i]), &range, &err));
        EXPECT_STRING("InvalidArgument", err.dialect_code);
    }
}
