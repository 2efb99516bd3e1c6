/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PutBucketAcl and PutObjectAcl: the canned ACL that everything has anyway is accepted, others are
 * not implemented.  SPEC: S3 PutBucketAcl, PutObjectAcl / x-amz-acl.
 */
#include "object/object_get.h"
#include "s3/s3_attributes.h"
#include "s3/s3_handler.h"

#include "base/banned.h"

static enum status
check_request(const struct s3_request *request, struct error *err)
{
    enum status st = s3_attributes_refuse_acl(&request->headers, err);

    if (st == ST_OK && (request->http->has_body || !s3_has_header(&request->headers, S3_ACL))) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "Access control lists are not implemented, except x-amz-acl: private without "
                    "a body.");
    }
    return st;
}

enum status
s3_put_bucket_acl(struct s3_request *request, struct error *err)
{
    return check_request(request, err);
}

enum status
s3_put_object_acl(struct s3_request *request, struct error *err)
{
    const struct object_get_options options = {
        .key = request->route.key, .is_head = true, .mode = request->mode};
    struct object_get_result result = {.source = NULL};
    enum status st = check_request(request, err);

    if (st == ST_OK) {
        st = s3_request_check_version(request, err);
    }
    return st == ST_OK ? object_get(&request->bucket, &options, request->arena, &result, err) : st;
}
