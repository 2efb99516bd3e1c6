/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_range.h"

#include "base/banned.h"

/* Decimal digits, saturating. */
static bool
parse_position(struct bytes text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text.size == 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';

        if (digit > 9) {
            return false;
        }
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            value = UINT64_MAX;
        }
    }
    *ret_value = value;
    return true;
}

static bool
cut_unit(struct bytes *text)
{
    if (text->size < 6 || !bytes_equal_ignore_case(bytes_slice(*text, 0, 6), "bytes=")) {
        return false;
    }
    *text = bytes_trim(bytes_slice(*text, 6, text->size));
    return true;
}

struct object_range
s3_range_parse(struct bytes text)
{
    struct object_range none = {.kind = RANGE_NONE};
    struct object_range range = none;
    struct bytes first;

    if (!cut_unit(&text) || bytes_find_char(text, 0, '-') == SIZE_MAX) {
        return none;
    }
    first = bytes_cut(&text, '-');
    if (first.size == 0) {
        range.kind = RANGE_LAST;
        return parse_position(text, &range.last) ? range : none;
    }
    if (!parse_position(first, &range.from)) {
        return none;
    }
    if (text.size == 0) {
        range.kind = RANGE_FROM;
        return range;
    }
    range.kind = RANGE_FROM_TO;
    return parse_position(text, &range.to) && range.from <= range.to ? range : none;
}

enum status
s3_range_parse_copy(struct bytes text, struct object_range *ret_range, struct error *err)
{
    struct object_range range = s3_range_parse(text);

    if (range.kind != RANGE_FROM_TO) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "The x-amz-copy-source-range value must be of the form bytes=first-last "
                       "where first and last are the zero-based offsets of the first and last "
                       "bytes to copy.");
    }
    *ret_range = range;
    return ST_OK;
}
