/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_head.h"

#include <stdio.h>

#include "net/http_limits.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct http_head head;

static enum http_head_result
parse(struct bytes input)
{
    arena_release(&arena);
    return http_head_parse(input, 0, &arena, &head);
}

static void
expect_ready(const char *text)
{
    if (parse(bytes_of_string(text)) != HTTP_HEAD_READY) {
        test_failed(__FILE__, __LINE__, "refused: %s: %s", head.refusal_sentence, text);
    }
}

static void
expect_refused(int status, const char *text)
{
    enum http_head_result result = parse(bytes_of_string(text));

    if (result != HTTP_HEAD_REFUSED || head.refusal_status != status) {
        test_failed(__FILE__, __LINE__, "result %d, status %d, not %d: %s", (int)result,
                    head.refusal_status, status, text);
    }
    EXPECT(head.refusal_sentence != NULL);
    arena_release(&arena);
}

/* SPEC: RFC 9112 2.1 */
TEST(a_plain_head_is_split)
{
    expect_ready(
        "GET /b/k?versionId=7&x HTTP/1.1\r\nHost: h:80\r\nX-A:  v w \r\nX-A: 2\r\n\r\nBODY");

    EXPECT_BYTES(BYTES_LITERAL("GET"), head.request.method);
    EXPECT_BYTES(BYTES_LITERAL("/b/k"), head.request.path);
    EXPECT_BYTES(BYTES_LITERAL("versionId=7&x"), head.request.query);
    EXPECT_BYTES(BYTES_LITERAL("h:80"), head.request.host);
    EXPECT_INT(3, head.request.header_count);
    EXPECT_BYTES(BYTES_LITERAL("v w"), http_request_header(&head.request, "x-a"));
    EXPECT_INT(2, http_request_header_count(&head.request, "x-a"));
    EXPECT(http_request_header(&head.request, "x-b").data == NULL);
    EXPECT(!head.request.has_body && !head.wants_close && !head.is_http_1_0);
    EXPECT_INT(
        strlen("GET /b/k?versionId=7&x HTTP/1.1\r\nHost: h:80\r\nX-A:  v w \r\nX-A: 2\r\n\r\n"),
        head.size);
    arena_release(&arena);
}

