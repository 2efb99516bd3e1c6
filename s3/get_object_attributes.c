/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjectAttributes.  SPEC: S3 GetObjectAttributes. */
#include "base/check.h"
#include "base/clock.h"
#include "base/xml_writer.h"
#include "net/http_date.h"
#include "object/object_get.h"
#include "s3/s3_attributes.h"
#include "s3/s3_handler.h"
#include "s3/s3_listing.h"

#include "base/banned.h"

enum attribute {
    ATTRIBUTE_ETAG = 1,
    ATTRIBUTE_CHECKSUM = 2,
    ATTRIBUTE_PARTS = 4,
    ATTRIBUTE_STORAGE_CLASS = 8,
    ATTRIBUTE_SIZE = 16
};

static const struct {
    const char *name;
    enum attribute attribute;
} ATTRIBUTES[] = {{"ETag", ATTRIBUTE_ETAG},
                  {"Checksum", ATTRIBUTE_CHECKSUM},
                  {"ObjectParts", ATTRIBUTE_PARTS},
                  {"StorageClass", ATTRIBUTE_STORAGE_CLASS},
                  {"ObjectSize", ATTRIBUTE_SIZE}};

struct part_page {
    struct part_entry *entries;
    size_t count;
    bool is_truncated;
    uint64_t after;
    uint64_t count_max;
};

static enum status
read_wanted(struct bytes list, unsigned *ret_wanted, struct error *err)
{
    unsigned wanted = 0;

    while (list.size != 0) {
        struct bytes name = bytes_trim(bytes_cut(&list, ','));
        unsigned found = 0;

        for (size_t i = 0; i < ARRAY_COUNT(ATTRIBUTES); i++) {
            if (bytes_equal_string(name, ATTRIBUTES[i].name)) {
                found = ATTRIBUTES[i].attribute;
            }
        }
        if (found == 0) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "Invalid attribute name specified: x-amz-object-attributes takes ETag, "
                           "Checksum, ObjectParts, StorageClass, ObjectSize.");
        }
        wanted |= found;
    }
    if (wanted == 0) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The x-amz-object-attributes header specifying the attributes to be "
                       "retrieved is either missing or empty.");
    }
    *ret_wanted = wanted;
    return ST_OK;
}

static enum status
read_number(const struct s3_headers *headers, enum s3_header_id id, uint64_t *value,
            struct error *err)
{
    if (s3_has_header(headers, id) &&
        bytes_parse_u64(headers->values[id], INT32_MAX, value) != ST_OK) {
        return fail_as(err, ST_INVALID, "InvalidArgument", "The header %s must be a number.",
                       s3_header_name(id));
    }
    return ST_OK;
}

static void
write_checksum(struct buffer *out, const struct checksum *checksum, uint32_t part_count)
{
    char text[S3_CHECKSUM_TEXT_SIZE];

    if (checksum->algorithm != CHECKSUM_NONE && checksum->size != 0) {
        xml_element(out, s3_checksum_xml_name(checksum->algorithm),
                    s3_checksum_format(checksum, part_count, text));
    }
}

static void
write_parts(struct buffer *out, const struct object_record *record, const struct part_page *page)
{
    xml_open(out, "ObjectParts");
    xml_element_u64(out, "PartsCount", record->part_count);
    xml_element_u64(out, "PartNumberMarker", page->after);
    xml_element_u64(out, "NextPartNumberMarker",
                    page->count != 0 ? page->entries[page->count - 1].number : page->after);
    xml_element_u64(out, "MaxParts", page->count_max);
    xml_element_bool(out, "IsTruncated", page->is_truncated);
    for (size_t i = 0; i < page->count; i++) {
        xml_open(out, "Part");
        xml_element_u64(out, "PartNumber", page->entries[i].number);
        xml_element_u64(out, "Size", page->entries[i].size);
        write_checksum(out, &page->entries[i].checksum, 0);
        xml_close(out, "Part");
    }
    xml_close(out, "ObjectParts");
}

static void
reply_attributes(struct s3_request *request, const struct object_record *record,
                 const struct part_page *page, unsigned wanted)
{
    struct buffer out = BUFFER_INIT;
    char *date = arena_alloc(request->arena, HTTP_DATE_SIZE + 1);

    http_date_format(record->created_ns / CLOCK_NS_PER_S, date);
    s3_reply_header(request, "Last-Modified", bytes_of(date, HTTP_DATE_SIZE));
    xml_begin_document(&out, "GetObjectAttributesResponse", S3_XMLNS);
    if (wanted & ATTRIBUTE_ETAG) {
        xml_element(&out, "ETag", record->etag);
    }
    if ((wanted & ATTRIBUTE_CHECKSUM) && record->checksum.algorithm != CHECKSUM_NONE) {
        xml_open(&out, "Checksum");
        write_checksum(&out, &record->checksum, record->part_count);
        xml_element_string(&out, "ChecksumType", s3_checksum_type_name(record->checksum.type));
        xml_close(&out, "Checksum");
    }
    if ((wanted & ATTRIBUTE_PARTS) && record->part_count != 0) {
        write_parts(&out, record, page);
    }
    if (wanted & ATTRIBUTE_STORAGE_CLASS) {
        xml_element_string(&out, "StorageClass", "STANDARD");
    }
    if (wanted & ATTRIBUTE_SIZE) {
        xml_element_u64(&out, "ObjectSize", record->size);
    }
    xml_close(&out, "GetObjectAttributesResponse");
    s3_reply_xml(request, &out);
}

static enum status
check_request(const struct s3_request *request, struct part_page *page, unsigned *ret_wanted,
              struct error *err)
{
    enum status st = s3_request_check_version(request, err);

    if (st == ST_OK) {
        st = s3_attributes_refuse_customer_key(&request->headers, err);
    }
    if (st == ST_OK) {
        st = read_wanted(request->headers.values[S3_OBJECT_ATTRIBUTES], ret_wanted, err);
    }
    if (st == ST_OK) {
        st = read_number(&request->headers, S3_MAX_PARTS, &page->count_max, err);
    }
    if (st == ST_OK) {
        st = read_number(&request->headers, S3_PART_NUMBER_MARKER, &page->after, err);
    }
    if (page->count_max > S3_LISTING_MAX) {
        page->count_max = S3_LISTING_MAX;
    }
    return st;
}

enum status
s3_get_object_attributes(struct s3_request *request, struct error *err)
{
    const struct object_get_options options = {
        .key = request->route.key, .is_head = true, .needs_parts = true, .mode = request->mode};
    struct part_page page = {.count_max = S3_LISTING_MAX};
    struct object_get_result result = {.source = NULL};
    unsigned wanted = 0;
    enum status st = check_request(request, &page, &wanted, err);

    if (st == ST_OK) {
        st = object_get(&request->bucket, &options, request->arena, &result, err);
    }
    if (st == ST_OK && (wanted & ATTRIBUTE_PARTS) && result.record.part_count != 0 &&
        page.count_max != 0) {
        st = object_get_parts(&request->bucket, &result, (uint32_t)page.after, page.count_max,
                              request->arena, &page.entries, &page.count, &page.is_truncated, err);
    }
    if (st == ST_OK) {
        reply_attributes(request, &result.record, &page, wanted);
    }
    return st;
}
