/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetObject and HeadObject: the same headers, with and without the body.  First tried on the loop,
 * so nothing here formats with printf or allocates outside the arena.
 * SPEC: S3 GetObject, HeadObject; RFC 9110 sections 13 and 14.
 */
#include "object/object_get.h"

#include "base/check.h"
#include "base/clock.h"
#include "net/http_date.h"
#include "s3/s3_attributes.h"
#include "s3/s3_conditions.h"
#include "s3/s3_handler.h"
#include "s3/s3_range.h"

#include "base/banned.h"

/* Response header of each content header, and the parameter that overrides it. */
static const struct {
    enum content_header content;
    const char *name;
    const char *override;
} CONTENT_HEADERS[] = {
    {CONTENT_TYPE, "Content-Type", "response-content-type"},
    {CACHE_CONTROL, "Cache-Control", "response-cache-control"},
    {CONTENT_DISPOSITION, "Content-Disposition", "response-content-disposition"},
    {CONTENT_ENCODING, "Content-Encoding", "response-content-encoding"},
    {CONTENT_LANGUAGE, "Content-Language", "response-content-language"},
    {EXPIRES, "Expires", "response-expires"},
    {WEBSITE_REDIRECT, "x-amz-website-redirect-location", NULL},
};

/* An override becomes a header: line breaks and other controls would end it. */
static enum status
check_overrides(const struct s3_request *request, struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(CONTENT_HEADERS) && request->route.query.count != 0; i++) {
        const char *name = CONTENT_HEADERS[i].override;
        struct bytes value =
            name != NULL ? s3_query_value(&request->route.query, name) : BYTES_NONE;

        for (size_t at = 0; at < value.size; at++) {
            unsigned char c = (unsigned char)value.data[at];

            if ((c < 0x20 && c != '\t') || c == 0x7F) {
                return fail_as(err, ST_INVALID, "InvalidArgument",
                               "The parameter %s contains a control character.", name);
            }
        }
    }
    return ST_OK;
}

static enum status
read_options(const struct s3_request *request, struct object_get_options *ret_options,
             struct error *err)
{
    struct object_get_options options = {
        .key = request->route.key,
        .conditions = s3_conditions_of_read(&request->headers),
        .is_head = bytes_equal_string(request->http->method, "HEAD"),
        .mode = request->mode,
    };
    struct bytes range = request->headers.values[S3_RANGE];
    enum status st = s3_request_check_version(request, err);

    if (st == ST_OK) {
        st = s3_attributes_refuse_customer_key(&request->headers, err);
    }
    if (st == ST_OK) {
        st = check_overrides(request, err);
    }
    if (st == ST_OK && s3_query_find(&request->route.query, "partNumber") != NULL) {
        st = s3_request_part_number(request, &options.part_number, err);
        if (st == ST_OK && range.data != NULL) {
            return fail_as(err, ST_INVALID, "InvalidRequest",
                           "Cannot specify both Range header and partNumber query parameter.");
        }
    }
    if (st == ST_OK && range.data != NULL) {
        options.range = s3_range_parse(range);
    }
    *ret_options = options;
    return st;
}

static void
reply_date(struct s3_request *request, const struct object_record *record)
{
    char *date = arena_alloc(request->arena, HTTP_DATE_SIZE + 1);

    http_date_format(record->created_ns / CLOCK_NS_PER_S, date);
    s3_reply_header(request, "Last-Modified", bytes_of(date, HTTP_DATE_SIZE));
}

/* "bytes 0-9/100" */
static struct bytes
content_range(struct s3_request *request, const struct object_get_result *result)
{
    struct bytes first = s3_reply_number(request, result->offset);
    struct bytes last = s3_reply_number(request, result->offset + result->length - 1);
    struct bytes size = s3_reply_number(request, result->record.size);
    char *out = arena_alloc(request->arena, 8 + first.size + last.size + size.size);
    size_t at = 6;

    memcpy(out, "bytes ", 6);
    memcpy(out + at, first.data, first.size);
    at += first.size;
    out[at++] = '-';
    memcpy(out + at, last.data, last.size);
    at += last.size;
    out[at++] = '/';
    memcpy(out + at, size.data, size.size);
    return bytes_of(out, at + size.size);
}

