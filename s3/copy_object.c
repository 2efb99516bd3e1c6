/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CopyObject and UploadPartCopy.  The source's bucket is opened for the same principal before
 * anything is read of it.  SPEC: S3 CopyObject, UploadPartCopy.
 */
#include "object/object_copy.h"

#include "base/check.h"
#include "base/xml_writer.h"
#include "s3/s3_attributes.h"
#include "s3/s3_conditions.h"
#include "s3/s3_copy_source.h"
#include "s3/s3_handler.h"
#include "s3/s3_range.h"
#include "s3/s3_time.h"

#include "base/banned.h"

static enum status
open_source(const struct s3_request *request, const struct s3_copy_source *source,
            struct bucket *ret_bucket, struct error *err)
{
    struct bytes expected = request->headers.values[S3_SOURCE_EXPECTED_OWNER];
    enum status st = bucket_open(request->s3->options.store, request->authentication.principal,
                                 source->bucket, ACTION_GET_OBJECT, ret_bucket, err);

    if (st == ST_OK && expected.data != NULL && !bytes_equal(expected, ret_bucket->owner)) {
        bucket_close(ret_bucket);
        return fail(err, ST_DENIED,
                    "The bucket of the source does not belong to the owner named in "
                    "x-amz-source-expected-bucket-owner.");
    }
    return st;
}

static void
reply_copied(struct s3_request *request, const char *root, const struct object_copy_result *result)
{
    struct buffer out = BUFFER_INIT;
    char checksum[S3_CHECKSUM_TEXT_SIZE];

    xml_begin_document(&out, root, S3_XMLNS);
    xml_element(&out, "ETag", s3_reply_quoted(request, bytes_of_string(result->etag)));
    s3_time_element(&out, "LastModified", result->created_ns);
    if (result->checksum.algorithm != CHECKSUM_NONE) {
        xml_element(&out, s3_checksum_xml_name(result->checksum.algorithm),
                    s3_checksum_format(&result->checksum, 0, checksum));
        xml_element_string(&out, "ChecksumType", s3_checksum_type_name(result->checksum.type));
    }
    xml_close(&out, root);
    s3_reply_xml(request, &out);
}

static enum status
run_copy(struct s3_request *request, struct object_copy_options *options, const char *root,
         struct error *err)
{
    struct bucket bucket;
    struct s3_copy_source source;
    struct object_copy_result result;
    enum status st =
        s3_copy_source_parse(request->headers.values[S3_COPY_SOURCE], request->arena, &source, err);

    if (st == ST_OK) {
        st = open_source(request, &source, &bucket, err);
    }
    if (st != ST_OK) {
        return st;
    }
    options->key = request->route.key;
    options->source = &bucket;
    options->source_key = source.key;
    options->source_conditions = s3_conditions_of_source(&request->headers);
    st = object_copy(&request->bucket, options, &result, err);
    bucket_close(&bucket);
    if (st == ST_OK) {
        reply_copied(request, root, &result);
    }
    return st;
}

/* SPEC: S3 CopyObject / x-amz-metadata-directive: COPY (default) or REPLACE. */
static enum status
read_directive(const struct s3_request *request, struct object_copy_options *options,
               struct error *err)
{
    struct bytes directive = request->headers.values[S3_METADATA_DIRECTIVE];

    if (bytes_equal_string(directive, "REPLACE")) {
        options->replaces_attributes = true;
        return s3_attributes_read(&request->headers, request->arena, &options->attributes, err);
    }
    if (directive.data != NULL && !bytes_equal_string(directive, "COPY")) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "Unknown metadata directive: x-amz-metadata-directive must be COPY or "
                       "REPLACE.");
    }
    return ST_OK;
}

enum status
s3_copy_object(struct s3_request *request, struct error *err)
{
    struct object_copy_options options = {.range = {.kind = RANGE_NONE}};
    struct bytes algorithm = request->headers.values[S3_CHECKSUM_ALGORITHM];
    enum status st = s3_attributes_refuse(&request->headers, err);

    if (st == ST_OK) {
        st = s3_conditions_of_write(&request->headers, request->s3->options.put_if_none_match_etag,
                                    &options.conditions, err);
    }
    if (st == ST_OK && algorithm.data != NULL) {
        st = s3_checksum_parse_algorithm(algorithm, s3_header_name(S3_CHECKSUM_ALGORITHM),
                                         &options.checksum_algorithm, err);
    }
    if (st == ST_OK) {
        st = read_directive(request, &options, err);
    }
    return st == ST_OK ? run_copy(request, &options, "CopyObjectResult", err) : st;
}

enum status
s3_upload_part_copy(struct s3_request *request, struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_SSEC_ALGORITHM, S3_SSEC_KEY,
                                                S3_SSEC_KEY_MD5,   S3_COPY_SSEC_ALGORITHM,
                                                S3_COPY_SSEC_KEY,  S3_COPY_SSEC_KEY_MD5};
    struct object_copy_options options = {.range = {.kind = RANGE_NONE}};
    struct bytes range = request->headers.values[S3_COPY_SOURCE_RANGE];
    struct upload_id upload;
    enum status st = s3_request_part_number(request, &options.part_number, err);

    if (st == ST_OK) {
        st = s3_headers_refuse(&request->headers, REFUSED, ARRAY_COUNT(REFUSED), err);
    }
    if (st == ST_OK) {
        st = s3_request_upload_id(request, &upload, err);
    }
    if (st == ST_OK && range.data != NULL) {
        st = s3_range_parse_copy(range, &options.range, err);
    }
    options.upload = &upload;
    return st == ST_OK ? run_copy(request, &options, "CopyPartResult", err) : st;
}
