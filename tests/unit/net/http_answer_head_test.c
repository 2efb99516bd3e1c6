/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_answer_head.h"

#include "base/check.h"
#include "net/http_limits.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct http_answer_head head;

static enum http_head_result
parse(const char *text, bool is_head)
{
    static struct arena arena;

    arena_release(&arena);
    arena = ARENA_INIT;
    return http_answer_head_parse(bytes_of_string(text), 0, is_head, &arena, &head);
}

/* SPEC: RFC 9112 6.3. */
TEST(an_answer_with_a_length_has_a_body_of_it)
{
    EXPECT_INT(HTTP_HEAD_READY,
               parse("HTTP/1.1 206 Partial\r\nX-A:  b \r\nContent-Length: 12\r\n\r\nrest", false));
    EXPECT_INT(206, head.status);
    EXPECT(head.has_body && !head.wants_close);
    EXPECT_INT(12, head.content_length);
    EXPECT_BYTES(BYTES_LITERAL("b"), http_answer_header(&head, "x-a"));
    EXPECT(http_answer_header(&head, "x-b").data == NULL);
}

TEST(a_chunked_answer_has_no_length)
{
    EXPECT_INT(
        HTTP_HEAD_READY,
        parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x, Close\r\n\r\n",
              false));
    EXPECT(head.has_body && head.wants_close);
    EXPECT(head.content_length == HTTP_LENGTH_UNKNOWN);
}

/* SPEC: RFC 9112 6.3, the answers that never have a body. */
TEST(answers_to_head_and_those_without_content_have_no_body)
{
    EXPECT_INT(HTTP_HEAD_READY, parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true));
    EXPECT(!head.has_body);
    EXPECT_INT(5, head.content_length);
    EXPECT_INT(HTTP_HEAD_READY, parse("HTTP/1.1 204 No Content\r\n\r\n", false));
    EXPECT(!head.has_body);
    EXPECT_INT(HTTP_HEAD_READY, parse("HTTP/1.1 304 Not Modified\r\n\r\n", false));
    EXPECT(!head.has_body);
    EXPECT_INT(HTTP_HEAD_READY, parse("HTTP/1.1 100 Continue\r\n\r\n", false));
    EXPECT(!head.has_body);
}

TEST(half_a_head_is_incomplete)
{
    EXPECT_INT(HTTP_HEAD_INCOMPLETE, parse("HTTP/1.1 200 OK\r\nContent-", false));
    EXPECT_INT(HTTP_HEAD_INCOMPLETE, parse("", false));
}

/* What could be cut unseen, or read in two ways, is refused. */
TEST(ambiguous_framing_is_refused)
{
    static const char *const HEADS[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 103 Early\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 1\r\n\r\n",
        "NOTHTTP\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_COUNT(HEADS); i++) {
        EXPECT_INT(HTTP_HEAD_REFUSED, parse(HEADS[i], false));
        EXPECT(head.refusal != NULL);
    }
}

TEST(an_endless_head_is_refused)
{
    static char text[HTTP_HEAD_BYTES_MAX + 100];

    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
    EXPECT_INT(HTTP_HEAD_REFUSED, parse(text, false));
}
