/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml_writer.h"

#include <inttypes.h>

#include "base/banned.h"

static const char *
escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

void
xml_escape(struct buffer *out, struct bytes text)
{
    size_t plain = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        const char *escape = escape_of(c);

        if (escape == NULL && (c >= 0x20 || c == '\t' || c == '\n')) {
            continue;
        }
        buffer_append(out, text.data + plain, i - plain);
        plain = i + 1;
        if (escape != NULL) {
            buffer_append_string(out, escape);
        } else {
            buffer_printf(out, "&#x%x;", c);
        }
    }
    buffer_append(out, text.data + plain, text.size - plain);
}

void
xml_begin_document(struct buffer *out, const char *root, const char *xmlns)
{
    buffer_append_string(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    buffer_append_string(out, root);
    if (xmlns != NULL) {
        buffer_append_string(out, " xmlns=\"");
        buffer_append_string(out, xmlns);
        buffer_append_char(out, '"');
    }
    buffer_append_char(out, '>');
}

void
xml_open(struct buffer *out, const char *name)
{
    buffer_append_char(out, '<');
    buffer_append_string(out, name);
    buffer_append_char(out, '>');
}

void
xml_close(struct buffer *out, const char *name)
{
    buffer_append_string(out, "</");
    buffer_append_string(out, name);
    buffer_append_char(out, '>');
}

void
xml_element(struct buffer *out, const char *name, struct bytes text)
{
    xml_open(out, name);
    xml_escape(out, text);
    xml_close(out, name);
}

void
xml_element_string(struct buffer *out, const char *name, const char *text)
{
    xml_element(out, name, bytes_of_string(text));
}

void
xml_element_u64(struct buffer *out, const char *name, uint64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    xml_element(out, name, bytes_of(digits + at, sizeof(digits) - at));
}

void
xml_element_bool(struct buffer *out, const char *name, bool value)
{
    xml_element_string(out, name, value ? "true" : "false");
}
