/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_request_head.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

#include "base/banned.h"

/* Request line, lengths and line ends without path, host and headers. */
#define FIXED_BYTES_MAX 256

static char *
put_bytes(char *at, struct bytes bytes)
{
    if (bytes.size != 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    return at + bytes.size;
}

#define PUT_LITERAL(at, text) put_bytes(at, BYTES_LITERAL(text))

static char *
put_clean(char *at, struct bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];

        at[i] = (char)((c < 0x20 && c != '\t') || c == 0x7F ? ' ' : c);
    }
    return at + value.size;
}

struct bytes
http_request_head_write(const struct http_request_head *head, struct arena *arena)
{
    size_t capacity = FIXED_BYTES_MAX + head->path.size + head->host.size;
    char length[64];
    char *start, *at;

    for (size_t i = 0; i < head->header_count; i++) {
        capacity += head->headers[i].name.size + head->headers[i].value.size + 4;
    }
    start = at = arena_alloc(arena, capacity);
    at = PUT_LITERAL(at, "POST ");
    at = put_clean(at, head->path);
    at = PUT_LITERAL(at, " HTTP/1.1\r\nHost: ");
    at = put_clean(at, head->host);
    if (head->payload_size == HTTP_LENGTH_UNKNOWN) {
        at = PUT_LITERAL(at, "\r\nTransfer-Encoding: chunked");
    } else {
        snprintf(length, sizeof(length), "\r\nContent-Length: %" PRIu64,
                 head->payload_size + head->prefix_size);
        at = put_bytes(at, bytes_of_string(length));
    }
    if (head->expects_continue) {
        at = PUT_LITERAL(at, "\r\nExpect: 100-continue");
    }
    at = PUT_LITERAL(at, "\r\n");
    for (size_t i = 0; i < head->header_count; i++) {
        at = put_clean(at, head->headers[i].name);
        at = PUT_LITERAL(at, ": ");
        at = put_clean(at, head->headers[i].value);
        at = PUT_LITERAL(at, "\r\n");
    }
    at = PUT_LITERAL(at, "\r\n");
    CHECK((size_t)(at - start) <= capacity);
    return bytes_of(start, (size_t)(at - start));
}
