/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_chunked.h"

#include "net/http_limits.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Decode text in pieces of at most piece bytes; the body goes to out, *ret_rest counts what
 * follows it. */
static enum status
decode_in(struct bytes text, size_t piece, struct buffer *out, size_t *ret_rest)
{
    struct http_chunked chunked = HTTP_CHUNKED_INIT;
    enum status st = ST_WOULD_WAIT;
    size_t at = 0;

    buffer_clear(out);
    while (st == ST_WOULD_WAIT && at < text.size) {
        size_t size = text.size - at < piece ? text.size - at : piece;
        char *room = buffer_reserve(out, size);
        size_t decoded = 0, rest = 0;

        memcpy(room, text.data + at, size);
        at += size;
        st = http_chunked_decode(&chunked, room, size, &decoded, &rest);
        if (st != ST_INVALID) {
            out->size += decoded;
            *ret_rest = rest + (text.size - at);
        }
    }
    return st;
}

static void
expect_body(const char *body, size_t rest, const char *text)
{
    struct buffer out = BUFFER_INIT;

    for (size_t piece = 1; piece <= strlen(text); piece++) {
        size_t found_rest = 0;

        EXPECT_STATUS(ST_OK, decode_in(bytes_of_string(text), piece, &out, &found_rest));
        EXPECT_BYTES(bytes_of_string(body), buffer_bytes(&out));
        EXPECT_INT(rest, found_rest);
    }
    buffer_release(&out);
}

static void
expect_broken(const char *text)
{
    struct buffer out = BUFFER_INIT;

    for (size_t piece = 1; piece <= strlen(text); piece++) {
        size_t rest;

        EXPECT_STATUS(ST_INVALID, decode_in(bytes_of_string(text), piece, &out, &rest));
    }
    buffer_release(&out);
}

/* Whatever the pieces in which it arrives.  SPEC: RFC 9112 7.1 */
TEST(bodies_are_decoded)
{
    expect_body("", 0, "0\r\n\r\n");
    expect_body("abc", 0, "3\r\nabc\r\n0\r\n\r\n");
    expect_body("abcdefghijklm", 0, "00a\r\nabcdefghij\r\n3\r\nklm\r\n000\r\n\r\n");
    expect_body("0123456789ABCDEF\r\n", 0, "12\r\n0123456789ABCDEF\r\n\r\n0\r\n\r\n");
}

TEST(extensions_and_trailers_are_discarded)
{
    expect_body("abc", 0, "3;a=b;c=\"d\"\r\nabc\r\n0;e\r\nX-Sum: 1\r\nY:\r\n\r\n");
    expect_body("abc", 0, "3 ; a\r\nabc\r\n0\t\r\n\r\n");
}

TEST(what_follows_the_body_is_left)
{
    expect_body("abc", 5, "3\r\nabc\r\n0\r\n\r\nGET /");
}

/* What another implementation could read differently is not read at all. */
TEST(broken_coding_is_refused)
{
    static const char *const BAD[] = {
        "\r\n",          "g\r\n",
        "-1\r\n",        "0x3\r\nabc",
        " 3\r\nabc",     "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n",    "3\r\nabcd\r\n",
        "3\r\nabc\rx",   "3\r\r\nabc",
        "3;a\nabc",      "3;\x01\r\nabc",
        "3x\r\nabc",     "1000000000000000\r\n",
        "0\r\n\rx",      "0\r\nA: b\n\r\n",
        "0\r\n\x01\r\n", "3\r\nabc\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        expect_broken(BAD[i]);
    }
}

static enum status
decode_filled(const char *start, size_t filler_count)
{
    struct buffer text = BUFFER_INIT;
    struct buffer out = BUFFER_INIT;
    enum status st;
    size_t rest;

    buffer_append_string(&text, start);
    for (size_t i = 0; i < filler_count; i++) {
        buffer_append_char(&text, 'a');
    }
    st = decode_in(buffer_bytes(&text), 64, &out, &rest);
    buffer_release(&text);
    buffer_release(&out);
    return st;
}

TEST(extensions_and_trailers_are_bounded)
{
    EXPECT_STATUS(ST_WOULD_WAIT, decode_filled("3;", HTTP_CHUNK_LINE_BYTES_MAX - 2));
    EXPECT_STATUS(ST_INVALID, decode_filled("3;", HTTP_CHUNK_LINE_BYTES_MAX));
    EXPECT_STATUS(ST_WOULD_WAIT, decode_filled("0\r\nA:", HTTP_CHUNK_TRAILER_BYTES_MAX - 2));
    EXPECT_STATUS(ST_INVALID, decode_filled("0\r\nA:", HTTP_CHUNK_TRAILER_BYTES_MAX));
}

/* Chunks of one byte with long extensions are an attack on the CPU; plain ones are not. */
TEST(framing_may_not_outweigh_the_data)
{
    struct buffer text = BUFFER_INIT;
    struct buffer out = BUFFER_INIT;
    size_t rest;

    for (int i = 0; i < 100000; i++) {
        buffer_append_string(&text, "1\r\nx\r\n");
    }
    EXPECT_STATUS(ST_WOULD_WAIT, decode_in(buffer_bytes(&text), 4096, &out, &rest));
    EXPECT_INT(100000, out.size);

    buffer_clear(&text);
    for (int i = 0; i < 10000; i++) {
        buffer_append_string(&text, "1;0123456789abcdef\r\nx\r\n");
    }
    EXPECT_STATUS(ST_INVALID, decode_in(buffer_bytes(&text), 4096, &out, &rest));
    buffer_release(&text);
    buffer_release(&out);
}

/* Random chunk sizes and random pieces. */
TEST(random_bodies_are_decoded)
{
    struct prng prng = test_prng();
    struct buffer body = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;
    struct buffer out = BUFFER_INIT;

    for (int round = 0; round < 300; round++) {
        size_t rest;

        buffer_clear(&body);
        buffer_clear(&text);
        for (uint64_t count = prng_below(&prng, 8); count > 0; count--) {
            size_t size = 1 + prng_below(&prng, 3000);
            char *room = buffer_reserve(&body, size);

            prng_fill(&prng, room, size);
            buffer_printf(&text, prng_below(&prng, 2) ? "%zx\r\n" : "%zX;n=v\r\n", size);
            buffer_append(&text, room, size);
            buffer_append_string(&text, "\r\n");
            body.size += size;
        }
        buffer_append_string(&text, "0\r\n\r\n");
        EXPECT_STATUS(ST_OK,
                      decode_in(buffer_bytes(&text), 1 + prng_below(&prng, 5000), &out, &rest));
        EXPECT_BYTES(buffer_bytes(&body), buffer_bytes(&out));
    }
    buffer_release(&body);
    buffer_release(&text);
    buffer_release(&out);
}
