/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/canonical_request.h"

#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

static void
expect_canonical(const struct canonical_request *request, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;

    EXPECT_OK(canonical_request_append(request, &arena, &out, &err), &err);
    EXPECT_BYTES(bytes_of_string(expected), buffer_bytes(&out));
    buffer_release(&out);
    arena_release(&arena);
}

/* SPEC: AWS SigV4 for S3, "Example: GET Object", the canonical request as it is printed there. */
TEST(documented_canonical_request)
{
    static const struct http_header HEADERS[] = {
        {{"host", 4}, {"examplebucket.s3.amazonaws.com", 30}},
        {{"authorization", 13}, {"x", 1}},
        {{"range", 5}, {"bytes=0-9", 9}},
        {{"x-amz-content-sha256", 20}, {EMPTY_SHA256, 64}},
        {{"x-amz-date", 10}, {"20130524T000000Z", 16}},
    };
    struct canonical_request request = {
        .method = BYTES_LITERAL("GET"),
        .path = BYTES_LITERAL("/test.txt"),
        .headers = HEADERS,
        .header_count = ARRAY_COUNT(HEADERS),
        .signed_headers = BYTES_LITERAL("host;range;x-amz-content-sha256;x-amz-date"),
        .payload_line = BYTES_LITERAL(EMPTY_SHA256),
    };

    expect_canonical(&request, "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\n"
                               "range:bytes=0-9\nx-amz-content-sha256:" EMPTY_SHA256
                               "\nx-amz-date:20130524T000000Z\n\n"
                               "host;range;x-amz-content-sha256;x-amz-date\n" EMPTY_SHA256);
}

/* Values lose the space at their ends and each run of it inside; equal headers join in order. */
TEST(header_values_are_trimmed_collapsed_and_joined)
{
    static const struct http_header HEADERS[] = {
        {{"b", 1}, {"  2 \t  3  ", 10}}, {{"a", 1}, {"", 0}},      {{"b", 1}, {"1", 1}},
        {{"c", 1}, {" \t ", 3}},         {{"b", 1}, {"x,  y", 5}},
    };
    struct canonical_request request = {
        .method = BYTES_LITERAL("PUT"),
        .path = BYTES_LITERAL("//a/../b"),
        .headers = HEADERS,
        .header_count = ARRAY_COUNT(HEADERS),
        .signed_headers = BYTES_LITERAL("a;b;c"),
        .payload_line = BYTES_LITERAL("p"),
    };

    expect_canonical(&request, "PUT\n//a/../b\n\na:\nb:2 3,1,x, y\nc:\n\na;b;c\np");
}

