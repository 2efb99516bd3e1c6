/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_request_head.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "net/http_head_text.h"

#include "base/banned.h"

/* Request line, lengths and line ends without path, host and headers. */
#define FIXED_BYTES_MAX 256

struct bytes
http_request_head_write(const struct http_request_head *head, struct arena *arena)
{
    size_t capacity = FIXED_BYTES_MAX + head->path.size + head->host.size +
                      headers_size(head->headers, head->header_count);
    char length[64];
    char *start, *at;

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
    at = put_headers(at, head->headers, head->header_count);
    at = PUT_LITERAL(at, "\r\n");
    CHECK((size_t)(at - start) <= capacity);
    return bytes_of(start, (size_t)(at - start));
}
