/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_xml.h"

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;

static enum status
read_delete(const char *body, struct s3_delete_document *ret_document)
{
    return s3_xml_read_delete(bytes_of_string(body), &arena, ret_document, &err);
}

static enum status
read_complete(const char *body, struct s3_complete_document *ret_document)
{
    return s3_xml_read_complete(bytes_of_string(body), &arena, ret_document, &err);
}

/* SPEC: S3 DeleteObjects / Delete: Object (Key, VersionId, ETag), Quiet. */
TEST(delete_document_is_read)
{
    struct s3_delete_document document;

    EXPECT_OK(read_delete("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                          "<Object><Key> a&amp;b </Key><VersionId>null</VersionId></Object>"
                          "<Object><ETag>\"e\"</ETag><Key>c</Key></Object>"
                          "<Quiet>true</Quiet></Delete>",
                          &document),
              &err);
    EXPECT_INT(2, document.count);
    EXPECT(document.is_quiet);
    EXPECT_STRING(" a&b ", arena_string(&arena, document.entries[0].key));
    EXPECT_STRING("null", arena_string(&arena, document.version_ids[0]));
    EXPECT(document.version_ids[1].data == NULL);
    EXPECT_STRING("\"e\"", arena_string(&arena, document.entries[1].conditions.if_match));
    arena_release(&arena);
}

/* SPEC: S3 DeleteObjects / MalformedXML for anything else. */
TEST(other_delete_documents_are_malformed)
{
    static const char *const BAD[] = {
        "text",
        "<Delete>",
        "<Delete/>",
        "<Delete><Quiet>true</Quiet></Delete>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Key/></Object></Delete>",
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><Extra/></Object></Delete>",
        "<Delete><Object><Key>a</Key></Object><Extra/></Delete>",
        "<Delete><Quiet>1</Quiet><Quiet>1</Quiet><Object><Key>a</Key></Object></Delete>",
        "<Other><Object><Key>a</Key></Object></Other>",
        "<!DOCTYPE d [<!ENTITY e \"x\">]><Delete><Object><Key>&e;</Key></Object></Delete>",
    };
    struct s3_delete_document document;

    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        EXPECT_STATUS(ST_INVALID, read_delete(BAD[i], &document));
        EXPECT_STRING("MalformedXML", err.dialect_code);
    }
    EXPECT_STATUS(ST_INVALID, read_delete("", &document));
    EXPECT_STRING("MissingRequestBodyError", err.dialect_code);
    EXPECT_STATUS(
        ST_NOT_IMPLEMENTED,
        read_delete("<Delete><Object><Key>a</Key><Size>1</Size></Object></Delete>", &document));
    arena_release(&arena);
}

static enum status
read_many_keys(size_t count)
{
    struct buffer body = BUFFER_INIT;
    struct s3_delete_document document;
    enum status st;

    buffer_append_string(&body, "<Delete>");
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&body, "<Object><Key>k</Key></Object>");
    }
    buffer_append_string(&body, "</Delete>");
    st = s3_xml_read_delete(buffer_bytes(&body), &arena, &document, &err);
    buffer_release(&body);
    arena_release(&arena);
    return st;
}

/* SPEC: S3 DeleteObjects / 1,000 keys, not one more. */
TEST(delete_takes_a_thousand_keys)
{
    EXPECT_OK(read_many_keys(1000), &err);
    EXPECT_STATUS(ST_INVALID, read_many_keys(1001));
    EXPECT_STATUS(ST_INVALID, read_many_keys(2000));
}

/* SPEC: S3 CompleteMultipartUpload / Part: PartNumber, ETag, one checksum. */
TEST(complete_document_is_read)
{
    struct s3_complete_document document;

    EXPECT_OK(read_complete("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
                            "<ETag>&quot;e1&quot;</ETag></Part><Part><ETag>e2</ETag>"
                            "<ChecksumCRC32>AAAAAQ==</ChecksumCRC32><PartNumber> 10000 "
                            "</PartNumber></Part></CompleteMultipartUpload>",
                            &document),
              &err);
    EXPECT_INT(2, document.count);
    EXPECT_INT(1, document.parts[0].number);
    EXPECT_STRING("e1", arena_string(&arena, document.parts[0].etag));
    EXPECT_INT(CHECKSUM_NONE, document.parts[0].checksum.algorithm);
    EXPECT_INT(10000, document.parts[1].number);
    EXPECT_INT(CHECKSUM_CRC32, document.parts[1].checksum.algorithm);
    EXPECT_INT(1, document.parts[1].checksum.value[3]);
    arena_release(&arena);
}

