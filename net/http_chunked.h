/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoder of the chunked transfer coding (RFC 9112 7.1), in place, strict: CR LF only, at most 15
 * hexadecimal digits, bounded extensions and trailers (both discarded), bounded framing in
 * relation to the data.  No allocation.  A fuzz target.
 */
#ifndef NET_HTTP_CHUNKED_H
#define NET_HTTP_CHUNKED_H

#include "base/bytes.h"
#include "base/status.h"

struct http_chunked {
    int state;
    uint64_t left;           /* of the chunk in hand */
    uint64_t data_bytes;     /* decoded so far */
    uint64_t overhead_bytes; /* framing so far */
    size_t digit_count;
    size_t line_bytes;    /* of the chunk line in hand */
    size_t trailer_bytes; /* of all trailer lines */
    bool is_line_empty;
};

#define HTTP_CHUNKED_INIT ((struct http_chunked){.state = 0})

/*
 * Decode size raw bytes at data.  The decoded ones are moved to the front: *ret_decoded.  ST_OK:
 * the body has ended, and *ret_rest bytes that follow it stand at data + size - *ret_rest.
 * ST_WOULD_WAIT: all was used, more must come.  ST_INVALID: broken, nothing of it can be used.
 */
MUST_USE enum status http_chunked_decode(struct http_chunked *chunked, char *data, size_t size,
                                         size_t *ret_decoded, size_t *ret_rest);

#endif
