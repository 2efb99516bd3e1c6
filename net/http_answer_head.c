/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_answer_head.h"

#include "net/h2o_library.h"
#include "net/http_field.h"
#include "net/http_limits.h"

#include "base/banned.h"

struct framing {
    size_t content_length_count;
    size_t transfer_encoding_count;
    bool is_chunked;
};

static enum http_head_result
refuse(struct http_answer_head *head, const char *why)
{
    head->refusal = why;
    return HTTP_HEAD_REFUSED;
}

static bool
judge_header(struct http_answer_head *head, const struct http_header *header,
             struct framing *framing)
{
    if (bytes_equal_ignore_case(header->name, "content-length")) {
        framing->content_length_count++;
        return bytes_parse_u64(header->value, INT64_MAX, &head->content_length) == ST_OK;
    }
    if (bytes_equal_ignore_case(header->name, "transfer-encoding")) {
        framing->transfer_encoding_count++;
        framing->is_chunked = bytes_equal_ignore_case(header->value, "chunked");
        return framing->is_chunked;
    }
    if (bytes_equal_ignore_case(header->name, "connection")) {
        head->wants_close |= http_field_has_token(header->value, "close");
    }
    return true;
}

static enum http_head_result
judge_framing(struct http_answer_head *head, const struct framing *framing, bool is_head)
{
    bool is_bodiless = is_head || head->status < 200 || head->status == 204 || head->status == 304;

    if (framing->content_length_count + framing->transfer_encoding_count > 1) {
        return refuse(head, "its length was stated more than once");
    }
    if (framing->content_length_count == 0) {
        head->content_length = HTTP_LENGTH_UNKNOWN;
    }
    if (!is_bodiless && framing->content_length_count == 0 && !framing->is_chunked) {
        return refuse(head, "its length was not stated");
    }
    if (head->status < 200 && head->status != 100) {
        return refuse(head, "it is an interim answer that nobody asked for");
    }
    head->has_body = !is_bodiless && head->content_length != 0;
    return HTTP_HEAD_READY;
}

static enum http_head_result
take_headers(struct http_answer_head *head, const struct phr_header *parsed, size_t count,
             struct bytes input, struct arena *arena, struct framing *framing)
{
    char *copy = arena_alloc(arena, input.size);
    struct http_header *headers = arena_alloc(arena, count * sizeof(*headers));

    memcpy(copy, input.data, input.size);
    head->headers = headers;
    for (size_t i = 0; i < count; i++) {
        if (parsed[i].name == NULL) {
            return refuse(head, "a header continues on the next line");
        }
        headers[i].name = bytes_of(copy + (parsed[i].name - input.data), parsed[i].name_len);
        headers[i].value =
            bytes_trim(bytes_of(copy + (parsed[i].value - input.data), parsed[i].value_len));
        head->header_count = i + 1;
        if (!judge_header(head, &headers[i], framing)) {
            return refuse(head, "its framing is malformed");
        }
    }
    return HTTP_HEAD_READY;
}

enum http_head_result
http_answer_head_parse(struct bytes input, size_t previous_size, bool is_head, struct arena *arena,
                       struct http_answer_head *ret_head)
{
    struct phr_header parsed[HTTP_HEADER_COUNT_MAX];
    size_t count = HTTP_HEADER_COUNT_MAX;
    struct framing framing = {0};
    const char *reason;
    size_t reason_size;
    int minor_version, size;

    *ret_head = (struct http_answer_head){.status = 0};
    if (input.size > HTTP_HEAD_BYTES_MAX) {
        input = bytes_slice(input, 0, HTTP_HEAD_BYTES_MAX);
    }
    size = phr_parse_response(input.data, input.size, &minor_version, &ret_head->status, &reason,
                              &reason_size, parsed, &count, previous_size);
    if (size == -2) {
        return input.size < HTTP_HEAD_BYTES_MAX ? HTTP_HEAD_INCOMPLETE
                                                : refuse(ret_head, "it is longer than 32 KiB");
    }
    if (size < 0) {
        return refuse(ret_head, "it is malformed");
    }
    input = bytes_slice(input, 0, (size_t)size);
    if (minor_version != 1 || ret_head->status < 100 || ret_head->status > 599) {
        return refuse(ret_head, "its first line is not one of HTTP/1.1");
    }
    if (http_field_has_bare_line_feed(input)) {
        return refuse(ret_head, "a line does not end in CR LF");
    }
    ret_head->size = input.size;
    if (take_headers(ret_head, parsed, count, input, arena, &framing) != HTTP_HEAD_READY) {
        return HTTP_HEAD_REFUSED;
    }
    return judge_framing(ret_head, &framing, is_head);
}

struct bytes
http_answer_header(const struct http_answer_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (bytes_equal_ignore_case(head->headers[i].name, name)) {
            return head->headers[i].value;
        }
    }
    return BYTES_NONE;
}
