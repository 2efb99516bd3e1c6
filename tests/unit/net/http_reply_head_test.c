/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_reply_head.h"

#include "tests/unit/test.h"

#include "base/banned.h"

#define COMMON .date = BYTES_LITERAL("D"), .server = BYTES_LITERAL("S")

static void
expect_head(const char *expected, const struct http_reply_head *head)
{
    struct arena arena = ARENA_INIT;

    EXPECT_BYTES(bytes_of_string(expected), http_reply_head_write(head, &arena));
    arena_release(&arena);
}

TEST(headers_stand_in_order)
{
    const struct http_header headers[] = {
        {BYTES_LITERAL("ETag"), BYTES_LITERAL("\"e\"")},
        {BYTES_LITERAL("x-amz-meta-a"), BYTES_LITERAL("")},
    };

    expect_head(
        "HTTP/1.1 200 OK\r\nDate: D\r\nServer: S\r\nContent-Length: 18446744073709551614\r\n"
        "ETag: \"e\"\r\nx-amz-meta-a: \r\n\r\n",
        &(struct http_reply_head){COMMON, .status = 200, .has_length = true,
                                  .length = UINT64_MAX - 1, .headers = headers, .header_count = 2});
}

TEST(length_coding_and_persistence_are_said)
{
    expect_head("HTTP/1.1 404 Not Found\r\nDate: D\r\nServer: S\r\nConnection: close\r\n"
                "Content-Length: 0\r\n\r\n",
                &(struct http_reply_head){COMMON, .status = 404, .connection = HTTP_SAY_CLOSE,
                                          .has_length = true});
    expect_head("HTTP/1.1 206 Partial Content\r\nDate: D\r\nServer: S\r\nConnection: keep-alive\r\n"
                "Transfer-Encoding: chunked\r\n\r\n",
                &(struct http_reply_head){COMMON, .status = 206, .connection = HTTP_SAY_KEEP_ALIVE,
                                          .is_chunked = true});
    expect_head("HTTP/1.1 599 Status\r\nDate: D\r\nServer: S\r\n\r\n",
                &(struct http_reply_head){COMMON, .status = 599});
}

/* A line end in a value would let a client write headers, or a whole response.  RFC 9110 5.5 */
TEST(control_characters_become_spaces)
{
    const struct http_header header = {
        BYTES_LITERAL("Content-Disposition"),
        BYTES_LITERAL("a\r\nSet-Cookie: b\0c\x7f\td\xc3\xa4"),
    };

    expect_head(
        "HTTP/1.1 200 OK\r\nDate: D\r\nServer: S\r\n"
        "Content-Disposition: a  Set-Cookie: b c \td\xc3\xa4\r\n\r\n",
        &(struct http_reply_head){COMMON, .status = 200, .headers = &header, .header_count = 1});
}
