/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_headers.h"

#include "base/check.h"
#include "s3/s3_attributes.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;
static struct s3_headers headers;
static struct http_header list[16];
static size_t list_count;

static void
add(const char *name, const char *value)
{
    CHECK(list_count < ARRAY_COUNT(list));
    list[list_count++] = (struct http_header){bytes_of_string(name), bytes_of_string(value)};
}

static enum status
read_all(void)
{
    enum status st = s3_headers_read(list, list_count, &arena, &headers, &err);

    list_count = 0;
    return st;
}

/* Rule: each known header lands in its own slot. */
TEST(every_known_header_is_found)
{
    for (size_t i = 0; i < S3_HEADER_COUNT; i++) {
        add(s3_header_name((enum s3_header_id)i), "v");
        EXPECT_OK(read_all(), &err);
        for (size_t j = 0; j < S3_HEADER_COUNT; j++) {
            EXPECT_INT(i == j, s3_has_header(&headers, (enum s3_header_id)j));
        }
    }
    add("x-amz-unknown", "v");
    add("", "v");
    EXPECT_OK(read_all(), &err);
    for (size_t j = 0; j < S3_HEADER_COUNT; j++) {
        EXPECT(!s3_has_header(&headers, (enum s3_header_id)j));
    }
}

/* Rule: an empty value is not an absent one. */
TEST(empty_headers_are_present)
{
    list[list_count++] = (struct http_header){BYTES_LITERAL("content-md5"), BYTES_NONE};
    EXPECT_OK(read_all(), &err);
    EXPECT(s3_has_header(&headers, S3_CONTENT_MD5));
    EXPECT_INT(0, headers.values[S3_CONTENT_MD5].size);
}

/* SPEC: RFC 9110 section 5.3: lists may be sent in pieces, other headers once. */
TEST(repeated_headers_are_joined_or_refused)
{
    add("if-match", "\"a\"");
    add("if-match", "\"b\"");
    EXPECT_OK(read_all(), &err);
    EXPECT_STRING("\"a\",\"b\"", arena_string(&arena, headers.values[S3_IF_MATCH]));
    add("range", "bytes=0-1");
    add("range", "bytes=2-3");
    EXPECT_STATUS(ST_INVALID, read_all());
    EXPECT_STRING("InvalidArgument", err.dialect_code);
    add("range", "bytes=0-1");
    add("range", "bytes=0-1");
    EXPECT_OK(read_all(), &err);
    arena_release(&arena);
}

/* SPEC: S3 RequestHeaderSectionTooLarge: 8 KiB of names and values. */
TEST(header_section_is_limited)
{
    static char value[S3_HEADER_SECTION_BYTES_MAX + 1];

    memset(value, 'v', sizeof(value));
    value[S3_HEADER_SECTION_BYTES_MAX - 10] = '\0';
    add("0123456789", value);
    EXPECT_OK(read_all(), &err);
    value[S3_HEADER_SECTION_BYTES_MAX - 10] = 'v';
    value[S3_HEADER_SECTION_BYTES_MAX - 9] = '\0';
    add("0123456789", value);
    EXPECT_STATUS(ST_INVALID, read_all());
    EXPECT_STRING("RequestHeaderSectionTooLarge", err.dialect_code);
}

/* Rule: a misspelt header of ours is refused, not dropped. */
TEST(unknown_headers_of_ours_are_refused)
{
    add("x-lode-durabilty", "none");
    EXPECT_STATUS(ST_INVALID, read_all());
    add("x-lode-durability", "none");
    EXPECT_OK(read_all(), &err);
}

/* SPEC: S3 PutObject / user metadata: names in order, repeated ones joined, 2 KiB in all. */
TEST(metadata_is_read_and_limited)
{
    static char value[OBJECT_METADATA_BYTES_MAX + 1];
    struct object_attributes attributes;

    add("x-amz-meta-a", "1");
    add("x-amz-meta-b", "");
    add("x-amz-meta-a", "2");
    EXPECT_OK(read_all(), &err);
    EXPECT_OK(s3_attributes_read(&headers, &arena, &attributes, &err), &err);
    EXPECT_INT(2, attributes.metadata_count);
    EXPECT_STRING("a", arena_string(&arena, attributes.metadata[0].name));
    EXPECT_STRING("1,2", arena_string(&arena, attributes.metadata[0].value));
    EXPECT_INT(0, attributes.metadata[1].value.size);

    memset(value, 'v', sizeof(value));
    value[OBJECT_METADATA_BYTES_MAX - 1] = '\0';
    add("x-amz-meta-a", value);
    EXPECT_OK(read_all(), &err);
    EXPECT_OK(s3_attributes_read(&headers, &arena, &attributes, &err), &err);
    value[OBJECT_METADATA_BYTES_MAX - 1] = 'v';
    value[OBJECT_METADATA_BYTES_MAX] = '\0';
    add("x-amz-meta-a", value);
    EXPECT_OK(read_all(), &err);
    EXPECT_STATUS(ST_INVALID, s3_attributes_read(&headers, &arena, &attributes, &err));
    EXPECT_STRING("MetadataTooLarge", err.dialect_code);
    add("x-amz-meta-", "v");
    EXPECT_OK(read_all(), &err);
    EXPECT_STATUS(ST_INVALID, s3_attributes_read(&headers, &arena, &attributes, &err));
    arena_release(&arena);
}