TEST(query_is_sorted_by_name_then_value)
{
    static const struct {
        const char *query;
        const char *as_sent;
        const char *encoded_again;
    } CASES[] = {
        {"", "", ""},
        {"a", "a=", "a="},
        {"b=2&a=1", "a=1&b=2", "a=1&b=2"},
        {"a=2&a=1&a", "a=&a=1&a=2", "a=&a=1&a=2"},
        {"a-b=1&a=1&ab=1", "a=1&a-b=1&ab=1", "a=1&a-b=1&ab=1"},
        {"b=1&B=1", "B=1&b=1", "B=1&b=1"},
        {"a=b=c", "a=b=c", "a=b%3Dc"},
        {"a=%2f", "a=%2f", "a=%2F"},
        {"a=/", "a=/", "a=%2F"},
        {"a=x+y&b=x%2By", "a=x+y&b=x%2By", "a=x%20y&b=x%2By"},
        {"a&&b", "=&a=&b=", "a=&b="},
        {"a&", "=&a=", "a="},
        {"&", "=&=", ""},
        {"X-Amz-Signature=1&a", "a=", "a="},
        {"x-amz-signature=1", "x-amz-signature=1", "x-amz-signature=1"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        for (int is_again = 0; is_again < 2; is_again++) {
            struct arena arena = ARENA_INIT;
            struct canonical_request request = {
                .method = BYTES_LITERAL("GET"),
                .path = BYTES_LITERAL("/"),
                .query = bytes_of_string(CASES[i].query),
                .payload_line = BYTES_LITERAL("p"),
                .form = is_again ? CANONICAL_ENCODED_AGAIN : CANONICAL_AS_SENT,
            };

            expect_canonical(&request,
                             arena_printf(&arena, "GET\n/\n%s\n\n\np",
                                          is_again ? CASES[i].encoded_again : CASES[i].as_sent));
            arena_release(&arena);
        }
    }
}

TEST(signed_header_that_was_not_sent_is_an_error)
{
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;
    struct canonical_request request = {.method = BYTES_LITERAL("GET"),
                                        .path = BYTES_LITERAL("/%zz"),
                                        .signed_headers = BYTES_LITERAL("host")};

    EXPECT_STATUS(ST_INVALID, canonical_request_append(&request, &arena, &out, &err));
    request.signed_headers = BYTES_NONE;
    EXPECT_STATUS(ST_OK, canonical_request_append(&request, &arena, &out, &err));
    request.form = CANONICAL_ENCODED_AGAIN;
    EXPECT_STATUS(ST_INVALID, canonical_request_append(&request, &arena, &out, &err));
    buffer_release(&out);
    arena_release(&arena);
}

TEST(signed_names_are_whole_words)
{
    struct bytes names = BYTES_LITERAL("host;x-amz-date");

    EXPECT(canonical_request_is_signed(names, BYTES_LITERAL("host")));
    EXPECT(canonical_request_is_signed(names, BYTES_LITERAL("x-amz-date")));
    EXPECT(!canonical_request_is_signed(names, BYTES_LITERAL("x-amz")));
    EXPECT(!canonical_request_is_signed(names, BYTES_LITERAL("ost")));
    EXPECT(!canonical_request_is_signed(BYTES_NONE, BYTES_LITERAL("host")));
}

/* SPEC: AWS SigV4 for S3, the documented examples of header and query authentication: the access
 * key is no part of what is signed, so that ours may stand there. */
TEST(documented_examples_verify)
{
    static const struct {
        const char *method;
        const char *path;
        const char *query;
        const char *headers[8];
        const char *signed_headers; /* NULL: in the query */
        const char *signature;
    } EXAMPLES[] = {
        {"GET",
         "/test.txt",
         "",
         {"range", "bytes=0-9", "x-amz-content-sha256", EMPTY_SHA256},
         "host;range;x-amz-content-sha256;x-amz-date",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        {"PUT",
         "/test%24file.text",
         "",
         {"date", "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class", "REDUCED_REDUNDANCY",
          "x-amz-content-sha256",
          "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
         "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
        {"GET",
         "/",
         "lifecycle",
         {"x-amz-content-sha256", EMPTY_SHA256},
         "host;x-amz-content-sha256;x-amz-date",
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"GET",
         "/",
         "max-keys=2&prefix=J",
         {"x-amz-content-sha256", EMPTY_SHA256},
         "host;x-amz-content-sha256;x-amz-date",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    struct fixture fixture;

    fixture_init(&fixture);
    clock_use_virtual(INT64_C(1369353600) * CLOCK_NS_PER_S);
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) {
        fixture_reset(&fixture);
        fixture.request.method = bytes_of_string(EXAMPLES[i].method);
        fixture.request.path = bytes_of_string(EXAMPLES[i].path);
        fixture.request.query = bytes_of_string(EXAMPLES[i].query);
        fixture_set_header(&fixture, "host", "examplebucket.s3.amazonaws.com");
        fixture_add_header(&fixture, "x-amz-date", "20130524T000000Z");
        for (size_t j = 0; EXAMPLES[i].headers[j] != NULL; j += 2) {
            fixture_add_header(&fixture, EXAMPLES[i].headers[j], EXAMPLES[i].headers[j + 1]);
        }
        fixture_add_header(
            &fixture, "authorization",
            arena_printf(&fixture.arena,
                         "AWS4-HMAC-SHA256 Credential=" FIXTURE_ACCESS_KEY
                         "/20130524/us-east-1/s3/aws4_request,SignedHeaders=%s,Signature=%s",
                         EXAMPLES[i].signed_headers, EXAMPLES[i].signature));
        fixture_expect_accepted(&fixture);
        clock_use_virtual((INT64_C(1369353600) + 901) * CLOCK_NS_PER_S);
        fixture_expect_refused(&fixture, ST_DENIED, "RequestTimeTooSkewed", 403);
        clock_use_virtual(INT64_C(1369353600) * CLOCK_NS_PER_S);
    }
    fixture_release(&fixture);
}
