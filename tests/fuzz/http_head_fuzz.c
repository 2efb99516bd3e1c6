/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http_head.h on any bytes, in one piece and in two: a head is refused with a sentence, or what
 * it yields is free of everything that requests are smuggled with.  Header values are also tried as
 * dates.
 */
#include "base/check.h"
#include "net/http_date.h"
#include "net/http_head.h"
#include "net/http_limits.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_S INT64_C(1795166400)

static void
check_text(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        CHECK((c >= 0x20 && c != 0x7F) || c == '\t');
    }
}

static void
check_date(struct bytes value)
{
    char text[HTTP_DATE_SIZE + 1];
    int64_t unix_s, again;

    if (http_date_parse(value, NOW_S, &unix_s) == ST_OK) {
        http_date_format(unix_s, text);
        CHECK(http_date_parse(bytes_of_string(text), NOW_S, &again) == ST_OK);
        CHECK(again == unix_s);
    }
}

static void
check_headers(const struct http_request *request)
{
    CHECK(request->header_count <= HTTP_HEADER_COUNT_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        CHECK(header->name.size != 0);
        for (size_t at = 0; at < header->name.size; at++) {
            char c = header->name.data[at];

            CHECK(c > ' ' && c < 0x7F && c != ':' && (c < 'A' || c > 'Z'));
        }
        check_text(header->value);
        check_date(header->value);
        CHECK(bytes_equal(bytes_trim(header->value), header->value));
    }
}

static void
check_request(const struct http_head *head)
{
    const struct http_request *request = &head->request;
    size_t length_count = http_request_header_count(request, "content-length");
    size_t coding_count = http_request_header_count(request, "transfer-encoding");

    CHECK(request->method.size != 0 && request->path.size != 0);
    CHECK(request->path.data[0] == '/' || bytes_equal_string(request->path, "*"));
    CHECK(bytes_find_char(request->path, 0, '?') == SIZE_MAX);
    check_text(request->method);
    check_text(request->path);
    check_text(request->query);
    check_text(request->host);
    check_headers(request);
    CHECK(length_count + coding_count <= 1);
    CHECK(head->is_http_1_0 || http_request_header_count(request, "host") == 1);
    CHECK((request->content_length == HTTP_LENGTH_UNKNOWN) == (coding_count == 1));
    CHECK(request->has_body == (request->content_length != 0));
    CHECK(length_count == 1 || coding_count == 1 || !request->has_body);
}

static void
check_line_ends(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        CHECK(text.data[i] != '\n' || (i > 0 && text.data[i - 1] == '\r'));
        CHECK(text.data[i] != '\0');
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct bytes input = bytes_of(data, size);
    struct http_head head, part_head;
    enum http_head_result result = http_head_parse(input, 0, &arena, &head);
    size_t split = size != 0 ? data[size - 1] * size / 256 : 0;
    enum http_head_result part =
        http_head_parse(bytes_slice(input, 0, split), 0, &arena, &part_head);

    switch (result) {
    case HTTP_HEAD_READY:
        CHECK(head.size != 0 && head.size <= size && head.size <= HTTP_HEAD_BYTES_MAX);
        check_line_ends(bytes_slice(input, 0, head.size));
        check_request(&head);
        CHECK(part == (split < head.size ? HTTP_HEAD_INCOMPLETE : HTTP_HEAD_READY));
        break;
    case HTTP_HEAD_REFUSED:
        CHECK(head.refusal_status >= 400 && head.refusal_status <= 505);
        CHECK(head.refusal_sentence != NULL);
        CHECK(part != HTTP_HEAD_READY);
        break;
    case HTTP_HEAD_INCOMPLETE:
        CHECK(part == HTTP_HEAD_INCOMPLETE);
        break;
    }
    /* Having looked at a part before changes nothing, but when a refusal comes. */
    if (part == HTTP_HEAD_INCOMPLETE) {
        part = http_head_parse(input, split, &arena, &part_head);
        CHECK((part == HTTP_HEAD_READY) == (result == HTTP_HEAD_READY));
        CHECK(result != HTTP_HEAD_READY || part_head.size == head.size);
    }
    arena_release(&arena);
    return 0;
}
