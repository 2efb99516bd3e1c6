/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_store.h"

#include "object/object_copy.h"
#include "object/object_delete.h"

#include "base/banned.h"

static enum status
delete_if(const struct bucket *bucket, struct bytes key, struct bytes etag, struct error *err)
{
    struct object_delete_entry entry = {.key = key, .conditions = {.if_match = etag}};
    enum status st = object_delete(bucket, &entry, 1, err);

    if (st == ST_OK && entry.status != ST_OK) {
        st = entry.status;
        if (err != NULL) {
            *err = entry.error;
        }
    }
    return st;
}

enum status
native_store_delete(const struct bucket *bucket, struct bytes key, struct error *err)
{
    return delete_if(bucket, key, BYTES_NONE, err);
}

enum status
native_store_copy(const struct bucket *source, struct bytes source_key,
                  const struct bucket *destination, struct bytes key, struct error *err)
{
    struct object_copy_options options = {
        .source = source, .source_key = source_key, .key = key, .is_native = true};
    struct object_copy_result result;

    return object_copy(destination, &options, &result, err);
}

enum status
native_store_rename(const struct bucket *bucket, struct bytes from, struct bytes to,
                    struct error *err)
{
    struct object_copy_options options = {
        .source = bucket, .source_key = from, .key = to, .is_native = true};
    struct object_copy_result result;
    enum status st = object_copy(bucket, &options, &result, err);

    if (st != ST_OK) {
        return st;
    }
    st = delete_if(bucket, from, bytes_of_string(result.etag), err);
    /* Replaced or deleted by somebody else since it was copied. */
    return st == ST_PRECONDITION || st == ST_NO_SUCH_KEY ? ST_OK : st;
}
