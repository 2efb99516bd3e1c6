/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_listing.h"

#include "base/encode.h"
#include "base/xml_writer.h"
#include "s3/s3_time.h"

#include "base/banned.h"

/* Greatest max-keys that S3 takes for a number: a Java int. */
#define MAX_KEYS_LIMIT INT32_MAX
/* An entry without its key and owner. */
#define ENTRY_BYTES 512

enum status
s3_listing_encoding(const struct s3_request *request, bool *ret_is_url, struct error *err)
{
    struct bytes encoding = s3_query_value(&request->route.query, "encoding-type");

    if (encoding.data != NULL && !bytes_equal_string(encoding, "url")) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "Invalid Encoding Method specified in Request: encoding-type must be url.");
    }
    *ret_is_url = encoding.data != NULL;
    return ST_OK;
}

enum status
s3_listing_read(const struct s3_request *request, enum s3_listing_kind kind,
                struct s3_listing *ret_listing, struct error *err)
{
    struct s3_listing listing = {.kind = kind, .bucket_owner = request->bucket.owner};
    uint64_t max_keys = S3_LISTING_MAX;
    enum status st = s3_listing_encoding(request, &listing.is_url_encoded, err);

    if (st == ST_OK) {
        st = s3_query_u64(&request->route.query, "max-keys", 0, MAX_KEYS_LIMIT, &max_keys, err);
    }
    if (st != ST_OK) {
        return st;
    }
    listing.options.prefix = s3_request_parameter(request, "prefix");
    listing.options.delimiter = s3_request_parameter(request, "delimiter");
    listing.options.after = BYTES_LITERAL("");
    listing.options.count_max = max_keys < S3_LISTING_MAX ? max_keys : S3_LISTING_MAX;
    listing.has_delimiter = listing.options.delimiter.size != 0;
    listing.shows_owner = kind != S3_LISTING_V2;
    listing.result.last = BYTES_LITERAL("");
    *ret_listing = listing;
    return ST_OK;
}

static inline void
put(struct buffer *out, const char *text, size_t size)
{
    memcpy(out->data + out->size, text, size);
    out->size += size;
}

#define PUT(out, literal) put(out, "" literal, sizeof(literal) - 1)

static void
put_number(struct buffer *out, uint64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(out, digits + at, sizeof(digits) - at);
}

/* Room for ENTRY_BYTES more is reserved by the caller. */
static void
put_facts(struct buffer *out, const struct object_record *record)
{
    char time[S3_TIME_SIZE];
    const enum checksum_algorithm algorithm = record->checksum.algorithm;

    s3_time_format(record->created_ns, time);
    PUT(out, "<LastModified>");
    put(out, time, sizeof(time));
    PUT(out, "</LastModified><ETag>&quot;");
    put(out, record->etag.data, record->etag.size < 128 ? record->etag.size : 128);
    PUT(out, "&quot;</ETag>");
    if (algorithm != CHECKSUM_NONE) {
        const char *name = s3_checksum_name(algorithm);
        const char *type = s3_checksum_type_name(record->checksum.type);

        PUT(out, "<ChecksumAlgorithm>");
        put(out, name, strlen(name));
        PUT(out, "</ChecksumAlgorithm><ChecksumType>");
        put(out, type, strlen(type));
        PUT(out, "</ChecksumType>");
    }
    PUT(out, "<Size>");
    put_number(out, record->size);
    PUT(out, "</Size><StorageClass>STANDARD</StorageClass>");
}

static void
append_name(struct buffer *out, struct bytes name, bool is_url)
{
    if (is_url) {
        encode_uri(name, true, out);
    } else {
        xml_escape(out, name);
    }
}

void
s3_listing_element(struct buffer *out, const char *name, struct bytes value, bool is_url)
{
    xml_open(out, name);
    append_name(out, value, is_url);
    xml_close(out, name);
}

void
s3_listing_common_prefix(struct buffer *out, struct bytes prefix, bool is_url)
{
    buffer_append_string(out, "<CommonPrefixes><Prefix>");
    append_name(out, prefix, is_url);
    buffer_append_string(out, "</Prefix></CommonPrefixes>");
}

void
s3_listing_user(struct buffer *out, const char *element, struct bytes user)
{
    xml_open(out, element);
    xml_element(out, "ID", user);
    xml_element(out, "DisplayName", user);
    xml_close(out, element);
}

void
s3_listing_found(struct bytes name, const struct object_record *record, void *arg)
{
    struct s3_listing *listing = arg;
    struct buffer *out = &listing->entries;
    bool is_version = listing->kind == S3_LISTING_VERSIONS;

    listing->last_is_prefix = record == NULL;
    if (record == NULL) {
        s3_listing_common_prefix(&listing->prefixes, name, listing->is_url_encoded);
        return;
    }
    buffer_reserve(out, 32);
    if (is_version) {
        PUT(out, "<Version><Key>");
    } else {
        PUT(out, "<Contents><Key>");
    }
    append_name(out, name, listing->is_url_encoded);
    buffer_reserve(out, ENTRY_BYTES);
    PUT(out, "</Key>");
    if (is_version) {
        PUT(out, "<VersionId>null</VersionId><IsLatest>true</IsLatest>");
    }
    put_facts(out, record);
    if (listing->shows_owner) {
        s3_listing_user(out, "Owner",
                        record->owner.size != 0 ? record->owner : listing->bucket_owner);
    }
    buffer_append_string(out, is_version ? "</Version>" : "</Contents>");
}

enum status
s3_listing_run(const struct s3_request *request, struct s3_listing *listing, struct error *err)
{
    if (listing->options.count_max == 0) {
        return ST_OK;
    }
    buffer_reserve(&listing->entries, listing->options.count_max * 320);
    return object_list(&request->bucket, &listing->options, s3_listing_found, listing,
                       request->arena, &listing->result, err);
}

void
s3_listing_release(struct s3_listing *listing)
{
    buffer_release(&listing->entries);
    buffer_release(&listing->prefixes);
}
