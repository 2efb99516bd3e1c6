/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_key.h"

#include "object/object_store.h"

#include "base/banned.h"

enum status
object_key_check(struct bytes key, struct error *err)
{
    if (key.size == 0) {
        return fail(err, ST_INVALID, "the key is empty");
    }
    if (key.size > OBJECT_KEY_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "KeyTooLongError",
                       "the key has %zu bytes, more than the %d allowed", key.size,
                       OBJECT_KEY_BYTES_MAX);
    }
    if (memchr(key.data, '\0', key.size) != NULL) {
        return fail(err, ST_INVALID, "the key contains a NUL byte");
    }
    if (!bytes_is_utf8(key)) {
        return fail(err, ST_INVALID, "the key is not valid UTF-8");
    }
    return ST_OK;
}

struct bytes
object_key_common_prefix(struct bytes name, struct bytes prefix, struct bytes delimiter)
{
    size_t at;

    if (delimiter.size == 0 || !bytes_has_prefix(name, prefix)) {
        return BYTES_NONE;
    }
    at = bytes_find(name, prefix.size, delimiter);
    return at == SIZE_MAX ? BYTES_NONE : bytes_slice(name, 0, at + delimiter.size);
}
