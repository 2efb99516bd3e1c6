/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_head.h"

#include "base/check.h"
#include "net/h2o_library.h"
#include "net/http_field.h"
#include "net/http_limits.h"

#include "base/banned.h"

/* RFC 9110 5.6.2 */
static bool
is_token_char(char c)
{
    static const char OTHERS[] = "!#$%&'*+-.^_`|~";

    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(OTHERS, c) != NULL);
}

/* What RFC 3986 allows in host and port, plus '_', which old bucket names have. */
static bool
is_host_char(char c)
{
    static const char OTHERS[] = "-._~%:[]!$&'()*+;=";

    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(OTHERS, c) != NULL);
}

static enum http_head_result
refuse(struct http_head *head, int status, const char *sentence)
{
    head->refusal_status = status;
    head->refusal_sentence = sentence;
    return HTTP_HEAD_REFUSED;
}

/* "HTTP/2.0" at the end of a first line that the parser did not take: 505, else 400. */
static enum http_head_result
refuse_unparsed(struct http_head *head, struct bytes input)
{
    size_t end = bytes_find_char(input, 0, '\n');
    struct bytes line = bytes_slice(input, 0, end == SIZE_MAX ? input.size : end);
    size_t at = bytes_find(line, 0, BYTES_LITERAL(" HTTP/"));

    if (at != SIZE_MAX && line.size > at + 6 && line.data[at + 6] >= '2' &&
        line.data[at + 6] <= '9') {
        return refuse(head, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    }
    return refuse(head, 400, "The request line or a header line is malformed.");
}

static enum http_head_result
refuse_oversized(struct http_head *head, struct bytes input)
{
    if (bytes_find_char(input, 0, '\n') == SIZE_MAX) {
        return refuse(head, 414, "The request target is longer than 32 KiB.");
    }
    return refuse(head, 431, "The headers are longer than 32 KiB.");
}

static bool
is_method(struct bytes method)
{
    if (method.size == 0 || method.size > HTTP_METHOD_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < method.size; i++) {
        if (!is_token_char(method.data[i])) {
            return false;
        }
    }
    return true;
}

static bool
is_host(struct bytes host)
{
    for (size_t i = 0; i < host.size; i++) {
        if (!is_host_char(host.data[i])) {
            return false;
        }
    }
    return host.size != 0;
}

/* Cut "scheme://authority" off an absolute-form target (RFC 9112 3.2.2). */
static bool
strip_absolute_form(struct bytes *target, struct bytes *ret_authority)
{
    static const char *const SCHEMES[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_COUNT(SCHEMES); i++) {
        size_t size = strlen(SCHEMES[i]);

        if (target->size >= size &&
            bytes_equal_ignore_case(bytes_slice(*target, 0, size), SCHEMES[i])) {
            struct bytes rest = bytes_slice(*target, size, target->size);
            size_t end = 0;

            while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?') {
                end++;
            }
            *ret_authority = bytes_slice(rest, 0, end);
            *target = bytes_slice(rest, end, rest.size);
            return true;
        }
    }
    return false;
}

static bool
split_target(struct http_head *head, struct bytes target, struct bytes *ret_authority)
{
    struct http_request *request = &head->request;
    bool was_absolute = strip_absolute_form(&target, ret_authority);
    size_t question = bytes_find_char(target, 0, '?');

    request->path = bytes_slice(target, 0, question == SIZE_MAX ? target.size : question);
    request->query =
        question == SIZE_MAX ? BYTES_NONE : bytes_slice(target, question + 1, target.size);
    if (was_absolute && request->path.size == 0) {
        request->path = BYTES_LITERAL("/");
    }
    if (request->path.size != 0 && request->path.data[0] == '/') {
        return true;
    }
    return !was_absolute && bytes_equal_string(target, "*") &&
           bytes_equal_string(request->method, "OPTIONS");
}

struct framing {
    size_t host_count;
    size_t content_length_count;
    size_t transfer_encoding_count;
    bool is_chunked;
    bool wants_keep_alive;
};

static enum http_head_result
judge_header(struct http_head *head, const struct http_header *header, struct framing *framing)
{
    struct http_request *request = &head->request;
    struct bytes value = header->value;

    /* The sizes sort out nearly all headers before a comparison. */
    switch (header->name.size) {
    case 4:
        if (bytes_equal_string(header->name, "host")) {
            framing->host_count++;
            request->host = value;
        }
        break;
    case 6:
        /* Other expectations are ignored, as RFC 9110 10.1.1 allows and S3 does. */
        if (bytes_equal_string(header->name, "expect") &&
            bytes_equal_ignore_case(value, "100-continue")) {
            request->expects_continue = !head->is_http_1_0;
        }
        break;
    case 10:
        if (bytes_equal_string(header->name, "connection")) {
            head->wants_close |= http_field_has_token(value, "close");
            framing->wants_keep_alive |= http_field_has_token(value, "keep-alive");
        }
        break;
    case 14:
        if (bytes_equal_string(header->name, "content-length")) {
            framing->content_length_count++;
            if (bytes_parse_u64(value, INT64_MAX, &request->content_length) != ST_OK) {
                return refuse(head, 400, "Content-Length is not a decimal number.");
            }
        }
        break;
    case 17:
        if (bytes_equal_string(header->name, "transfer-encoding")) {
            framing->transfer_encoding_count++;
            framing->is_chunked = bytes_equal_ignore_case(value, "chunked");
        }
        break;
    default:
        break;
    }
    return HTTP_HEAD_READY;
}

