/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListObjects, ListObjectsV2 and ListObjectVersions.  Elements that are known before the walk stand
 * before the entries, the others behind them.
 * SPEC: S3 ListObjects, ListObjectsV2, ListObjectVersions.
 */
#include "base/xml_writer.h"
#include "s3/s3_continuation.h"
#include "s3/s3_handler.h"
#include "s3/s3_listing.h"

#include "base/banned.h"

static struct buffer
begin(const struct s3_request *request, const struct s3_listing *listing, const char *root)
{
    struct buffer out = BUFFER_INIT;

    buffer_reserve(&out, 2048 + listing->entries.size + listing->prefixes.size);
    xml_begin_document(&out, root, S3_XMLNS);
    xml_element(&out, "Name", request->bucket.name);
    s3_listing_element(&out, "Prefix", listing->options.prefix,
                       listing->is_url_encoded && !(listing->kind == S3_LISTING_V1 &&
                                                    request->s3->options.list_v1_plain_prefix));
    xml_element_u64(&out, "MaxKeys", listing->options.count_max);
    if (listing->has_delimiter) {
        s3_listing_element(&out, "Delimiter", listing->options.delimiter, listing->is_url_encoded);
    }
    if (listing->is_url_encoded) {
        xml_element_string(&out, "EncodingType", "url");
    }
    xml_element_bool(&out, "IsTruncated", listing->result.is_truncated);
    return out;
}

static enum status
finish(struct s3_request *request, struct s3_listing *listing, struct buffer *out, const char *root)
{
    buffer_append_bytes(out, buffer_bytes(&listing->entries));
    buffer_append_bytes(out, buffer_bytes(&listing->prefixes));
    xml_close(out, root);
    s3_listing_release(listing);
    s3_reply_xml(request, out);
    return ST_OK;
}

enum status
s3_list_objects(struct s3_request *request, struct error *err)
{
    static const char ROOT[] = "ListBucketResult";
    struct s3_listing listing;
    struct buffer out;
    enum status st = s3_listing_read(request, S3_LISTING_V1, &listing, err);

    if (st != ST_OK) {
        return st;
    }
    listing.options.after = s3_request_parameter(request, "marker");
    st = s3_listing_run(request, &listing, err);
    if (st != ST_OK) {
        s3_listing_release(&listing);
        return st;
    }
    out = begin(request, &listing, ROOT);
    s3_listing_element(&out, "Marker", listing.options.after, listing.is_url_encoded);
    if (listing.result.is_truncated && listing.has_delimiter) {
        s3_listing_element(&out, "NextMarker", listing.result.last, listing.is_url_encoded);
    }
    return finish(request, &listing, &out, ROOT);
}

/* continuation-token wins over start-after. */
static enum status
read_start(const struct s3_request *request, struct s3_listing *listing, struct bytes token,
           struct error *err)
{
    bool is_start =
        token.data == NULL || (token.size == 0 && request->s3->options.empty_continuation_token);

    if (is_start) {
        listing->options.after = s3_request_parameter(request, "start-after");
        return ST_OK;
    }
    return s3_continuation_parse(token, request->arena, &listing->options.after, err);
}

enum status
s3_list_objects_v2(struct s3_request *request, struct error *err)
{
    static const char ROOT[] = "ListBucketResult";
    struct bytes token = s3_query_value(&request->route.query, "continuation-token");
    struct bytes start_after = s3_query_value(&request->route.query, "start-after");
    struct s3_listing listing;
    struct buffer out;
    enum status st = s3_listing_read(request, S3_LISTING_V2, &listing, err);

    if (st != ST_OK) {
        return st;
    }
    listing.shows_owner =
        bytes_equal_ignore_case(s3_request_parameter(request, "fetch-owner"), "true");
    st = read_start(request, &listing, token, err);
    if (st == ST_OK) {
        st = s3_listing_run(request, &listing, err);
    }
    if (st != ST_OK) {
        s3_listing_release(&listing);
        return st;
    }
    out = begin(request, &listing, ROOT);
    xml_element_u64(&out, "KeyCount", listing.result.count);
    if (token.data != NULL) {
        xml_element(&out, "ContinuationToken", token);
    }
    if (start_after.size != 0) {
        s3_listing_element(&out, "StartAfter", start_after, listing.is_url_encoded);
    }
    if (listing.result.is_truncated) {
        s3_continuation_element(&out, "NextContinuationToken", listing.result.last);
    }
    return finish(request, &listing, &out, ROOT);
}

/* There is one version of each key, so a page always goes on behind the key of its marker. */
static enum status
read_version_marker(const struct s3_request *request, struct error *err)
{
    struct bytes key_marker = s3_query_value(&request->route.query, "key-marker");
    struct bytes version_marker = s3_query_value(&request->route.query, "version-id-marker");

    if (version_marker.size == 0) {
        return ST_OK;
    }
    if (key_marker.size == 0) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "A version-id marker cannot be specified without a key marker.");
    }
    if (!bytes_equal_string(version_marker, "null")) {
        return fail_as(err, ST_INVALID, "InvalidArgument", "Invalid version id specified.");
    }
    return ST_OK;
}

enum status
s3_list_object_versions(struct s3_request *request, struct error *err)
{
    static const char ROOT[] = "ListVersionsResult";
    struct s3_listing listing;
    struct buffer out;
    enum status st = s3_listing_read(request, S3_LISTING_VERSIONS, &listing, err);

    if (st == ST_OK) {
        st = read_version_marker(request, err);
    }
    if (st != ST_OK) {
        return st;
    }
    listing.options.after = s3_request_parameter(request, "key-marker");
    st = s3_listing_run(request, &listing, err);
    if (st != ST_OK) {
        s3_listing_release(&listing);
        return st;
    }
    out = begin(request, &listing, ROOT);
    s3_listing_element(&out, "KeyMarker", listing.options.after, listing.is_url_encoded);
    xml_element(&out, "VersionIdMarker", s3_request_parameter(request, "version-id-marker"));
    if (listing.result.is_truncated) {
        s3_listing_element(&out, "NextKeyMarker", listing.result.last, listing.is_url_encoded);
        if (!listing.last_is_prefix) {
            xml_element_string(&out, "NextVersionIdMarker", "null");
        }
    }
    return finish(request, &listing, &out, ROOT);
}
