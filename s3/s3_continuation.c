/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_continuation.h"

#include "base/encode.h"
#include "base/memory.h"
#include "base/xml_writer.h"
#include "object/object_store.h"

#include "base/banned.h"

static const struct bytes MARK = {"1/", 2};

#define TOKEN_BYTES_MAX ENCODE_BASE64_SIZE(OBJECT_KEY_BYTES_MAX + 2)

void
s3_continuation_element(struct buffer *out, const char *name, struct bytes last)
{
    char plain[OBJECT_KEY_BYTES_MAX + 2];
    char token[TOKEN_BYTES_MAX + 1];
    size_t size = last.size < OBJECT_KEY_BYTES_MAX ? last.size : OBJECT_KEY_BYTES_MAX;

    memcpy(plain, MARK.data, MARK.size);
    memcpy(plain + MARK.size, last.data, size);
    encode_base64(bytes_of(plain, MARK.size + size), token);
    xml_element_string(out, name, token);
}

enum status
s3_continuation_parse(struct bytes token, struct arena *arena, struct bytes *ret_last,
                      struct error *err)
{
    char *plain = arena_alloc(arena, TOKEN_BYTES_MAX);
    struct bytes decoded = bytes_of(plain, 0);

    if (token.size > TOKEN_BYTES_MAX ||
        decode_base64(token, plain, TOKEN_BYTES_MAX, &decoded.size) != ST_OK ||
        !bytes_has_prefix(decoded, MARK) || !bytes_is_utf8(decoded) ||
        memchr(decoded.data, '\0', decoded.size) != NULL) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "The continuation token provided is incorrect.");
    }
    *ret_last = bytes_slice(decoded, MARK.size, decoded.size);
    return ST_OK;
}
