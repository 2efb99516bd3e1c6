/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/name_template.h"

#include <inttypes.h>

#include "base/banned.h"

/* Nine digits are more names than may be. */
#define RANGE_VALUE_MAX UINT64_C(999999999)

static enum status
bad_range(struct bytes text, struct error *err)
{
    return fail(err, ST_INVALID, "invalid range \"%.*s\" of a template",
                (int)(text.size < 64 ? text.size : 64), text.data);
}

/* Cut at "..". */
static struct bytes
cut_dots(struct bytes *rest)
{
    size_t at = bytes_find(*rest, 0, BYTES_LITERAL(".."));
    struct bytes part = *rest;

    if (at == SIZE_MAX) {
        *rest = BYTES_NONE;
        return part;
    }
    part.size = at;
    *rest = bytes_slice(*rest, at + 2, rest->size);
    return part;
}

static bool
is_letter(struct bytes text)
{
    return text.size == 1 && ((text.data[0] >= 'a' && text.data[0] <= 'z') ||
                              (text.data[0] >= 'A' && text.data[0] <= 'Z'));
}

/* "0001..0010..2" or "a..z" */
static enum status
parse_braces(struct bytes text, struct name_range *range, struct error *err)
{
    struct bytes rest = text;
    struct bytes first = cut_dots(&rest);
    struct bytes last = cut_dots(&rest);

    range->step = 1;
    if (rest.size > 0 &&
        (bytes_parse_u64(rest, RANGE_VALUE_MAX, &range->step) != ST_OK || range->step == 0)) {
        return bad_range(text, err);
    }
    if (is_letter(first) && is_letter(last)) {
        range->first = (unsigned char)first.data[0];
        range->last = (unsigned char)last.data[0];
        range->width = 0;
    } else if (bytes_parse_u64(first, RANGE_VALUE_MAX, &range->first) == ST_OK &&
               bytes_parse_u64(last, RANGE_VALUE_MAX, &range->last) == ST_OK) {
        range->width = first.data[0] == '0' ? first.size : 1;
    } else {
        return bad_range(text, err);
    }
    return range->first <= range->last ? ST_OK : bad_range(text, err);
}

/* "@00100": from 0 to 100, with as many digits; *rest begins behind '@'. */
static enum status
parse_at(struct bytes *rest, struct name_range *range, struct error *err)
{
    size_t size = 0;

    while (size < rest->size && rest->data[size] >= '0' && rest->data[size] <= '9') {
        size++;
    }
    *range = (struct name_range){.before = range->before, .step = 1, .width = size};
    if (bytes_parse_u64(bytes_slice(*rest, 0, size), RANGE_VALUE_MAX, &range->last) != ST_OK) {
        return bad_range(*rest, err);
    }
    *rest = bytes_slice(*rest, size, rest->size);
    return ST_OK;
}

/* The next range, or none; what is left begins behind it. */
static enum status
take_range(struct bytes *rest, char sign, struct name_range *range, bool *ret_is_found,
           struct error *err)
{
    size_t begin = bytes_find_char(*rest, 0, sign);
    size_t end;
    enum status st;

    *ret_is_found = begin != SIZE_MAX;
    if (!*ret_is_found) {
        return ST_OK;
    }
    range->before = bytes_slice(*rest, 0, begin);
    if (sign == '@') {
        *rest = bytes_slice(*rest, begin + 1, rest->size);
        return parse_at(rest, range, err);
    }
    end = bytes_find_char(*rest, begin, '}');
    if (end == SIZE_MAX) {
        return bad_range(*rest, err);
    }
    st = parse_braces(bytes_slice(*rest, begin + 1, end), range, err);
    *rest = bytes_slice(*rest, end + 1, rest->size);
    return st;
}

enum status
name_template_parse(struct bytes text, struct name_template *ret_template, struct error *err)
{
    struct name_template template = {.count = 1};
    char sign = bytes_find_char(text, 0, '{') != SIZE_MAX ? '{' : '@';
    bool is_found = true;

    if (text.size > NAME_TEMPLATE_BYTES_MAX) {
        return fail(err, ST_INVALID, "a template may have %d bytes", NAME_TEMPLATE_BYTES_MAX);
    }
    while (is_found) {
        struct name_range range;
        enum status st = take_range(&text, sign, &range, &is_found, err);

        if (st != ST_OK) {
            return st;
        }
        if (is_found && template.range_count == NAME_TEMPLATE_RANGES_MAX) {
            return fail(err, ST_INVALID, "a template may have %d ranges", NAME_TEMPLATE_RANGES_MAX);
        }
        if (is_found) {
            range.value = range.first;
            template.count *= (range.last - range.first) / range.step + 1;
            template.ranges[template.range_count++] = range;
        }
        if (template.count > NAME_TEMPLATE_NAMES_MAX) {
            return fail(err, ST_INVALID, "a template may stand for %" PRIu64 " names",
                        NAME_TEMPLATE_NAMES_MAX);
        }
    }
    template.after = text;
    *ret_template = template;
    return ST_OK;
}

bool
name_template_next(struct name_template *template, struct buffer *out)
{
    size_t i = template->range_count;

    if (template->is_at_end || template->range_count == 0) {
        return false;
    }
    buffer_clear(out);
    for (size_t at = 0; at < template->range_count; at++) {
        const struct name_range *range = &template->ranges[at];

        buffer_append_bytes(out, range->before);
        if (range->width == 0) {
            buffer_append_char(out, (char)range->value);
        } else {
            buffer_printf(out, "%0*" PRIu64, (int)range->width, range->value);
        }
    }
    buffer_append_bytes(out, template->after);
    template->is_at_end = true;
    while (i > 0 && template->is_at_end) {
        struct name_range *range = &template->ranges[--i];

        template->is_at_end = range->last - range->value < range->step;
        range->value = template->is_at_end ? range->first : range->value + range->step;
    }
    return true;
}
