/* SPDX-License-Identifier: Apache-2.0 */
/* CreateMultipartUpload and AbortMultipartUpload.  SPEC: S3 CreateMultipartUpload. */
#include "base/check.h"
#include "base/xml_writer.h"
#include "object/multipart.h"
#include "object/object_route.h"
#include "s3/s3_attributes.h"
#include "s3/s3_handler.h"

#include "base/banned.h"

/* SPEC: S3 checking object integrity / COMPOSITE is the default where an algorithm has it,
 * CRC64NVME is FULL_OBJECT only, SHA1 and SHA256 are COMPOSITE only. */
static enum status
read_checksum(const struct s3_headers *headers, struct multipart_create_options *options,
              struct error *err)
{
    struct bytes algorithm = headers->values[S3_CHECKSUM_ALGORITHM];
    struct bytes type = headers->values[S3_CHECKSUM_TYPE];
    bool is_full_only;
    bool is_composite_only;
    enum status st;

    if (algorithm.data == NULL) {
        if (type.data != NULL) {
            return fail_as(err, ST_INVALID, "InvalidRequest",
                           "The x-amz-checksum-type header can only be used with the "
                           "x-amz-checksum-algorithm header.");
        }
        return ST_OK;
    }
    st = s3_checksum_parse_algorithm(algorithm, s3_header_name(S3_CHECKSUM_ALGORITHM),
                                     &options->checksum_algorithm, err);
    if (st != ST_OK) {
        return st;
    }
    is_full_only = options->checksum_algorithm == CHECKSUM_CRC64NVME;
    is_composite_only = options->checksum_algorithm == CHECKSUM_SHA1 ||
                        options->checksum_algorithm == CHECKSUM_SHA256;
    options->checksum_type = is_full_only ? CHECKSUM_FULL_OBJECT : CHECKSUM_COMPOSITE;
    if (type.data != NULL) {
        st = s3_checksum_parse_type(type, &options->checksum_type, err);
    }
    if (st == ST_OK && ((is_full_only && options->checksum_type == CHECKSUM_COMPOSITE) ||
                        (is_composite_only && options->checksum_type == CHECKSUM_FULL_OBJECT))) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The %s checksum type cannot be used with the %s checksum algorithm.",
                       s3_checksum_type_name(options->checksum_type),
                       s3_checksum_name(options->checksum_algorithm));
    }
    return st;
}

static void
reply_created(struct s3_request *request, const struct multipart_create_options *options,
              struct upload_id id)
{
    struct buffer out = BUFFER_INIT;

    xml_begin_document(&out, "InitiateMultipartUploadResult", S3_XMLNS);
    xml_element(&out, "Bucket", request->bucket.name);
    xml_element(&out, "Key", request->route.key);
    xml_element(&out, "UploadId",
                object_upload_name(request->s3->options.store, id, BYTES_NONE, request->arena));
    xml_close(&out, "InitiateMultipartUploadResult");
    s3_reply_xml(request, &out);
    if (options->checksum_algorithm != CHECKSUM_NONE) {
        s3_reply_header(request, "x-amz-checksum-algorithm",
                        bytes_of_string(s3_checksum_name(options->checksum_algorithm)));
        s3_reply_header(request, "x-amz-checksum-type",
                        bytes_of_string(s3_checksum_type_name(options->checksum_type)));
    }
}

enum status
s3_create_multipart_upload(struct s3_request *request, struct error *err)
{
    struct multipart_create_options options = {.key = request->route.key};
    struct upload_id id;
    enum status st = s3_attributes_refuse(&request->headers, err);

    if (st == ST_OK) {
        st = read_checksum(&request->headers, &options, err);
    }
    if (st == ST_OK) {
        st = s3_attributes_read(&request->headers, request->arena, &options.attributes, err);
    }
    if (st == ST_OK) {
        st = multipart_create(&request->bucket, &options, &id, err);
    }
    if (st == ST_OK) {
        reply_created(request, &options, id);
    }
    return st;
}

enum status
s3_abort_multipart_upload(struct s3_request *request, struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_IF_MATCH_INITIATED_TIME};
    struct upload_id id;
    enum status st = s3_headers_refuse(&request->headers, REFUSED, ARRAY_COUNT(REFUSED), err);

    if (st == ST_OK) {
        st = s3_request_upload_id(request, &id, err);
    }
    if (st == ST_OK) {
        st = multipart_abort(&request->bucket, request->route.key, id, err);
    }
    request->reply.http_status = 204;
    return st;
}
