/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_request_head.h"

#include "net/http_head.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* What we write, our own server reads; and no value becomes a header of its own. */
TEST(a_written_head_is_read_back)
{
    struct arena arena = ARENA_INIT;
    struct http_header headers[] = {{BYTES_LITERAL("X-A"), BYTES_LITERAL("b\r\nX-Evil: 1")}};
    struct http_request_head options = {
        .path = BYTES_LITERAL("/peer/v1/s3"),
        .host = BYTES_LITERAL("127.0.0.1:9"),
        .headers = headers,
        .header_count = 1,
        .prefix_size = 10,
        .payload_size = 90,
        .expects_continue = true,
    };
    struct http_head head;

    EXPECT_INT(HTTP_HEAD_READY,
               http_head_parse(http_request_head_write(&options, &arena), 0, &arena, &head));
    EXPECT_BYTES(BYTES_LITERAL("POST"), head.request.method);
    EXPECT_BYTES(BYTES_LITERAL("/peer/v1/s3"), head.request.path);
    EXPECT_INT(100, head.request.content_length);
    EXPECT(head.request.expects_continue);
    EXPECT_BYTES(BYTES_LITERAL("b  X-Evil: 1"), http_request_header(&head.request, "x-a"));
    EXPECT(http_request_header(&head.request, "x-evil").data == NULL);
    arena_release(&arena);
}

TEST(an_unknown_length_is_chunked)
{
    struct arena arena = ARENA_INIT;
    struct http_request_head options = {.path = BYTES_LITERAL("/p"),
                                        .host = BYTES_LITERAL("h"),
                                        .payload_size = HTTP_LENGTH_UNKNOWN};
    struct http_head head;

    EXPECT_INT(HTTP_HEAD_READY,
               http_head_parse(http_request_head_write(&options, &arena), 0, &arena, &head));
    EXPECT(head.request.content_length == HTTP_LENGTH_UNKNOWN);
    EXPECT(!head.request.expects_continue);
    arena_release(&arena);
}
