/* SPDX-License-Identifier: Apache-2.0 */
#include "base/field_codec.h"

#include "base/banned.h"

/* 64 bits in groups of 7. */
#define VARINT_BYTES_MAX 10

void
field_put_varint(struct buffer *out, uint64_t value)
{
    char *at = buffer_reserve(out, VARINT_BYTES_MAX);
    size_t size = 0;

    while (value >= 0x80) {
        at[size++] = (char)(value | 0x80);
        value >>= 7;
    }
    at[size++] = (char)value;
    out->size += size;
}

void
field_put_counted(struct buffer *out, struct bytes text)
{
    field_put_varint(out, text.size);
    buffer_append_bytes(out, text);
}

void
field_put(struct buffer *out, uint8_t tag, struct bytes payload)
{
    buffer_append_char(out, (char)tag);
    field_put_counted(out, payload);
}

void
field_put_text(struct buffer *out, uint8_t tag, struct bytes text)
{
    if (text.size != 0) {
        field_put(out, tag, text);
    }
}

void
field_put_number(struct buffer *out, uint8_t tag, uint64_t value)
{
    uint64_t rest = value;
    size_t size = 1;

    if (value == 0) {
        return;
    }
    while (rest >= 0x80) {
        rest >>= 7;
        size++;
    }
    buffer_append_char(out, (char)tag);
    field_put_varint(out, size);
    field_put_varint(out, value);
}

bool
field_cut_varint(struct bytes *payload, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (payload->size > 0 && (payload->data[0] & 0x80) == 0) { /* most are short */
        *ret_value = (unsigned char)payload->data[0];
        *payload = bytes_of(payload->data + 1, payload->size - 1);
        return true;
    }
    for (size_t i = 0; i < VARINT_BYTES_MAX && i < payload->size; i++) {
        unsigned char c = (unsigned char)payload->data[i];

        if (i == VARINT_BYTES_MAX - 1 && c > 1) {
            return false; /* more than 64 bits */
        }
        value |= (uint64_t)(c & 0x7F) << (7 * i);
        if ((c & 0x80) == 0) {
            *payload = bytes_slice(*payload, i + 1, payload->size);
            *ret_value = value;
            return c != 0 || i == 0; /* the shortest form only */
        }
    }
    return false;
}

bool
field_cut_counted(struct bytes *payload, struct bytes *ret_text)
{
    struct bytes rest = *payload;
    uint64_t size;

    if (!field_cut_varint(&rest, &size) || size > rest.size) {
        return false;
    }
    *ret_text = bytes_of(rest.data, (size_t)size);
    *payload = bytes_of(rest.data + size, rest.size - (size_t)size);
    return true;
}

enum status
field_next(struct bytes *rest, struct field *ret_field)
{
    struct bytes from = *rest;

    if (from.size == 0) {
        return ST_NOT_FOUND;
    }
    ret_field->tag = (uint8_t)from.data[0];
    from = bytes_slice(from, 1, from.size);
    if (!field_cut_counted(&from, &ret_field->payload)) {
        return ST_INVALID;
    }
    *rest = from;
    return ST_OK;
}

bool
field_number(struct bytes payload, uint64_t max, uint64_t *ret_value)
{
    uint64_t value;

    if (!field_cut_varint(&payload, &value) || payload.size != 0 || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}