static enum http_head_result
judge_framing(struct http_head *head, const struct framing *framing, struct bytes authority)
{
    struct http_request *request = &head->request;

    if (framing->content_length_count > 1) {
        return refuse(head, 400, "Content-Length was sent more than once.");
    }
    if (framing->transfer_encoding_count != 0) {
        if (framing->content_length_count != 0) {
            return refuse(head, 400, "Content-Length and Transfer-Encoding exclude each other.");
        }
        if (framing->transfer_encoding_count > 1 || !framing->is_chunked) {
            return refuse(head, 400, "The only Transfer-Encoding understood is chunked, once.");
        }
        if (head->is_http_1_0) {
            return refuse(head, 400, "HTTP/1.0 has no Transfer-Encoding.");
        }
        request->content_length = HTTP_LENGTH_UNKNOWN;
    }
    request->has_body = request->content_length != 0;
    if (framing->host_count > 1) {
        return refuse(head, 400, "Host was sent more than once.");
    }
    if (framing->host_count == 0 && !head->is_http_1_0) {
        return refuse(head, 400, "The Host header is missing.");
    }
    if (framing->host_count != 0 && !is_host(request->host)) {
        return refuse(head, 400, "The Host header is not a host.");
    }
    if (authority.size != 0) {
        if (framing->host_count == 0) {
            request->host = authority;
        }
        if (!is_host(authority) || !bytes_equal(request->host, authority)) {
            return refuse(head, 400, "The host of the request target is not the one of Host.");
        }
    }
    if (head->is_http_1_0) {
        head->wants_close |= !framing->wants_keep_alive;
    }
    return HTTP_HEAD_READY;
}

/* parsed points into input; the same places of copy are what the request keeps. */
static enum http_head_result
judge_headers(struct http_head *head, const struct phr_header *parsed, size_t count,
              struct bytes input, char *copy, struct arena *arena, struct framing *framing)
{
    struct http_header *headers = arena_alloc(arena, count * sizeof(*headers));

    head->request.headers = headers;
    for (size_t i = 0; i < count; i++) {
        char *name;

        if (parsed[i].name == NULL) {
            return refuse(head, 400, "A header continues on the next line.");
        }
        name = copy + (parsed[i].name - input.data);
        http_field_lower_case(name, parsed[i].name_len);
        headers[i].name = bytes_of(name, parsed[i].name_len);
        headers[i].value =
            bytes_trim(bytes_of(copy + (parsed[i].value - input.data), parsed[i].value_len));
        head->request.header_count = i + 1;
        if (judge_header(head, &headers[i], framing) != HTTP_HEAD_READY) {
            return HTTP_HEAD_REFUSED;
        }
    }
    return HTTP_HEAD_READY;
}

enum http_head_result
http_head_parse(struct bytes input, size_t previous_size, struct arena *arena,
                struct http_head *ret_head)
{
    struct phr_header parsed[HTTP_HEADER_COUNT_MAX];
    size_t count = HTTP_HEADER_COUNT_MAX;
    const char *method, *target;
    size_t method_size, target_size;
    struct bytes authority = BYTES_NONE;
    struct framing framing = {0};
    int minor_version, size;
    char *copy;

    *ret_head = (struct http_head){.refusal_status = 0};
    if (input.size > HTTP_HEAD_BYTES_MAX) {
        input = bytes_slice(input, 0, HTTP_HEAD_BYTES_MAX);
    }
    size = phr_parse_request(input.data, input.size, &method, &method_size, &target, &target_size,
                             &minor_version, parsed, &count, previous_size);
    if (size == -2) {
        return input.size < HTTP_HEAD_BYTES_MAX ? HTTP_HEAD_INCOMPLETE
                                                : refuse_oversized(ret_head, input);
    }
    if (size < 0) {
        return count == HTTP_HEADER_COUNT_MAX
                   ? refuse(ret_head, 431, "More than 128 headers were sent.")
                   : refuse_unparsed(ret_head, input);
    }
    input = bytes_slice(input, 0, (size_t)size);
    copy = arena_alloc(arena, input.size);
    memcpy(copy, input.data, input.size);
    ret_head->size = input.size;
    ret_head->is_http_1_0 = minor_version == 0;
    ret_head->request.method = bytes_of(copy + (method - input.data), method_size);
    if (!is_method(ret_head->request.method)) {
        ret_head->request.method = BYTES_NONE;
        return refuse(ret_head, 400, "The method is not a token of at most 32 letters.");
    }
    if (!split_target(ret_head, bytes_of(copy + (target - input.data), target_size), &authority)) {
        return refuse(ret_head, 400, "The request target does not begin with a slash.");
    }
    if (http_field_has_bare_line_feed(input)) {
        return refuse(ret_head, 400, "A line does not end in CR LF.");
    }
    if (judge_headers(ret_head, parsed, count, input, copy, arena, &framing) != HTTP_HEAD_READY) {
        return HTTP_HEAD_REFUSED;
    }
    return judge_framing(ret_head, &framing, authority);
}
