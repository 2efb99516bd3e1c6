/* SPDX-License-Identifier: Apache-2.0 */
/* HeadBucket, GetBucketLocation, DeleteBucket: all that is asked of a bucket as such. */
#include "base/check.h"
#include "base/xml_writer.h"
#include "s3/s3_handler.h"

#include "base/banned.h"

/* SPEC: S3 HeadBucket; x-lode-* as CreateBucket takes them. */
enum status
s3_head_bucket(struct s3_request *request, struct error *err)
{
    static const char *const DURABILITIES[] = {"strict", "relaxed", "none"};
    const struct bucket_properties *properties = &request->bucket.properties;

    s3_reply_header(request, "x-amz-bucket-region", request->s3->region);
    s3_reply_header(request, "x-amz-access-point-alias", BYTES_LITERAL("false"));
    s3_reply_header(request, "Content-Type", BYTES_LITERAL("application/xml"));
    s3_reply_header(request, "x-lode-durability",
                    bytes_of_string(DURABILITIES[properties->durability]));
    s3_reply_header(request, "x-lode-chunk-size",
                    s3_reply_number(request, properties->chunk_bytes));
    s3_reply_header(request, "x-lode-chunk-spread",
                    properties->chunk_spread == 0
                        ? BYTES_LITERAL("all")
                        : s3_reply_number(request, properties->chunk_spread));
    s3_reply_header(request, "x-lode-verify-read",
                    properties->verify_read ? BYTES_LITERAL("on") : BYTES_LITERAL("off"));
    return ST_OK;
}

/* SPEC: S3 GetBucketLocation / us-east-1 is the empty LocationConstraint. */
enum status
s3_get_bucket_location(struct s3_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;

    xml_begin_document(&out, "LocationConstraint", S3_XMLNS);
    if (!bytes_equal_string(request->s3->region, "us-east-1")) {
        xml_escape(&out, request->s3->region);
    }
    xml_close(&out, "LocationConstraint");
    s3_reply_xml(request, &out);
    return ST_OK;
}

enum status
s3_delete_bucket(struct s3_request *request, struct error *err)
{
    enum status st;

    /* It was opened to compare the expected owner; held open, it could not be removed. */
    bucket_close(&request->bucket);
    request->has_bucket = false;
    st = bucket_delete(request->s3->options.store, request->authentication.principal,
                       request->route.bucket, err);
    if (st == ST_CONFLICT && err != NULL) {
        err->dialect_code = "OperationAborted";
    }
    request->reply.http_status = 204;
    return st;
}
