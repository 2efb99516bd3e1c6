/* SPDX-License-Identifier: Apache-2.0 */
/* ListParts and ListMultipartUploads.  SPEC: S3 ListParts, ListMultipartUploads. */
#include "base/check.h"
#include "base/encode.h"
#include "base/xml_writer.h"
#include "object/multipart.h"
#include "object/object_route.h"
#include "s3/s3_handler.h"
#include "s3/s3_listing.h"
#include "s3/s3_time.h"

#include "base/banned.h"

struct part_page {
    struct upload_record upload;
    struct part_record *parts;
    size_t count;
    bool is_truncated;
    uint64_t after;
    uint64_t count_max;
};

static void
write_checksum(struct buffer *out, const struct checksum *checksum)
{
    char text[S3_CHECKSUM_TEXT_SIZE];

    if (checksum->algorithm != CHECKSUM_NONE && checksum->size != 0) {
        xml_element(out, s3_checksum_xml_name(checksum->algorithm),
                    s3_checksum_format(checksum, 0, text));
    }
}

static void
write_algorithm(struct buffer *out, const struct upload_record *upload)
{
    if (upload->checksum_algorithm != CHECKSUM_NONE) {
        xml_element_string(out, "ChecksumAlgorithm", s3_checksum_name(upload->checksum_algorithm));
        xml_element_string(out, "ChecksumType", s3_checksum_type_name(upload->checksum_type));
    }
}

static void
write_part(struct buffer *out, const struct part_record *part)
{
    char etag[2 * 16 + 3];

    etag[0] = '"';
    encode_hex(bytes_of(part->md5, 16), etag + 1);
    etag[33] = '"';
    xml_open(out, "Part");
    xml_element_u64(out, "PartNumber", part->number);
    s3_time_element(out, "LastModified", part->created_ns);
    xml_element(out, "ETag", bytes_of(etag, 34));
    xml_element_u64(out, "Size", part->size);
    write_checksum(out, &part->checksum);
    xml_close(out, "Part");
}

static void
reply_parts(struct s3_request *request, const struct part_page *page, bool is_url)
{
    struct buffer out = BUFFER_INIT;

    buffer_reserve(&out, 1024 + page->count * 256);
    xml_begin_document(&out, "ListPartsResult", S3_XMLNS);
    xml_element(&out, "Bucket", request->bucket.name);
    s3_listing_element(&out, "Key", request->route.key, is_url);
    if (is_url) {
        xml_element_string(&out, "EncodingType", "url");
    }
    xml_element(&out, "UploadId", s3_request_parameter(request, "uploadId"));
    s3_listing_user(&out, "Initiator", page->upload.initiator);
    s3_listing_user(&out, "Owner", page->upload.owner);
    xml_element_string(&out, "StorageClass", "STANDARD");
    write_algorithm(&out, &page->upload);
    xml_element_u64(&out, "PartNumberMarker", page->after);
    xml_element_u64(&out, "NextPartNumberMarker",
                    page->count != 0 ? page->parts[page->count - 1].number : page->after);
    xml_element_u64(&out, "MaxParts", page->count_max);
    xml_element_bool(&out, "IsTruncated", page->is_truncated);
    for (size_t i = 0; i < page->count; i++) {
        write_part(&out, &page->parts[i]);
    }
    xml_close(&out, "ListPartsResult");
    s3_reply_xml(request, &out);
}

static enum status
read_part_page(const struct s3_request *request, struct part_page *page, struct error *err)
{
    const struct s3_query *query = &request->route.query;
    enum status st = s3_query_u64(query, "max-parts", 0, INT32_MAX, &page->count_max, err);

    if (st == ST_OK) {
        st = s3_query_u64(query, "part-number-marker", 0, INT32_MAX, &page->after, err);
    }
    if (page->count_max > S3_LISTING_MAX) {
        page->count_max = S3_LISTING_MAX;
    }
    return st;
}

enum status
s3_list_parts(struct s3_request *request, struct error *err)
{
    struct part_page page = {.count_max = S3_LISTING_MAX};
    struct upload_id id;
    bool is_url;
    enum status st = read_part_page(request, &page, err);

    if (st == ST_OK) {
        st = s3_listing_encoding(request, &is_url, err);
    }
    if (st == ST_OK) {
        st = s3_request_upload_id(request, &id, err);
    }
    if (st == ST_OK) {
        st = multipart_get(&request->bucket, request->route.key, id, request->arena, &page.upload,
                           err);
    }
    if (st == ST_OK && page.upload.state != UPLOAD_OPEN) {
        return fail(err, ST_NO_SUCH_UPLOAD,
                    "The specified upload does not exist: it has been completed.");
    }
    if (st == ST_OK && page.count_max != 0) {
        st = multipart_list_parts(&request->bucket, request->route.key, id, (uint32_t)page.after,
                                  page.count_max, request->arena, &page.parts, &page.count,
                                  &page.is_truncated, err);
    }
    if (st == ST_OK) {
        reply_parts(request, &page, is_url);
    }
    return st;
}