static void
reply_attributes(struct s3_request *request, const struct object_attributes *attributes)
{
    bool has_overrides = request->route.query.count != 0;

    for (size_t i = 0; i < ARRAY_COUNT(CONTENT_HEADERS); i++) {
        struct bytes value = attributes->content[CONTENT_HEADERS[i].content];

        if (has_overrides && CONTENT_HEADERS[i].override != NULL) {
            struct bytes override =
                s3_query_value(&request->route.query, CONTENT_HEADERS[i].override);

            value = override.size != 0 ? override : value;
        }
        if (value.size == 0 && CONTENT_HEADERS[i].content == CONTENT_TYPE) {
            value = BYTES_LITERAL("binary/octet-stream");
        }
        if (value.size != 0) {
            s3_reply_header(request, CONTENT_HEADERS[i].name, value);
        }
    }
    for (size_t i = 0; i < attributes->metadata_count; i++) {
        const struct metadata_entry *entry = &attributes->metadata[i];
        char *name = arena_alloc(request->arena, 12 + entry->name.size);

        memcpy(name, "x-amz-meta-", 11);
        memcpy(name + 11, entry->name.data, entry->name.size);
        name[11 + entry->name.size] = '\0';
        s3_reply_header(request, name, entry->value);
    }
}

/* SPEC: S3 GetObject / x-amz-checksum-mode: ENABLED, of the whole object or of the part that was
 * asked for, never of a range. */
static void
reply_object_checksum(struct s3_request *request, const struct object_get_result *result,
                      const struct part_entry *part)
{
    struct bytes mode = request->headers.values[S3_CHECKSUM_MODE];
    struct checksum checksum;

    if (mode.data == NULL || !bytes_equal_ignore_case(mode, "ENABLED")) {
        return;
    }
    if (part != NULL) {
        checksum = part->checksum;
        checksum.type = result->record.checksum.type;
        s3_reply_checksum(request, &checksum, 0, true);
    } else if (!result->is_partial) {
        s3_reply_checksum(request, &result->record.checksum, result->record.part_count, true);
    }
}

/* part: NULL unless the request has a part number. */
static void
reply_found(struct s3_request *request, const struct part_entry *part,
            struct object_get_result *result)
{
    const struct object_record *record = &result->record;

    reply_date(request, record);
    s3_reply_header(request, "ETag", s3_reply_quoted(request, record->etag));
    s3_reply_header(request, "Accept-Ranges", BYTES_LITERAL("bytes"));
    reply_attributes(request, &record->attributes);
    reply_object_checksum(request, result, part);
    if (part != NULL && record->part_count != 0) {
        s3_reply_header(request, "x-amz-mp-parts-count",
                        s3_reply_number(request, record->part_count));
    }
    if (result->is_partial) {
        request->reply.http_status = 206;
        if (result->length != 0) {
            s3_reply_header(request, "Content-Range", content_range(request, result));
        }
    }
    request->reply.content_length = result->length;
    request->reply.has_content_length = true;
    request->reply.source = result->source;
    result->source = NULL;
}

/* SPEC: RFC 9110 section 15.4.5: what a 200 would have said of the validators. */
static void
reply_not_modified(struct s3_request *request, const struct object_record *record)
{
    reply_date(request, record);
    s3_reply_header(request, "ETag", s3_reply_quoted(request, record->etag));
    if (record->attributes.content[CACHE_CONTROL].size != 0) {
        s3_reply_header(request, "Cache-Control", record->attributes.content[CACHE_CONTROL]);
    }
    if (record->attributes.content[EXPIRES].size != 0) {
        s3_reply_header(request, "Expires", record->attributes.content[EXPIRES]);
    }
}

static enum status
reply_refused(struct s3_request *request, const struct object_get_options *options,
              const struct object_get_result *result, enum status st, struct error *err)
{
    if (st == ST_NOT_MODIFIED) {
        reply_not_modified(request, &result->record);
    } else if (st == ST_PRECONDITION) {
        request->reply.condition = s3_conditions_culprit(&options->conditions);
    } else if (st == ST_INVALID_RANGE) {
        request->reply.content_range = arena_printf_bytes(request->arena, "bytes */%llu",
                                                          (unsigned long long)result->record.size);
    } else if (st == ST_INVALID_PART) {
        return fail_as(err, st, "InvalidPartNumber",
                       "The requested partnumber is not satisfiable.");
    }
    return st;
}

