/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_attributes.h"

#include "base/check.h"

#include "base/banned.h"

static const struct bytes METADATA_PREFIX = {"x-amz-meta-", 11};

/* SPEC: S3 PutObject / Content-Encoding: aws-chunked is about the transfer, at any position; what
 * stands between two other codings is kept. */
static struct bytes
strip_aws_chunked(struct bytes value, struct arena *arena)
{
    char *out;
    size_t size = 0;
    struct bytes rest = value;

    if (bytes_find(value, 0, BYTES_LITERAL("aws-chunked")) == SIZE_MAX) {
        return value;
    }
    out = arena_alloc(arena, value.size);
    while (rest.size != 0) {
        struct bytes spaced = bytes_cut(&rest, ',');
        struct bytes coding = bytes_trim(spaced);

        if (coding.size == 0 || bytes_equal_string(coding, "aws-chunked")) {
            continue;
        }
        if (size != 0) {
            out[size++] = ',';
            coding.size += (size_t)(coding.data - spaced.data);
            coding.data = spaced.data;
        }
        memcpy(out + size, coding.data, coding.size);
        size += coding.size;
    }
    return size != 0 ? bytes_of(out, size) : BYTES_NONE;
}

static struct bytes
not_empty(struct bytes value)
{
    return value.size != 0 ? value : BYTES_NONE;
}

/* One entry per name; a name that was sent again gets its values joined. */
static size_t
add_metadata(struct metadata_entry *entries, size_t count, struct metadata_entry entry,
             struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(entries[i].name, entry.name)) {
            entries[i].value = arena_printf_bytes(arena, "%.*s,%.*s", BYTES_ARGS(entries[i].value),
                                                  BYTES_ARGS(entry.value));
            return count;
        }
    }
    entries[count] = entry;
    return count + 1;
}

static enum status
read_metadata(const struct s3_headers *headers, struct arena *arena,
              struct object_attributes *attributes, struct error *err)
{
    struct metadata_entry *entries;
    size_t size = 0;
    size_t count = 0;

    if (headers->metadata_count == 0) {
        return ST_OK;
    }
    entries = arena_alloc(arena, headers->metadata_count * sizeof(*entries));
    for (size_t i = 0; i < headers->all_count; i++) {
        const struct http_header *header = &headers->all[i];
        struct metadata_entry entry;

        if (!bytes_has_prefix(header->name, METADATA_PREFIX)) {
            continue;
        }
        entry.name = bytes_slice(header->name, METADATA_PREFIX.size, header->name.size);
        entry.value = header->value.data != NULL ? header->value : BYTES_LITERAL("");
        if (entry.name.size == 0) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "A header x-amz-meta- has no name behind its prefix.");
        }
        count = add_metadata(entries, count, entry, arena);
    }
    for (size_t i = 0; i < count; i++) {
        size += entries[i].name.size + entries[i].value.size;
    }
    if (size > OBJECT_METADATA_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "MetadataTooLarge",
                       "Your metadata headers exceed the maximum allowed metadata size: they have "
                       "%zu bytes and may have %d.",
                       size, OBJECT_METADATA_BYTES_MAX);
    }
    attributes->metadata = entries;
    attributes->metadata_count = count;
    return ST_OK;
}

enum status
s3_attributes_read(const struct s3_headers *headers, struct arena *arena,
                   struct object_attributes *ret_attributes, struct error *err)
{
    struct object_attributes attributes = {.metadata = NULL};
    enum status st;

    attributes.content[CONTENT_TYPE] = not_empty(headers->values[S3_CONTENT_TYPE]);
    attributes.content[CACHE_CONTROL] = not_empty(headers->values[S3_CACHE_CONTROL]);
    attributes.content[CONTENT_DISPOSITION] = not_empty(headers->values[S3_CONTENT_DISPOSITION]);
    attributes.content[CONTENT_ENCODING] =
        strip_aws_chunked(not_empty(headers->values[S3_CONTENT_ENCODING]), arena);
    attributes.content[CONTENT_LANGUAGE] = not_empty(headers->values[S3_CONTENT_LANGUAGE]);
    attributes.content[EXPIRES] = not_empty(headers->values[S3_EXPIRES]);
    st = read_metadata(headers, arena, &attributes, err);
    if (st == ST_OK) {
        *ret_attributes = attributes;
    }
    return st;
}