/* SPEC: S3 CompleteMultipartUpload / MalformedXML, InvalidArgument for a number out of limits. */
TEST(other_complete_documents_are_refused)
{
#define PARTS(text) "<CompleteMultipartUpload>" text "</CompleteMultipartUpload>"
    static const struct {
        const char *body;
        const char *code;
    } BAD[] = {
        {"", "MalformedXML"},
        {"text", "MalformedXML"},
        {PARTS(""), "MalformedXML"},
        {PARTS("<Part/>"), "MalformedXML"},
        {PARTS("<Part><PartNumber>1</PartNumber></Part>"), "MalformedXML"},
        {PARTS("<Part><ETag>e</ETag></Part>"), "MalformedXML"},
        {PARTS("<Part><ETag>e</ETag><PartNumber>x</PartNumber></Part>"), "MalformedXML"},
        {PARTS("<Part><ETag>e</ETag><PartNumber>0</PartNumber></Part>"), "InvalidArgument"},
        {PARTS("<Part><ETag>e</ETag><PartNumber>10001</PartNumber></Part>"), "InvalidArgument"},
        {PARTS("<Part><ETag>e</ETag><PartNumber>1</PartNumber><X/></Part>"), "MalformedXML"},
        {PARTS("<Part><ETag>e</ETag><PartNumber>1</PartNumber>"
               "<ChecksumSHA1>x</ChecksumSHA1></Part>"),
         "MalformedChecksum"},
        {PARTS("<Part><ETag>e</ETag><PartNumber>1</PartNumber><ChecksumCRC32>AAAAAA=="
               "</ChecksumCRC32><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part>"),
         "MalformedXML"},
    };
    struct s3_complete_document document;

    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        EXPECT_STATUS(ST_INVALID, read_complete(BAD[i].body, &document));
        EXPECT_STRING(BAD[i].code, err.dialect_code);
    }
    arena_release(&arena);
}

static enum status
read_many_parts(size_t count)
{
    struct buffer body = BUFFER_INIT;
    struct s3_complete_document document;
    enum status st;

    buffer_append_string(&body, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(
            &body, "<Part><PartNumber>1</PartNumber><ETag>e</ETag><ChecksumSHA256>"
                   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ChecksumSHA256></Part>");
    }
    buffer_append_string(&body, "</CompleteMultipartUpload>");
    st = s3_xml_read_complete(buffer_bytes(&body), &arena, &document, &err);
    buffer_release(&body);
    arena_release(&arena);
    return st;
}

/* SPEC: S3 CompleteMultipartUpload / 10,000 parts, not one more. */
TEST(complete_takes_ten_thousand_parts)
{
    EXPECT_OK(read_many_parts(10000), &err);
    EXPECT_STATUS(ST_INVALID, read_many_parts(10001));
}

/* SPEC: S3 CreateBucket / CreateBucketConfiguration. */
TEST(create_document_is_read)
{
    struct s3_create_document document;

    EXPECT_OK(s3_xml_read_create(BYTES_LITERAL(""), &arena, &document, &err), &err);
    EXPECT(document.location.data == NULL);
    EXPECT_OK(s3_xml_read_create(
                  BYTES_LITERAL("<CreateBucketConfiguration><LocationConstraint> eu-west-1 "
                                "</LocationConstraint></CreateBucketConfiguration>"),
                  &arena, &document, &err),
              &err);
    EXPECT_STRING("eu-west-1", arena_string(&arena, document.location));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED,
                  s3_xml_read_create(BYTES_LITERAL("<CreateBucketConfiguration><Tags/>"
                                                   "</CreateBucketConfiguration>"),
                                     &arena, &document, &err));
    EXPECT_STATUS(ST_INVALID, s3_xml_read_create(BYTES_LITERAL("<CreateBucketConfiguration><X/>"
                                                               "</CreateBucketConfiguration>"),
                                                 &arena, &document, &err));
    EXPECT_STRING("MalformedXML", err.dialect_code);
    arena_release(&arena);
}
