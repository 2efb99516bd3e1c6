/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_copy_source.h"

#include "object/object_store.h"
#include "s3/s3_query.h"

#include "base/banned.h"

/* Ids that S3 gives are 32 of these; anything near it is taken for an id of another store. */
#define VERSION_ID_BYTES_MIN 16
#define VERSION_ID_BYTES_MAX 1024

enum status
s3_version_check(struct bytes version_id, struct error *err)
{
    if (version_id.data == NULL || bytes_equal_string(version_id, "null")) {
        return ST_OK;
    }
    for (size_t i = 0; i < version_id.size; i++) {
        unsigned char c = (unsigned char)version_id.data[i];

        if (c <= ' ' || c >= 0x7F) {
            version_id.size = 0;
        }
    }
    if (version_id.size < VERSION_ID_BYTES_MIN || version_id.size > VERSION_ID_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "InvalidArgument", "Invalid version id specified.");
    }
    return fail(err, ST_NO_SUCH_VERSION,
                "The specified version does not exist: objects of this bucket have the version "
                "null only.");
}

static enum status
fail_malformed(struct error *err, const char *why)
{
    return fail_as(err, ST_INVALID, "InvalidArgument",
                   "The x-amz-copy-source header must be the percent-encoded bucket/key of the "
                   "source: %s.",
                   why);
}

static enum status
check_names(const struct s3_copy_source *source, struct error *err)
{
    if (source->bucket.size == 0) {
        return fail_malformed(err, "it names no bucket");
    }
    if (source->key.size == 0) {
        return fail_malformed(err, "it names no key");
    }
    if (source->key.size > OBJECT_KEY_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "KeyTooLongError",
                       "The key of the copy source is too long: it has %zu bytes and may have "
                       "%d.",
                       source->key.size, OBJECT_KEY_BYTES_MAX);
    }
    return ST_OK;
}

enum status
s3_copy_source_parse(struct bytes text, struct arena *arena, struct s3_copy_source *ret_source,
                     struct error *err)
{
    struct bytes marker = BYTES_LITERAL("?versionId=");
    size_t at = bytes_find(text, 0, marker);
    struct bytes version = BYTES_NONE;
    struct s3_copy_source source;
    enum status st;

    if (at != SIZE_MAX) {
        st =
            s3_decode(bytes_slice(text, at + marker.size, text.size), false, arena, &version, NULL);
        if (st != ST_OK) {
            return fail_malformed(err, "its versionId is not percent-encoded UTF-8");
        }
        text.size = at;
    }
    if (s3_decode(text, false, arena, &text, NULL) != ST_OK) {
        return fail_malformed(err, "it is not percent-encoded UTF-8 without NUL");
    }
    if (text.size != 0 && text.data[0] == '/') {
        text = bytes_slice(text, 1, text.size);
    }
    source.bucket = bytes_cut(&text, '/');
    source.key = text;
    st = check_names(&source, err);
    if (st == ST_OK) {
        st = s3_version_check(version, err);
    }
    if (st == ST_OK) {
        *ret_source = source;
    }
    return st;
}
