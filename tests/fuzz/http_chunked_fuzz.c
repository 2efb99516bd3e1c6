/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http_chunked.h on any bytes: the same outcome in one piece and in pieces (of the size that
 * the first byte says), nothing beyond the input, and what was decoded survives being coded again.
 */
#include "base/check.h"
#include "base/memory.h"
#include "net/http_chunked.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status
decode(struct bytes text, size_t piece, struct buffer *out, size_t *ret_rest)
{
    struct http_chunked chunked = HTTP_CHUNKED_INIT;
    enum status st = ST_WOULD_WAIT;
    size_t at = 0;

    buffer_clear(out);
    *ret_rest = 0;
    while (st == ST_WOULD_WAIT && at < text.size) {
        size_t size = text.size - at < piece ? text.size - at : piece;
        /* Of exactly that size, for the sanitizer. */
        char *copy = xmemdup(text.data + at, size);
        size_t decoded = 0, rest = 0;

        at += size;
        st = http_chunked_decode(&chunked, copy, size, &decoded, &rest);
        if (st != ST_INVALID) {
            CHECK(decoded <= size && rest <= size - decoded);
            CHECK(st == ST_OK || rest == 0);
            buffer_append(out, copy, decoded);
            *ret_rest = rest + (text.size - at);
        }
        free(copy);
    }
    CHECK(chunked.data_bytes + chunked.overhead_bytes <= text.size);
    return st;
}

static void
check_coded_again(struct bytes body)
{
    struct buffer text = BUFFER_INIT;
    struct buffer out = BUFFER_INIT;
    size_t rest;

    if (body.size != 0) {
        buffer_printf(&text, "%zx\r\n", body.size);
        buffer_append_bytes(&text, body);
        buffer_append_string(&text, "\r\n");
    }
    buffer_append_string(&text, "0\r\n\r\n");
    CHECK(decode(buffer_bytes(&text), SIZE_MAX, &out, &rest) == ST_OK && rest == 0);
    CHECK(bytes_equal(body, buffer_bytes(&out)));
    buffer_release(&text);
    buffer_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer whole = BUFFER_INIT;
    struct buffer pieces = BUFFER_INIT;
    size_t whole_rest, pieces_rest;
    enum status st;

    /* Beyond this the bound on framing, which is judged per piece, may differ. */
    if (size < 1 || size > 60000) {
        return 0;
    }
    st = decode(bytes_of(data + 1, size - 1), SIZE_MAX, &whole, &whole_rest);
    CHECK(decode(bytes_of(data + 1, size - 1), 1 + (size_t)data[0] % 32, &pieces, &pieces_rest) ==
          st);
    if (st != ST_INVALID) {
        CHECK(bytes_equal(buffer_bytes(&whole), buffer_bytes(&pieces)));
        CHECK(whole_rest == pieces_rest);
        check_coded_again(buffer_bytes(&whole));
    }
    buffer_release(&whole);
    buffer_release(&pieces);
    return 0;
}
