/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http_answer_head.h on any bytes, in one piece and in two, as an answer to GET and to HEAD:
 * refused with a reason, or its body has an end that its framing tells.
 */
#include "base/check.h"
#include "net/http_answer_head.h"
#include "net/http_limits.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_answer(const struct http_answer_head *head, size_t size, bool is_head)
{
    CHECK(head->size != 0 && head->size <= size && head->size <= HTTP_HEAD_BYTES_MAX);
    CHECK(head->status >= 100 && head->status <= 599);
    CHECK(head->header_count <= HTTP_HEADER_COUNT_MAX);
    CHECK(!head->has_body || (!is_head && head->status >= 200));
    CHECK(!head->has_body || head->content_length != HTTP_LENGTH_UNKNOWN ||
          bytes_equal_ignore_case(http_answer_header(head, "transfer-encoding"), "chunked"));
    for (size_t i = 0; i < head->header_count; i++) {
        CHECK(head->headers[i].name.size != 0);
        CHECK(bytes_find_char(head->headers[i].value, 0, '\n') == SIZE_MAX);
        CHECK(bytes_find_char(head->headers[i].value, 0, '\r') == SIZE_MAX);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t split = size != 0 ? data[size - 1] * size / 256 : 0;

    for (int is_head = 0; is_head < 2; is_head++) {
        struct arena arena = ARENA_INIT;
        struct bytes input = bytes_of(data, size);
        struct http_answer_head head, part;
        enum http_head_result result = http_answer_head_parse(input, 0, is_head, &arena, &head);

        if (result == HTTP_HEAD_READY) {
            check_answer(&head, size, is_head);
        }
        CHECK((result == HTTP_HEAD_REFUSED) == (head.refusal != NULL));
        if (http_answer_head_parse(bytes_slice(input, 0, split), 0, is_head, &arena, &part) ==
            HTTP_HEAD_INCOMPLETE) {
            CHECK((http_answer_head_parse(input, split, is_head, &arena, &part) ==
                   HTTP_HEAD_READY) == (result == HTTP_HEAD_READY));
        }
        arena_release(&arena);
    }
    return 0;
}