TEST(a_missing_query_is_not_an_empty_one)
{
    expect_ready("GET /k HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT(head.request.query.data == NULL);

    expect_ready("GET /k? HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT(head.request.query.data != NULL && head.request.query.size == 0);
    arena_release(&arena);
}

/* Each prefix of a head asks for more and keeps nothing. */
TEST(every_prefix_is_incomplete)
{
    static const char TEXT[] = "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";

    for (size_t size = 0; size < sizeof(TEXT) - 1; size++) {
        EXPECT_INT(HTTP_HEAD_INCOMPLETE, parse(bytes_of(TEXT, size)));
        EXPECT(arena.blocks == NULL);
        EXPECT_INT(HTTP_HEAD_INCOMPLETE,
                   http_head_parse(bytes_of(TEXT, size), size / 2, &arena, &head));
    }
    EXPECT_INT(HTTP_HEAD_READY,
               http_head_parse(bytes_of(TEXT, sizeof(TEXT) - 1), sizeof(TEXT) - 2, &arena, &head));
    arena_release(&arena);
}

/* SPEC: RFC 9112 6.1, 6.2, 6.3: each of these is a known way to smuggle a request. */
TEST(hostile_framing_is_refused)
{
    static const char *const BAD[] = {
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: 3 4\r\n",
        "Content-Length:\r\n",
        "Content-Length: 9223372036854775808\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length : 3\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\r\n",
        "X-A: 1\r\n continued\r\n",
        "X-A: 1\r\n\tcontinued\r\n",
        "X-A\r\n",
        ": v\r\n",
        "X A: v\r\n",
        "X-A: 1\n",
        "X-A: 1\rX-B: 2\r\n",
        "X-A: \x01\r\n",
        "X-A: \x7f\r\n",
    };
    char text[256];

    expect_refused(400, "PUT /k HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        snprintf(text, sizeof(text), "PUT /b/k HTTP/1.1\r\nHost: h\r\n%s\r\n", BAD[i]);
        expect_refused(400, text);
    }
}

/* A NUL is a control character like others, wherever it stands. */
TEST(a_nul_is_refused)
{
    static const char *const HEADS[] = {
        "GET /a%b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHo%st: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX: %\r\n\r\n",
        "G%T /a HTTP/1.1\r\nHost: h\r\n\r\n",
    };
    char text[128];

    for (size_t i = 0; i < sizeof(HEADS) / sizeof(HEADS[0]); i++) {
        size_t size = strlen(HEADS[i]);

        memcpy(text, HEADS[i], size);
        *(char *)memchr(text, '%', size) = '\0';
        EXPECT_INT(HTTP_HEAD_REFUSED, parse(bytes_of(text, size)));
        EXPECT_INT(400, head.refusal_status);
    }
    arena_release(&arena);
}

TEST(chunked_and_lengths_are_understood)
{
    expect_ready("PUT /k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n");
    EXPECT(head.request.has_body && head.request.content_length == HTTP_LENGTH_UNKNOWN);

    expect_ready("PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n");
    EXPECT(head.request.has_body && head.request.content_length == INT64_MAX);

    expect_ready("PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    EXPECT(!head.request.has_body);
    arena_release(&arena);
}

/* SPEC: RFC 9112 3.2: exactly one Host in HTTP/1.1, and it must be one. */
TEST(host_is_required_once)
{
    expect_refused(400, "GET / HTTP/1.1\r\n\r\n");
    expect_refused(400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    expect_refused(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
    expect_refused(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    expect_refused(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    expect_refused(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n");
    expect_refused(400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
    expect_ready("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
    expect_ready("GET / HTTP/1.0\r\n\r\n");
    arena_release(&arena);
}

/* SPEC: RFC 9112 3.2.2 */
TEST(absolute_form_is_stripped)
{
    expect_ready("GET http://h:1/b/k?q HTTP/1.1\r\nHost: h:1\r\n\r\n");
    EXPECT_BYTES(BYTES_LITERAL("/b/k"), head.request.path);
    EXPECT_BYTES(BYTES_LITERAL("q"), head.request.query);

    expect_ready("GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_BYTES(BYTES_LITERAL("/"), head.request.path);

    expect_ready("GET http://h/a HTTP/1.0\r\n\r\n");
    EXPECT_BYTES(BYTES_LITERAL("h"), head.request.host);

    expect_refused(400, "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(foreign_targets_are_refused)
{
    expect_refused(400, "GET b/k HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
    expect_refused(400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, "GET  HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_ready("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    arena_release(&arena);
}

TEST(methods_are_tokens)
{
    expect_ready("M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, "GE(T / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, " / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH / HTTP/1.1\r\nHost: h\r\n\r\n");
}

/* SPEC: RFC 9110 15.6.6 */
TEST(other_versions_are_505)
{
    expect_refused(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    expect_refused(505, "GET / HTTP/3.0\r\nHost: h\r\n\r\n");
    expect_refused(400, "GET / HTTQ/1.1\r\nHost: h\r\n\r\n");
    expect_refused(400, "\x16\x03\x01\x02\x01 a TLS hello\r\n");
}

/* SPEC: RFC 9110 10.1.1: other expectations may be ignored, as S3 does. */
TEST(only_100_continue_is_expected)
{
    expect_ready("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n");
    EXPECT(head.request.expects_continue);

    expect_ready("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 200\r\n\r\n");
    EXPECT(!head.request.expects_continue);

    expect_ready("PUT / HTTP/1.0\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    EXPECT(!head.request.expects_continue);
    arena_release(&arena);
}

/* SPEC: RFC 9112 9.3 */
TEST(persistence_follows_version_and_connection)
{
    static const struct {
        const char *text;
        bool wants_close;
    } CASES[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: te, Close\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nHost: h\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n", true},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        expect_ready(CASES[i].text);
        EXPECT_INT(CASES[i].wants_close, head.wants_close);
    }
    arena_release(&arena);
}

static void
expect_oversized(int status, const char *start, const char *filler, size_t filler_count)
{
    struct buffer text = BUFFER_INIT;

    buffer_append_string(&text, start);
    for (size_t i = 0; i < filler_count; i++) {
        buffer_append_string(&text, filler);
    }
    EXPECT_INT(HTTP_HEAD_REFUSED, parse(buffer_bytes(&text)));
    EXPECT_INT(status, head.refusal_status);
    buffer_release(&text);
}

/* SPEC: RFC 6585 5, RFC 9110 15.5.15 */
TEST(oversized_heads_are_refused_before_they_end)
{
    expect_oversized(414, "GET /", "a", HTTP_HEAD_BYTES_MAX);
    expect_oversized(431, "GET / HTTP/1.1\r\nHost: h\r\nX-A: ", "a", HTTP_HEAD_BYTES_MAX);
    expect_oversized(431, "GET / HTTP/1.1\r\nHost: h\r\n", "A: b\r\n", HTTP_HEADER_COUNT_MAX);
    arena_release(&arena);
}

TEST(the_largest_head_is_taken)
{
    struct buffer text = BUFFER_INIT;

    buffer_append_string(&text, "GET / HTTP/1.1\r\nHost: h\r\nX-A: ");
    while (text.size < HTTP_HEAD_BYTES_MAX - 4) {
        buffer_append_char(&text, 'a');
    }
    buffer_append_string(&text, "\r\n\r\n");

    EXPECT_INT(HTTP_HEAD_READY, parse(buffer_bytes(&text)));
    EXPECT_INT(HTTP_HEAD_BYTES_MAX, head.size);
    arena_release(&arena);
    buffer_release(&text);
}
