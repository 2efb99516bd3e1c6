/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of a head that is written in one pass into room that was counted before: each function
 * returns where the next byte goes.
 */
#ifndef NET_HTTP_HEAD_TEXT_H
#define NET_HTTP_HEAD_TEXT_H

#include <string.h>

#include "base/bytes.h"
#include "net/http_exchange.h"

static inline char *
put_bytes(char *at, struct bytes bytes)
{
    if (bytes.size != 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    return at + bytes.size;
}

#define PUT_LITERAL(at, text) put_bytes(at, BYTES_LITERAL(text))

/* Controls become spaces: whatever a value holds, it stays one line (RFC 9110 section 5.5). */
static inline char *
put_clean(char *at, struct bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];

        at[i] = (char)((c < 0x20 && c != '\t') || c == 0x7F ? ' ' : c);
    }
    return at + value.size;
}

/* The bytes that put_headers needs. */
static inline size_t
headers_size(const struct http_header *headers, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size += headers[i].name.size + headers[i].value.size + 4;
    }
    return size;
}

static inline char *
put_headers(char *at, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at = put_clean(at, headers[i].name);
        at = PUT_LITERAL(at, ": ");
        at = put_clean(at, headers[i].value);
        at = PUT_LITERAL(at, "\r\n");
    }
    return at;
}

#endif