enum status
s3_attributes_refuse_acl(const struct s3_headers *headers, struct error *err)
{
    static const enum s3_header_id GRANTS[] = {S3_GRANT_FULL_CONTROL, S3_GRANT_READ,
                                               S3_GRANT_READ_ACP, S3_GRANT_WRITE,
                                               S3_GRANT_WRITE_ACP};
    static const char *const CANNED[] = {"public-read",        "public-read-write",
                                         "authenticated-read", "aws-exec-read",
                                         "bucket-owner-read",  "log-delivery-write"};
    struct bytes acl = headers->values[S3_ACL];

    if (acl.data != NULL && !bytes_equal_string(acl, "private") &&
        !bytes_equal_string(acl, "bucket-owner-full-control")) {
        for (size_t i = 0; i < ARRAY_COUNT(CANNED); i++) {
            if (bytes_equal_string(acl, CANNED[i])) {
                return fail(err, ST_NOT_IMPLEMENTED,
                            "The canned ACL %s is not implemented; everything is private.",
                            CANNED[i]);
            }
        }
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "The value of x-amz-acl is no canned ACL.");
    }
    return s3_headers_refuse(headers, GRANTS, ARRAY_COUNT(GRANTS), err);
}

static enum status
refuse_storage_class(const struct s3_headers *headers, struct error *err)
{
    static const char *const CLASSES[] = {"REDUCED_REDUNDANCY",
                                          "STANDARD_IA",
                                          "ONEZONE_IA",
                                          "INTELLIGENT_TIERING",
                                          "GLACIER",
                                          "DEEP_ARCHIVE",
                                          "OUTPOSTS",
                                          "GLACIER_IR",
                                          "SNOW",
                                          "FSX_OPENZFS",
                                          "EXPRESS_ONEZONE",
                                          "FSX_ONTAP"};
    struct bytes value = headers->values[S3_STORAGE_CLASS];

    if (value.data == NULL || bytes_equal_string(value, "STANDARD")) {
        return ST_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(CLASSES); i++) {
        if (bytes_equal_string(value, CLASSES[i])) {
            return fail(err, ST_NOT_IMPLEMENTED,
                        "The storage class %s is not implemented; STANDARD is.", CLASSES[i]);
        }
    }
    return fail_as(err, ST_INVALID, "InvalidStorageClass",
                   "The storage class you specified is not valid; STANDARD is.");
}

static enum status
refuse_directive(const struct s3_headers *headers, enum s3_header_id id, struct error *err)
{
    struct bytes value = headers->values[id];

    if (value.data == NULL || bytes_equal_string(value, "COPY")) {
        return ST_OK;
    }
    if (bytes_equal_string(value, "REPLACE") || bytes_equal_string(value, "EXCLUDE")) {
        return fail(err, ST_NOT_IMPLEMENTED, "%s: %.*s is not implemented; COPY is.",
                    s3_header_name(id), BYTES_ARGS(value));
    }
    return fail_as(err, ST_INVALID, "InvalidArgument", "Unknown %s.", s3_header_name(id));
}

enum status
s3_attributes_refuse(const struct s3_headers *headers, struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_TAGGING,
                                                S3_SSE,
                                                S3_SSE_KMS_KEY_ID,
                                                S3_SSE_BUCKET_KEY,
                                                S3_SSE_CONTEXT,
                                                S3_SSEC_ALGORITHM,
                                                S3_SSEC_KEY,
                                                S3_SSEC_KEY_MD5,
                                                S3_COPY_SSEC_ALGORITHM,
                                                S3_COPY_SSEC_KEY,
                                                S3_COPY_SSEC_KEY_MD5,
                                                S3_LOCK_LEGAL_HOLD,
                                                S3_LOCK_MODE,
                                                S3_LOCK_RETAIN_UNTIL,
                                                S3_WEBSITE_REDIRECT,
                                                S3_WRITE_OFFSET,
                                                S3_RENAME_SOURCE};
    enum status st = s3_attributes_refuse_acl(headers, err);

    if (st == ST_OK) {
        st = s3_headers_refuse(headers, REFUSED, ARRAY_COUNT(REFUSED), err);
    }
    if (st == ST_OK) {
        st = refuse_directive(headers, S3_TAGGING_DIRECTIVE, err);
    }
    if (st == ST_OK) {
        st = refuse_directive(headers, S3_ANNOTATION_DIRECTIVE, err);
    }
    return st == ST_OK ? refuse_storage_class(headers, err) : st;
}

enum status
s3_attributes_refuse_customer_key(const struct s3_headers *headers, struct error *err)
{
    static const enum s3_header_id KEYS[] = {S3_SSEC_ALGORITHM, S3_SSEC_KEY, S3_SSEC_KEY_MD5};

    for (size_t i = 0; i < ARRAY_COUNT(KEYS); i++) {
        if (s3_has_header(headers, KEYS[i])) {
            return fail_as(err, ST_INVALID, "InvalidRequest",
                           "The encryption parameters are not applicable to this object.");
        }
    }
    return ST_OK;
}
