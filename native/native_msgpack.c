/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_msgpack.h"

#include "base/check.h"
#include "base/encode.h"

#include "base/banned.h"

static void
put_u8(struct buffer *out, unsigned int byte)
{
    buffer_append_char(out, (char)byte);
}

static void
put_u16(struct buffer *out, unsigned int tag, uint16_t value)
{
    char bytes[2];

    put_u8(out, tag);
    encode_u16_be(bytes, value);
    buffer_append(out, bytes, sizeof(bytes));
}

static void
put_u32(struct buffer *out, unsigned int tag, uint32_t value)
{
    char bytes[4];

    put_u8(out, tag);
    encode_u32_be(bytes, value);
    buffer_append(out, bytes, sizeof(bytes));
}

void
native_msgpack_put_map(struct buffer *out, uint32_t count)
{
    if (count < 16) {
        put_u8(out, 0x80 | count);
    } else if (count <= UINT16_MAX) {
        put_u16(out, 0xDE, (uint16_t)count);
    } else {
        put_u32(out, 0xDF, count);
    }
}

void
native_msgpack_put_array(struct buffer *out, uint32_t count)
{
    if (count < 16) {
        put_u8(out, 0x90 | count);
    } else if (count <= UINT16_MAX) {
        put_u16(out, 0xDC, (uint16_t)count);
    } else {
        put_u32(out, 0xDD, count);
    }
}

void
native_msgpack_put_text(struct buffer *out, struct bytes text)
{
    CHECK(text.size <= UINT32_MAX);
    if (text.size < 32) {
        put_u8(out, 0xA0 | (unsigned int)text.size);
    } else if (text.size <= UINT8_MAX) {
        put_u8(out, 0xD9);
        put_u8(out, (unsigned int)text.size);
    } else if (text.size <= UINT16_MAX) {
        put_u16(out, 0xDA, (uint16_t)text.size);
    } else {
        put_u32(out, 0xDB, (uint32_t)text.size);
    }
    buffer_append_bytes(out, text);
}

void
native_msgpack_put_string(struct buffer *out, const char *text)
{
    native_msgpack_put_text(out, bytes_of_string(text));
}

void
native_msgpack_put_number(struct buffer *out, uint64_t number)
{
    if (number < 0x80) {
        put_u8(out, (unsigned int)number);
    } else if (number <= UINT8_MAX) {
        put_u8(out, 0xCC);
        put_u8(out, (unsigned int)number);
    } else if (number <= UINT16_MAX) {
        put_u16(out, 0xCD, (uint16_t)number);
    } else if (number <= UINT32_MAX) {
        put_u32(out, 0xCE, (uint32_t)number);
    } else {
        char bytes[8];

        put_u8(out, 0xCF);
        encode_u64_be(bytes, number);
        buffer_append(out, bytes, sizeof(bytes));
    }
}
