/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_field.h"

#include "base/banned.h"

void
http_field_lower_case(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') {
            text[i] = (char)(text[i] | 0x20);
        }
    }
}

bool
http_field_has_token(struct bytes value, const char *word)
{
    while (value.size != 0) {
        if (bytes_equal_ignore_case(bytes_trim(bytes_cut(&value, ',')), word)) {
            return true;
        }
    }
    return false;
}

bool
http_field_has_bare_line_feed(struct bytes text)
{
    size_t at = bytes_find_char(text, 0, '\n');

    while (at != SIZE_MAX) {
        if (at == 0 || text.data[at - 1] != '\r') {
            return true;
        }
        at = bytes_find_char(text, at + 1, '\n');
    }
    return false;
}
