/* SPDX-License-Identifier: Apache-2.0 */
/* CompleteMultipartUpload.  SPEC: S3 CompleteMultipartUpload; conditional writes. */
#include "base/check.h"
#include "base/encode.h"
#include "base/xml_writer.h"
#include "object/multipart.h"
#include "s3/s3_conditions.h"
#include "s3/s3_error.h"
#include "s3/s3_handler.h"
#include "s3/s3_xml.h"

#include "base/banned.h"

static enum status
read_checksum(const struct s3_headers *headers, struct multipart_complete_options *options,
              struct error *err)
{
    struct bytes type = headers->values[S3_CHECKSUM_TYPE];
    enum status st = s3_checksum_of_request(headers, false, true, &options->checksum, err);

    if (st == ST_OK && type.data != NULL) {
        options->has_checksum_type = true;
        st = s3_checksum_parse_type(type, &options->checksum_type, err);
        if (st == ST_OK && options->checksum.algorithm != CHECKSUM_NONE) {
            options->checksum.type = options->checksum_type;
        }
    }
    return st;
}

static enum status
read_options(struct s3_request *request, struct multipart_complete_options *ret_options,
             struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_SSEC_ALGORITHM, S3_SSEC_KEY, S3_SSEC_KEY_MD5};
    struct multipart_complete_options options = {.key = request->route.key,
                                                 .size = OBJECT_SIZE_UNKNOWN};
    struct bytes size = request->headers.values[S3_MP_OBJECT_SIZE];
    struct s3_complete_document document;
    enum status st = s3_headers_refuse(&request->headers, REFUSED, ARRAY_COUNT(REFUSED), err);

    if (st == ST_OK) {
        st = s3_conditions_of_write(&request->headers, request->s3->options.put_if_none_match_etag,
                                    &options.conditions, err);
    }
    if (st == ST_OK && size.data != NULL &&
        bytes_parse_u64(size, OBJECT_BYTES_MAX, &options.size) != ST_OK) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The value of x-amz-mp-object-size must be the size of the object in "
                       "bytes.");
    }
    if (st == ST_OK) {
        st = read_checksum(&request->headers, &options, err);
    }
    if (st == ST_OK) {
        st = s3_xml_read_complete(request->body, request->arena, &document, err);
    }
    if (st == ST_OK) {
        st = s3_request_upload_id(request, &options.id, err);
    }
    if (st == ST_OK) {
        options.parts = document.parts;
        options.part_count = document.count;
        *ret_options = options;
    }
    return st;
}

/* The address under which this request reached the object. */
static void
append_location(struct buffer *out, const struct s3_request *request)
{
    struct buffer url = BUFFER_INIT;
    struct bytes host = request->http->host;
    bool is_virtual = host.size > request->bucket.name.size &&
                      bytes_has_prefix(host, request->bucket.name) &&
                      host.data[request->bucket.name.size] == '.';

    buffer_append_string(&url, request->http->is_tls ? "https://" : "http://");
    buffer_append_bytes(&url, host);
    buffer_append_char(&url, '/');
    if (!is_virtual) {
        encode_uri(request->bucket.name, true, &url);
        buffer_append_char(&url, '/');
    }
    encode_uri(request->route.key, true, &url);
    xml_element(out, "Location", s3_error_whole_utf8(buffer_bytes(&url)));
    buffer_release(&url);
}

static void
reply_completed(struct s3_request *request, const struct multipart_complete_options *options,
                const struct object_put_result *result)
{
    struct buffer out = BUFFER_INIT;
    char checksum[S3_CHECKSUM_TEXT_SIZE];

    xml_begin_document(&out, "CompleteMultipartUploadResult", S3_XMLNS);
    append_location(&out, request);
    xml_element(&out, "Bucket", request->bucket.name);
    xml_element(&out, "Key", request->route.key);
    xml_element(&out, "ETag", s3_reply_quoted(request, bytes_of_string(result->etag)));
    if (result->checksum.algorithm != CHECKSUM_NONE) {
        xml_element(&out, s3_checksum_xml_name(result->checksum.algorithm),
                    s3_checksum_format(&result->checksum, (uint32_t)options->part_count, checksum));
        xml_element_string(&out, "ChecksumType", s3_checksum_type_name(result->checksum.type));
    }
    xml_close(&out, "CompleteMultipartUploadResult");
    s3_reply_xml(request, &out);
}

enum status
s3_complete_multipart_upload(struct s3_request *request, struct error *err)
{
    struct multipart_complete_options options;
    struct object_put_result result;
    enum status st = read_options(request, &options, err);

    if (st != ST_OK) {
        return st;
    }
    st = multipart_complete(&request->bucket, &options, &result, err);
    if (st == ST_PRECONDITION) {
        request->reply.condition = s3_conditions_culprit(&options.conditions);
    }
    if (st == ST_OK) {
        reply_completed(request, &options, &result);
    }
    return st;
}
