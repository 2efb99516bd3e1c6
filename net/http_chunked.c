/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_chunked.h"

#include "base/check.h"
#include "net/http_limits.h"

#include "base/banned.h"

/* 60 bits: beyond any object, and no overflow to think of. */
#define SIZE_DIGITS_MAX 15

enum chunked_state {
    CHUNKED_SIZE,      /* hexadecimal digits */
    CHUNKED_EXTENSION, /* up to the CR of the chunk line */
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER, /* lines up to an empty one */
    CHUNKED_TRAILER_LF,
    CHUNKED_ENDED
};

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Extensions may hold what header values may. */
static bool
is_text(char c)
{
    return (unsigned char)c >= 0x20 ? c != 0x7F : c == '\t';
}

static bool
take_size(struct http_chunked *chunked, char c)
{
    int digit = hex_value(c);

    if (digit >= 0) {
        chunked->left = chunked->left * 16 + (uint64_t)digit;
        return ++chunked->digit_count <= SIZE_DIGITS_MAX;
    }
    if (chunked->digit_count == 0) {
        return false;
    }
    if (c == '\r') {
        chunked->state = CHUNKED_SIZE_LF;
        return true;
    }
    /* RFC 9112 7.1.1: *( BWS ";" ... ) */
    chunked->state = CHUNKED_EXTENSION;
    return c == ';' || c == ' ' || c == '\t';
}

static bool
take_size_end(struct http_chunked *chunked, char c)
{
    chunked->digit_count = 0;
    chunked->line_bytes = 0;
    chunked->state = chunked->left != 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
    chunked->is_line_empty = true;
    return c == '\n';
}

static bool
take_trailer(struct http_chunked *chunked, char c)
{
    if (++chunked->trailer_bytes > HTTP_CHUNK_TRAILER_BYTES_MAX) {
        return false;
    }
    if (c == '\r') {
        chunked->state = CHUNKED_TRAILER_LF;
        return true;
    }
    chunked->is_line_empty = false;
    return is_text(c);
}

/* One byte of framing; false if it cannot stand here. */
static bool
take_framing(struct http_chunked *chunked, char c)
{
    chunked->overhead_bytes++;
    switch (chunked->state) {
    case CHUNKED_SIZE:
        return ++chunked->line_bytes <= HTTP_CHUNK_LINE_BYTES_MAX && take_size(chunked, c);
    case CHUNKED_EXTENSION:
        if (c == '\r') {
            chunked->state = CHUNKED_SIZE_LF;
            return true;
        }
        return ++chunked->line_bytes <= HTTP_CHUNK_LINE_BYTES_MAX && is_text(c);
    case CHUNKED_SIZE_LF:
        return take_size_end(chunked, c);
    case CHUNKED_DATA_CR:
        chunked->state = CHUNKED_DATA_LF;
        return c == '\r';
    case CHUNKED_DATA_LF:
        chunked->state = CHUNKED_SIZE;
        return c == '\n';
    case CHUNKED_TRAILER:
        return take_trailer(chunked, c);
    case CHUNKED_TRAILER_LF:
        chunked->state = chunked->is_line_empty ? CHUNKED_ENDED : CHUNKED_TRAILER;
        chunked->is_line_empty = true;
        return c == '\n';
    default:
        UNREACHABLE("state of a chunked decoder");
    }
}

enum status
http_chunked_decode(struct http_chunked *chunked, char *data, size_t size, size_t *ret_decoded,
                    size_t *ret_rest)
{
    size_t in = 0;
    size_t out = 0;

    CHECK(chunked->state != CHUNKED_ENDED);
    while (in < size && chunked->state != CHUNKED_ENDED) {
        if (chunked->state == CHUNKED_DATA) {
            size_t part = size - in < chunked->left ? size - in : (size_t)chunked->left;

            if (in != out) {
                memmove(data + out, data + in, part);
            }
            in += part;
            out += part;
            chunked->data_bytes += part;
            chunked->left -= part;
            if (chunked->left == 0) {
                chunked->state = CHUNKED_DATA_CR;
            }
        } else if (!take_framing(chunked, data[in++])) {
            return ST_INVALID;
        }
    }
    if (chunked->overhead_bytes >
        HTTP_CHUNK_OVERHEAD_BYTES + HTTP_CHUNK_OVERHEAD_RATIO * chunked->data_bytes) {
        return ST_INVALID;
    }
    *ret_decoded = out;
    *ret_rest = size - in;
    return chunked->state == CHUNKED_ENDED ? ST_OK : ST_WOULD_WAIT;
}