/* SPEC: S3 PutObject / Content-Encoding: aws-chunked is taken out at any position. */
TEST(aws_chunked_is_not_kept)
{
    static const char *const CASES[][2] = {
        {"gzip", "gzip"},
        {"aws-chunked", NULL},
        {"aws-chunked,gzip", "gzip"},
        {"gzip, aws-chunked", "gzip"},
        {"deflate , aws-chunked,gzip", "deflate,gzip"},
        {"deflate, gzip,aws-chunked", "deflate, gzip"},
        {"aws-chunked,aws-chunked", NULL},
        {"aws-chunkedx", "aws-chunkedx"},
        {"a,  b", "a,  b"},
        {"", NULL},
    };
    struct object_attributes attributes;

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct bytes found;

        add("content-encoding", CASES[i][0]);
        EXPECT_OK(read_all(), &err);
        EXPECT_OK(s3_attributes_read(&headers, &arena, &attributes, &err), &err);
        found = attributes.content[CONTENT_ENCODING];
        EXPECT_BYTES(bytes_of_string(CASES[i][1]), found);
        EXPECT_INT(CASES[i][1] == NULL, found.data == NULL);
    }
    arena_release(&arena);
}

/* Rule: what would be promised without being kept is 501; what is true anyway is accepted. */
TEST(promises_that_cannot_be_kept_are_refused)
{
    static const char *const REFUSED[][2] = {
        {"x-amz-acl", "public-read"},
        {"x-amz-grant-read", "id=1"},
        {"x-amz-tagging", "a=b"},
        {"x-amz-tagging-directive", "REPLACE"},
        {"x-amz-server-side-encryption", "AES256"},
        {"x-amz-server-side-encryption-customer-key", "k"},
        {"x-amz-copy-source-server-side-encryption-customer-key", "k"},
        {"x-amz-object-lock-mode", "GOVERNANCE"},
        {"x-amz-object-lock-legal-hold", "ON"},
        {"x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"},
        {"x-amz-website-redirect-location", "/x"},
        {"x-amz-write-offset-bytes", "0"},
        {"x-amz-storage-class", "GLACIER"},
        {"x-amz-object-annotation-directive", "EXCLUDE"},
    };
    static const char *const ACCEPTED[][2] = {
        {"x-amz-acl", "private"},
        {"x-amz-storage-class", "STANDARD"},
        {"x-amz-tagging-directive", "COPY"},
        {"x-amz-bypass-governance-retention", "true"},
        {"x-amz-request-payer", "requester"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(REFUSED); i++) {
        add(REFUSED[i][0], REFUSED[i][1]);
        EXPECT_OK(read_all(), &err);
        EXPECT_STATUS(ST_NOT_IMPLEMENTED, s3_attributes_refuse(&headers, &err));
    }
    for (size_t i = 0; i < ARRAY_COUNT(ACCEPTED); i++) {
        add(ACCEPTED[i][0], ACCEPTED[i][1]);
        EXPECT_OK(read_all(), &err);
        EXPECT_OK(s3_attributes_refuse(&headers, &err), &err);
    }
    add("x-amz-storage-class", "COLD");
    EXPECT_OK(read_all(), &err);
    EXPECT_STATUS(ST_INVALID, s3_attributes_refuse(&headers, &err));
    EXPECT_STRING("InvalidStorageClass", err.dialect_code);
    add("x-amz-acl", "mine");
    EXPECT_OK(read_all(), &err);
    EXPECT_STATUS(ST_INVALID, s3_attributes_refuse(&headers, &err));
    EXPECT_STRING("InvalidArgument", err.dialect_code);
}
