/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/encode.h and the number parser on any bytes: what is accepted encodes back to the same text
 * (base64, hex) or decodes back to the same bytes (percent-encoding).  The first byte chooses.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_base64(struct bytes text)
{
    size_t capacity = text.size / 4 * 3;
    char *decoded = xmalloc(capacity + 1);
    char *encoded = xmalloc(text.size + 1);
    size_t size;

    if (decode_base64(text, decoded, capacity, &size) == ST_OK) {
        CHECK(ENCODE_BASE64_SIZE(size) == text.size);
        encode_base64(bytes_of(decoded, size), encoded);
        CHECK(bytes_equal_string(text, encoded));
    }
    free(encoded);
    free(decoded);
}

static void
check_hex(struct bytes text)
{
    char *decoded = xmalloc(text.size / 2 + 1);
    char *encoded = xmalloc(text.size + 1);

    if (decode_hex(text, decoded) == ST_OK) {
        encode_hex(bytes_of(decoded, text.size / 2), encoded);
        CHECK(bytes_equal_ignore_case(text, encoded));
    }
    free(encoded);
    free(decoded);
}

static void
check_uri(struct bytes text, bool plus_is_space)
{
    struct buffer decoded = BUFFER_INIT;
    struct buffer encoded = BUFFER_INIT;
    struct buffer again = BUFFER_INIT;

    if (decode_uri(text, plus_is_space, &decoded) == ST_OK) {
        CHECK(decoded.size <= text.size);
        encode_uri(buffer_bytes(&decoded), plus_is_space, &encoded);
        CHECK(decode_uri(buffer_bytes(&encoded), plus_is_space, &again) == ST_OK);
        CHECK(bytes_equal(buffer_bytes(&decoded), buffer_bytes(&again)));
    }
    buffer_release(&again);
    buffer_release(&encoded);
    buffer_release(&decoded);
}

static void
check_number(struct bytes text)
{
    uint64_t value;
    uint64_t again;

    if (bytes_parse_u64(text, UINT64_MAX, &value) == ST_OK) {
        struct buffer written = BUFFER_INIT;

        buffer_printf(&written, "%llu", (unsigned long long)value);
        CHECK(written.size <= text.size);
        CHECK(bytes_parse_u64(buffer_bytes(&written), value, &again) == ST_OK && again == value);
        CHECK(value == 0 ||
              bytes_parse_u64(buffer_bytes(&written), value - 1, &again) == ST_INVALID);
        buffer_release(&written);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text;

    if (size == 0) {
        return 0;
    }
    text = bytes_of(data + 1, size - 1);
    switch (data[0]) {
    case 'b':
        check_base64(text);
        break;
    case 'h':
        check_hex(text);
        break;
    case 'u':
        check_uri(text, false);
        break;
    case '+':
        check_uri(text, true);
        break;
    case 'n':
        check_number(text);
        break;
    default:
        break;
    }
    return 0;
}
