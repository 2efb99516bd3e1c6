/* SPDX-License-Identifier: Apache-2.0 */
/* PutObject.  SPEC: S3 PutObject; conditional writes. */
#include "s3/s3_attributes.h"
#include "s3/s3_conditions.h"
#include "s3/s3_handler.h"
#include "s3/s3_upload.h"

#include "base/banned.h"

enum status
s3_put_object_prepare(struct s3_request *request, struct sink **ret_sink, struct error *err)
{
    struct object_put_options options = {.key = request->route.key};
    enum status st = s3_attributes_refuse(&request->headers, err);

    if (st == ST_OK && s3_query_find(&request->route.query, "versionId") != NULL) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "This operation does not accept a version-id.");
    }
    if (st == ST_OK) {
        st = s3_conditions_of_write(&request->headers, request->s3->options.put_if_none_match_etag,
                                    &options.conditions, err);
    }
    if (st == ST_OK) {
        st = s3_attributes_read(&request->headers, request->arena, &options.attributes, err);
    }
    return st == ST_OK ? s3_upload_create(request, &options, ret_sink, err) : st;
}

enum status
s3_put_object(struct s3_request *request, struct error *err)
{
    struct object_conditions conditions;
    struct object_put_result result;
    enum status st = s3_upload_commit(request, &result, err);

    if (st == ST_PRECONDITION &&
        s3_conditions_of_write(&request->headers, true, &conditions, NULL) == ST_OK) {
        request->reply.condition = s3_conditions_culprit(&conditions);
    }
    if (st != ST_OK) {
        return st;
    }
    s3_reply_header(request, "ETag", s3_reply_quoted(request, bytes_of_string(result.etag)));
    s3_reply_checksum(request, &result.checksum, 0, true);
    return ST_OK;
}
