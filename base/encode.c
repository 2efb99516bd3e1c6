/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include "base/check.h"

#include "base/banned.h"

static const char HEX_LOWER[] = "0123456789abcdef";
static const char HEX_UPPER[] = "0123456789ABCDEF";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
encode_hex(struct bytes data, char *out)
{
    for (size_t i = 0; i < data.size; i++) {
        unsigned char c = (unsigned char)data.data[i];

        out[2 * i] = HEX_LOWER[c >> 4];
        out[2 * i + 1] = HEX_LOWER[c & 15];
    }
    out[2 * data.size] = '\0';
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    } else if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

enum status
decode_hex(struct bytes text, void *out)
{
    unsigned char *to = out;

    if (text.size % 2 != 0) {
        return ST_INVALID;
    }
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_digit(text.data[i]);
        int low = hex_digit(text.data[i + 1]);

        if (high < 0 || low < 0) {
            return ST_INVALID;
        }
        to[i / 2] = (unsigned char)(high << 4 | low);
    }
    return ST_OK;
}

void
encode_base64(struct bytes data, char *out)
{
    const unsigned char *in = (const unsigned char *)data.data;
    size_t i = 0;

    for (; i + 2 < data.size; i += 3) {
        *out++ = BASE64[in[i] >> 2];
        *out++ = BASE64[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *out++ = BASE64[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
        *out++ = BASE64[in[i + 2] & 63];
    }
    if (data.size - i == 1) {
        *out++ = BASE64[in[i] >> 2];
        *out++ = BASE64[(in[i] & 3) << 4];
        *out++ = '=';
        *out++ = '=';
    } else if (data.size - i == 2) {
        *out++ = BASE64[in[i] >> 2];
        *out++ = BASE64[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *out++ = BASE64[(in[i + 1] & 15) << 2];
        *out++ = '=';
    }
    *out = '\0';
}

static int
base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    } else if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    } else if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    } else if (c == '+') {
        return 62;
    } else if (c == '/') {
        return 63;
    }
    return -1;
}

enum status
decode_base64(struct bytes text, void *out, size_t capacity, size_t *ret_size)
{
    unsigned char *to = out;
    size_t padding = 0;
    size_t size;
    uint32_t bits = 0;

    if (text.size % 4 != 0) {
        return ST_INVALID;
    }
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=') {
        padding++;
    }
    size = text.size / 4 * 3 - padding;
    if (size > capacity) {
        return ST_INVALID;
    }
    for (size_t i = 0, written = 0; i < text.size; i++) {
        int digit = i < text.size - padding ? base64_digit(text.data[i]) : 0;

        if (digit < 0) {
            return ST_INVALID;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            for (int shift = 16; shift >= 0; shift -= 8, written++) {
                unsigned char byte = (unsigned char)(bits >> shift);

                if (written < size) {
                    to[written] = byte;
                } else if (byte != 0) {
                    return ST_INVALID;
                }
            }
            bits = 0;
        }
    }
    *ret_size = size;
    return ST_OK;
}

/* RFC 3986 section 2.3. */
static bool
is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void
encode_uri(struct bytes text, bool keep_slash, struct buffer *out)
{
    char *to = buffer_reserve(out, 3 * text.size);
    size_t written = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (is_unreserved(c) || (keep_slash && c == '/')) {
            to[written++] = (char)c;
        } else {
            to[written++] = '%';
            to[written++] = HEX_UPPER[c >> 4];
            to[written++] = HEX_UPPER[c & 15];
        }
    }
    out->size += written;
}

enum status
decode_uri(struct bytes text, bool plus_is_space, struct buffer *out)
{
    char *to = buffer_reserve(out, text.size + 1);
    size_t written = 0;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return ST_INVALID;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[written++] = c;
    }
    out->size += written;
    return ST_OK;
}

void
encode_u16_be(void *out, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(out, &value, sizeof(value));
}

void
encode_u32_be(void *out, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(out, &value, sizeof(value));
}

void
encode_u64_be(void *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(out, &value, sizeof(value));
}

uint16_t
decode_u16_be(const void *in)
{
    uint16_t value;

    memcpy(&value, in, sizeof(value));
    return __builtin_bswap16(value);
}

uint32_t
decode_u32_be(const void *in)
{
    uint32_t value;

    memcpy(&value, in, sizeof(value));
    return __builtin_bswap32(value);
}

uint64_t
decode_u64_be(const void *in)
{
    uint64_t value;

    memcpy(&value, in, sizeof(value));
    return __builtin_bswap64(value);
}