/* SPEC: RFC 9110 section 13.1.5 / If-Range: strong comparison, else the whole object. */
static bool
holds_if_range(struct bytes if_range, const struct object_record *record)
{
    int64_t at_s;

    if (if_range.size >= 2 && if_range.data[0] == '"') {
        return bytes_equal(bytes_slice(if_range, 1, if_range.size - 1), record->etag) &&
               if_range.data[if_range.size - 1] == '"';
    }
    return http_date_parse(if_range, clock_wall_s(), &at_s) == ST_OK &&
           at_s == record->created_ns / CLOCK_NS_PER_S;
}

/* The n-th part of the object, with the number that it had in its upload; a number above
 * PART_NUMBER_MAX if there is none.  An object that was put at once is its only part. */
static enum status
find_part(struct s3_request *request, const struct object_get_result *found, uint32_t nth,
          struct part_entry *ret_part, struct error *err)
{
    const struct object_record *record = &found->record;
    struct part_entry *entries;
    size_t count;
    bool is_truncated;
    enum status st;

    if (record->part_count == 0 || nth > record->part_count) {
        ret_part->number = nth == 1 ? 1 : PART_NUMBER_MAX + 1;
        ret_part->checksum = record->checksum;
        return ST_OK;
    }
    if (request->mode == READ_NO_WAIT) {
        return ST_WOULD_WAIT;
    }
    st = object_get_parts(&request->bucket, found, 0, nth, request->arena, &entries, &count,
                          &is_truncated, err);
    if (st == ST_OK && count == nth) {
        *ret_part = entries[nth - 1];
    } else if (st == ST_OK) {
        ret_part->number = PART_NUMBER_MAX + 1;
    }
    return st;
}

/* SPEC: S3 GetObject / partNumber: readers go from 1 to x-amz-mp-parts-count, whatever the numbers
 * of the upload were.  If the object is replaced between the two looks, the second one wins and the
 * first is taken again. */
static enum status
get_part(struct s3_request *request, const struct object_get_options *options,
         struct object_get_result *ret_result, struct part_entry *ret_part, struct error *err)
{
    struct object_get_options look = *options;
    struct object_get_options get = *options;
    enum status st;

    look.part_number = 0;
    look.is_head = true;
    look.needs_parts = true;
    do {
        source_release(&ret_result->source);
        st = object_get(&request->bucket, &look, request->arena, ret_result, err);
        if (st == ST_OK) {
            struct seq seq = ret_result->record.seq;

            st = find_part(request, ret_result, options->part_number, ret_part, err);
            get.part_number = ret_part->number;
            if (st == ST_OK && get.part_number > PART_NUMBER_MAX) {
                return fail(err, ST_INVALID_PART, "There is no such part.");
            }
            if (st == ST_OK) {
                st = object_get(&request->bucket, &get, request->arena, ret_result, err);
            }
            if (st == ST_OK && seq_compare(seq, ret_result->record.seq) == 0) {
                return ST_OK;
            }
        }
    } while (st == ST_OK);
    return st;
}

enum status
s3_get_object(struct s3_request *request, struct error *err)
{
    struct bytes if_range = request->headers.values[S3_IF_RANGE];
    struct object_get_options options;
    struct object_get_result result = {.source = NULL};
    struct part_entry part = {0};
    enum status st = read_options(request, &options, err);

    if (st != ST_OK) {
        return st;
    }
    if (options.part_number != 0) {
        st = get_part(request, &options, &result, &part, err);
    } else {
        st = object_get(&request->bucket, &options, request->arena, &result, err);
    }
    if ((st == ST_OK || st == ST_INVALID_RANGE) && options.range.kind != RANGE_NONE &&
        if_range.data != NULL && !holds_if_range(if_range, &result.record)) {
        source_release(&result.source);
        options.range.kind = RANGE_NONE;
        st = object_get(&request->bucket, &options, request->arena, &result, err);
    }
    if (st == ST_OK) {
        reply_found(request, options.part_number != 0 ? &part : NULL, &result);
        return ST_OK;
    }
    return st == ST_WOULD_WAIT ? st : reply_refused(request, &options, &result, st, err);
}
