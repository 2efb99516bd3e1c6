/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_checksum.h"

#include "base/check.h"
#include "s3/s3_error.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;

static enum status
of_request(const struct http_header *list, size_t count, bool has_trailer, bool may_be_composite,
           struct checksum *ret_checksum)
{
    struct s3_headers headers;

    EXPECT_OK(s3_headers_read(list, count, &arena, &headers, &err), &err);
    return s3_checksum_of_request(&headers, has_trailer, may_be_composite, ret_checksum, &err);
}

static struct http_header
header(const char *name, const char *value)
{
    return (struct http_header){bytes_of_string(name), bytes_of_string(value)};
}

/* Rule: names, digests and sizes of the table agree with stream/digest.h. */
TEST(table_agrees_with_the_digests)
{
    for (int i = CHECKSUM_CRC32; i <= CHECKSUM_SHA256; i++) {
        enum checksum_algorithm algorithm = (enum checksum_algorithm)i;
        enum digest_kind kind = s3_checksum_digest(algorithm);
        enum checksum_algorithm parsed;
        char value[S3_CHECKSUM_TEXT_SIZE];
        struct checksum checksum = {.algorithm = algorithm, .size = digest_size(kind)};
        struct checksum again;

        EXPECT_STRING(digest_xml_name(kind), s3_checksum_name(algorithm));
        EXPECT_OK(
            s3_checksum_parse_algorithm(bytes_of_string(digest_suffix(kind)), "x", &parsed, &err),
            &err);
        EXPECT_INT(algorithm, parsed);
        memset(checksum.value, 0xA5, checksum.size);
        EXPECT_OK(s3_checksum_parse_value(algorithm, s3_checksum_format(&checksum, 0, value), false,
                                          &again, &err),
                  &err);
        EXPECT(memcmp(&checksum.value, again.value, checksum.size) == 0);
    }
}

/* SPEC: S3 checking object integrity / COMPOSITE values carry the number of parts. */
TEST(composite_values_carry_the_part_count)
{
    struct checksum checksum = {.algorithm = CHECKSUM_CRC32, .type = CHECKSUM_COMPOSITE, .size = 4};
    char text[S3_CHECKSUM_TEXT_SIZE];
    struct checksum parsed;

    EXPECT_STRING("AAAAAA==-10000", s3_checksum_format(&checksum, 10000, text).data);
    EXPECT_OK(s3_checksum_parse_value(CHECKSUM_CRC32, bytes_of_string(text), true, &parsed, &err),
              &err);
    EXPECT_INT(CHECKSUM_COMPOSITE, parsed.type);
    EXPECT_STATUS(ST_INVALID, s3_checksum_parse_value(CHECKSUM_CRC32, bytes_of_string(text), false,
                                                      &parsed, &err));
    EXPECT_STATUS(ST_INVALID, s3_checksum_parse_value(CHECKSUM_CRC32, BYTES_LITERAL("AAAAAA==-"),
                                                      true, &parsed, &err));
    EXPECT_STRING("AAAAAA==", s3_checksum_format(&checksum, 0, text).data);
}

/* SPEC: S3 PutObject / x-amz-checksum-*: one at most, a value of its algorithm. */
TEST(a_request_has_one_checksum)
{
    struct http_header two[] = {header("x-amz-checksum-crc32", "AAAAAA=="),
                                header("x-amz-checksum-sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")};
    struct http_header bad[] = {header("x-amz-checksum-crc32", "AAAA")};
    struct http_header other[] = {header("x-amz-checksum-xxhash3", "AAAAAAAAAAA=")};
    struct checksum checksum;

    EXPECT_OK(of_request(two, 0, false, false, &checksum), &err);
    EXPECT_INT(CHECKSUM_NONE, checksum.algorithm);
    EXPECT_OK(of_request(two, 1, false, false, &checksum), &err);
    EXPECT_INT(CHECKSUM_CRC32, checksum.algorithm);
    EXPECT_STATUS(ST_INVALID, of_request(two, 2, false, false, &checksum));
    EXPECT_STRING("InvalidRequest", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, of_request(bad, 1, false, false, &checksum));
    EXPECT_STRING("InvalidRequest", s3_error_code_of(&err).code);
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, of_request(other, 1, false, false, &checksum));
    arena_release(&arena);
}

