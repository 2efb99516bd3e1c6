/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_reply_head.h"

#include "base/check.h"
#include "net/http_head_text.h"

#include "base/banned.h"

/* Everything but headers, date and server: status line, lengths, line ends. */
#define FIXED_BYTES_MAX 256

static const struct {
    int status;
    const char *reason;
} REASONS[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *
reason_of(int status)
{
    for (size_t i = 0; i < ARRAY_COUNT(REASONS); i++) {
        if (REASONS[i].status == status) {
            return REASONS[i].reason;
        }
    }
    return "Status";
}

static char *
put_number(char *at, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return put_bytes(at, bytes_of(digits + first, sizeof(digits) - first));
}

static char *
put_status_line(char *at, int status)
{
    CHECK(status >= 200 && status <= 599);
    at = PUT_LITERAL(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put_bytes(at, bytes_of_string(reason_of(status)));
    return PUT_LITERAL(at, "\r\n");
}

struct bytes
http_reply_head_write(const struct http_reply_head *head, struct arena *arena)
{
    size_t capacity = FIXED_BYTES_MAX + head->date.size + head->server.size +
                      headers_size(head->headers, head->header_count);
    char *start, *at;

    start = at = arena_alloc(arena, capacity);
    at = put_status_line(at, head->status);
    at = PUT_LITERAL(at, "Date: ");
    at = put_bytes(at, head->date);
    at = PUT_LITERAL(at, "\r\nServer: ");
    at = put_clean(at, head->server);
    if (head->connection == HTTP_SAY_CLOSE) {
        at = PUT_LITERAL(at, "\r\nConnection: close");
    } else if (head->connection == HTTP_SAY_KEEP_ALIVE) {
        at = PUT_LITERAL(at, "\r\nConnection: keep-alive");
    }
    if (head->is_chunked) {
        at = PUT_LITERAL(at, "\r\nTransfer-Encoding: chunked");
    } else if (head->has_length) {
        at = PUT_LITERAL(at, "\r\nContent-Length: ");
        at = put_number(at, head->length);
    }
    at = PUT_LITERAL(at, "\r\n");
    at = put_headers(at, head->headers, head->header_count);
    at = PUT_LITERAL(at, "\r\n");
    CHECK((size_t)(at - start) <= capacity);
    return bytes_of(start, (size_t)(at - start));
}