struct upload_page {
    struct multipart_list_options options;
    struct multipart_upload_entry *entries;
    size_t count;
    bool is_truncated;
    bool is_url;
};

static void
write_upload(struct buffer *out, const struct multipart_upload_entry *entry, bool is_url)
{
    xml_open(out, "Upload");
    s3_listing_element(out, "Key", entry->key, is_url);
    xml_element(out, "UploadId", entry->name);
    s3_listing_user(out, "Initiator", entry->record.initiator);
    s3_listing_user(out, "Owner", entry->record.owner);
    xml_element_string(out, "StorageClass", "STANDARD");
    s3_time_element(out, "Initiated", entry->record.created_ns);
    write_algorithm(out, &entry->record);
    xml_close(out, "Upload");
}

static void
write_next_marker(struct buffer *out, const struct upload_page *page)
{
    const struct multipart_upload_entry *last = &page->entries[page->count - 1];

    s3_listing_element(out, "NextKeyMarker", last->key, page->is_url);
    xml_element(out, "NextUploadIdMarker", last->is_prefix ? BYTES_LITERAL("") : last->name);
}

static void
reply_uploads(struct s3_request *request, const struct upload_page *page)
{
    const struct multipart_list_options *options = &page->options;
    struct buffer out = BUFFER_INIT;

    buffer_reserve(&out, 1024 + page->count * 512);
    xml_begin_document(&out, "ListMultipartUploadsResult", S3_XMLNS);
    xml_element(&out, "Bucket", request->bucket.name);
    s3_listing_element(&out, "KeyMarker", options->key_marker, page->is_url);
    xml_element(&out, "UploadIdMarker", s3_request_parameter(request, "upload-id-marker"));
    if (page->is_truncated && page->count != 0) {
        write_next_marker(&out, page);
    }
    s3_listing_element(&out, "Prefix", options->prefix, page->is_url);
    if (options->delimiter.size != 0) {
        s3_listing_element(&out, "Delimiter", options->delimiter, page->is_url);
    }
    if (page->is_url) {
        xml_element_string(&out, "EncodingType", "url");
    }
    xml_element_u64(&out, "MaxUploads", options->count_max);
    xml_element_bool(&out, "IsTruncated", page->is_truncated);
    for (size_t i = 0; i < page->count; i++) {
        if (!page->entries[i].is_prefix) {
            write_upload(&out, &page->entries[i], page->is_url);
        }
    }
    for (size_t i = 0; i < page->count; i++) {
        if (page->entries[i].is_prefix) {
            s3_listing_common_prefix(&out, page->entries[i].key, page->is_url);
        }
    }
    xml_close(&out, "ListMultipartUploadsResult");
    s3_reply_xml(request, &out);
}

/* SPEC: S3 ListMultipartUploads / upload-id-marker is ignored without a key-marker. */
static enum status
read_upload_marker(const struct s3_request *request, struct multipart_list_options *options,
                   struct error *err)
{
    struct bytes marker = s3_request_parameter(request, "upload-id-marker");
    struct bytes node;

    if (options->key_marker.size == 0 || marker.size == 0) {
        return ST_OK;
    }
    if (object_upload_parse(marker, &options->upload_id_marker, &node, NULL) != ST_OK) {
        return fail_as(err, ST_INVALID, "InvalidArgument", "Invalid uploadId marker.");
    }
    options->has_upload_id_marker = true;
    return ST_OK;
}

enum status
s3_list_multipart_uploads(struct s3_request *request, struct error *err)
{
    struct upload_page page = {.count = 0};
    uint64_t count_max = S3_LISTING_MAX;
    enum status st = s3_listing_encoding(request, &page.is_url, err);

    if (st == ST_OK) {
        st = s3_query_u64(&request->route.query, "max-uploads", 0, INT32_MAX, &count_max, err);
    }
    page.options.prefix = s3_request_parameter(request, "prefix");
    page.options.delimiter = s3_request_parameter(request, "delimiter");
    page.options.key_marker = s3_request_parameter(request, "key-marker");
    page.options.count_max = count_max < S3_LISTING_MAX ? count_max : S3_LISTING_MAX;
    if (st == ST_OK) {
        st = read_upload_marker(request, &page.options, err);
    }
    if (st == ST_OK && page.options.count_max != 0) {
        st = multipart_list(&request->bucket, &page.options, request->arena, &page.entries,
                            &page.count, &page.is_truncated, err);
    }
    if (st == ST_OK) {
        reply_uploads(request, &page);
    }
    return st;
}
