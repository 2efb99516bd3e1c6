/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_error.h"

#include "base/check.h"
#include "base/xml_reader.h"
#include "s3/s3_continuation.h"
#include "s3/s3_time.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;

/* Rule: every status of the operations has an S3 code, and only our own faults are 500. */
TEST(every_status_has_a_code)
{
    for (int i = ST_OK + 1; i < STATUS_COUNT; i++) {
        struct error error = {.code = (enum status)i};
        struct s3_error_code code = s3_error_code_of(&error);
        bool is_ours = i == ST_CORRUPT || i == ST_IO || i == ST_INTERNAL || i == ST_WOULD_WAIT ||
                       i == ST_NEED_FACT;

        EXPECT_INT(is_ours, s3_error_is_ours(&code));
        EXPECT(code.http_status >= 300 && code.http_status < 600);
    }
}

/* SPEC: S3 error responses / a code of the operation wins over that of its status. */
TEST(dialect_codes_have_their_status)
{
    static const struct {
        const char *code;
        int http_status;
    } CASES[] = {{"NoSuchBucket", 404},      {"PreconditionFailed", 412},
                 {"InvalidRange", 416},      {"SlowDown", 503},
                 {"NotImplemented", 501},    {"MissingContentLength", 411},
                 {"InvalidPartNumber", 416}, {"BucketNotEmpty", 409},
                 {"BadDigest", 400},         {"NewCodeOfTomorrow", 400}};

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct s3_error_code code;

        (void)fail_as(&err, ST_INVALID, CASES[i].code, "Why.");
        code = s3_error_code_of(&err);
        EXPECT_STRING(CASES[i].code, code.code);
        EXPECT_INT(CASES[i].http_status, code.http_status);
    }
}

/* SPEC: S3 error responses / the document. */
TEST(error_document_is_what_s3_sends)
{
    const struct s3_error_document document = {
        .code = "NoSuchKey",
        .message = BYTES_LITERAL("There is no <key>."),
        .resource = BYTES_LITERAL("/b/a&b"),
        .key = BYTES_LITERAL("a&b"),
        .request_id = BYTES_LITERAL("0123456789ABCDEF"),
        .host_id = BYTES_LITERAL("host"),
    };

    EXPECT_STRING("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<Error><Code>NoSuchKey</Code><Message>There is no &lt;key&gt;.</Message>"
                  "<Key>a&amp;b</Key><Resource>/b/a&amp;b</Resource>"
                  "<RequestId>0123456789ABCDEF</RequestId><HostId>host</HostId></Error>",
                  arena_string(&arena, s3_error_render(&document, &arena)));
    arena_release(&arena);
}

/* Rule: a sentence that was cut inside a character still makes a document that can be read. */
TEST(cut_sentences_stay_utf8)
{
    struct s3_error_document document = {.code = "InvalidArgument", .resource = BYTES_LITERAL("/")};
    struct xml_node *root;

    EXPECT_STRING("gr", arena_string(&arena, s3_error_whole_utf8(BYTES_LITERAL("gr\xC3"))));
    EXPECT_STRING("x", arena_string(&arena, s3_error_whole_utf8(BYTES_LITERAL("x\xF0\x9F\x98"))));
    EXPECT_STRING("", arena_string(&arena, s3_error_whole_utf8(BYTES_LITERAL(""))));
    document.message = BYTES_LITERAL("in the \xC3 middle");
    EXPECT_OK(xml_read(s3_error_render(&document, &arena), &arena, &root, &err), &err);
    arena_release(&arena);
}

/* SPEC: S3 timestamps: ISO 8601 with milliseconds. */
TEST(times_are_iso_8601)
{
    static const struct {
        int64_t ns;
        const char *text;
    } CASES[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1763629500123456789), "2025-11-20T09:05:00.123Z"},
        {INT64_C(951782399999000000), "2000-02-28T23:59:59.999Z"},
        {INT64_C(951782400000000000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(951868800000000000), "2000-03-01T00:00:00.000Z"},
        {INT64_C(4107542400000000000), "2100-03-01T00:00:00.000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145Z"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char text[S3_TIME_SIZE + 1] = "";

        s3_time_format(CASES[i].ns, text);
        EXPECT_STRING(CASES[i].text, text);
    }
}

static struct bytes
token_of(const char *name)
{
    struct buffer out = BUFFER_INIT;
    struct xml_node *root;

    s3_continuation_element(&out, "T", bytes_of_string(name));
    EXPECT_OK(xml_read(buffer_bytes(&out), &arena, &root, &err), &err);
    buffer_release(&out);
    return root->text;
}

/* SPEC: S3 ListObjectsV2 / continuation-token: one that we gave, nothing else. */
TEST(continuation_tokens_come_back)
{
    static const char *const NAMES[] = {"", "a", "a/b\x01 <&>", "\xC3\xBC"};
    static const char *const BAD[] = {"", "a", "YQ==", "MS8=x", "MC9h", "not base64"};
    struct bytes name;

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        EXPECT_OK(s3_continuation_parse(token_of(NAMES[i]), &arena, &name, &err), &err);
        EXPECT_BYTES(bytes_of_string(NAMES[i]), name);
    }
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        EXPECT_STATUS(ST_INVALID,
                      s3_continuation_parse(bytes_of_string(BAD[i]), &arena, &name, &err));
        EXPECT_STRING("InvalidArgument", err.dialect_code);
    }
    arena_release(&arena);
}