/* SPEC: S3 x-amz-trailer / announces one checksum, and only where the body has trailers. */
TEST(a_trailer_announces_a_checksum)
{
    struct http_header trailer[] = {header("x-amz-trailer", "x-amz-checksum-crc32c"),
                                    header("x-amz-checksum-crc32", "AAAAAA==")};
    struct http_header unknown[] = {header("x-amz-trailer", "x-amz-meta-a")};
    struct http_header twice[] = {
        header("x-amz-trailer", "x-amz-checksum-crc32c, x-amz-checksum-sha1")};
    struct checksum checksum;

    EXPECT_OK(of_request(trailer, 1, true, false, &checksum), &err);
    EXPECT_INT(CHECKSUM_CRC32C, checksum.algorithm);
    EXPECT_INT(0, checksum.size);
    EXPECT_OK(of_request(trailer, 1, false, false, &checksum), &err);
    EXPECT_INT(CHECKSUM_NONE, checksum.algorithm);
    EXPECT_STATUS(ST_INVALID, of_request(trailer, 2, true, false, &checksum));
    EXPECT_STATUS(ST_INVALID, of_request(unknown, 1, true, false, &checksum));
    EXPECT_STATUS(ST_INVALID, of_request(twice, 1, true, false, &checksum));
    arena_release(&arena);
}

/* SPEC: S3 x-amz-sdk-checksum-algorithm / what it names must be sent. */
TEST(an_announced_algorithm_must_be_sent)
{
    struct http_header list[] = {header("x-amz-sdk-checksum-algorithm", "CRC32"),
                                 header("x-amz-checksum-crc32", "AAAAAA==")};
    struct http_header other[] = {header("x-amz-sdk-checksum-algorithm", "SHA1"),
                                  header("x-amz-checksum-crc32", "AAAAAA==")};
    struct http_header unknown[] = {header("x-amz-sdk-checksum-algorithm", "CRC17")};
    struct checksum checksum;

    EXPECT_OK(of_request(list, 2, false, false, &checksum), &err);
    EXPECT_STATUS(ST_INVALID, of_request(list, 1, false, false, &checksum));
    EXPECT_STATUS(ST_INVALID, of_request(other, 2, false, false, &checksum));
    EXPECT_STATUS(ST_INVALID, of_request(unknown, 1, false, false, &checksum));
    arena_release(&arena);
}

/* SPEC: S3 Content-MD5 / InvalidDigest unless it is 16 bytes in base64. */
TEST(content_md5_is_checked)
{
    static const char *const BAD[] = {"", "YWJyYWNhZGFicmE=", "not base64!",
                                      "AAAAAAAAAAAAAAAAAAAAAAA="};
    unsigned char md5[16];
    bool has;

    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        struct http_header list[] = {header("content-md5", BAD[i])};
        struct s3_headers headers;

        EXPECT_OK(s3_headers_read(list, 1, &arena, &headers, &err), &err);
        EXPECT_STATUS(ST_INVALID, s3_checksum_of_md5(&headers, &has, md5, &err));
        EXPECT_STRING("InvalidDigest", err.dialect_code);
    }
    {
        struct http_header list[] = {header("content-md5", "rL0Y20zC+Fzt72VPzMSk2A==")};
        struct s3_headers headers;

        EXPECT_OK(s3_headers_read(list, 1, &arena, &headers, &err), &err);
        EXPECT_OK(s3_checksum_of_md5(&headers, &has, md5, &err), &err);
        EXPECT(has);
        EXPECT_INT(0xAC, md5[0]);
        EXPECT_OK(s3_headers_read(list, 0, &arena, &headers, &err), &err);
        EXPECT_OK(s3_checksum_of_md5(&headers, &has, md5, &err), &err);
        EXPECT(!has);
    }
}
