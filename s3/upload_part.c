/* SPDX-License-Identifier: Apache-2.0 */
/* UploadPart.  SPEC: S3 UploadPart. */
#include "base/check.h"
#include "s3/s3_attributes.h"
#include "s3/s3_handler.h"
#include "s3/s3_upload.h"

#include "base/banned.h"

enum status
s3_upload_part_prepare(struct s3_request *request, struct sink **ret_sink, struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_SSEC_ALGORITHM, S3_SSEC_KEY, S3_SSEC_KEY_MD5,
                                                S3_WRITE_OFFSET};
    struct upload_id *upload = arena_alloc(request->arena, sizeof(*upload));
    struct object_put_options options = {.key = request->route.key, .upload = upload};
    enum status st = s3_request_part_number(request, &options.part_number, err);

    if (st == ST_OK) {
        st = s3_headers_refuse(&request->headers, REFUSED, ARRAY_COUNT(REFUSED), err);
    }
    if (st == ST_OK) {
        st = s3_request_upload_id(request, upload, err);
    }
    return st == ST_OK ? s3_upload_create(request, &options, ret_sink, err) : st;
}

enum status
s3_upload_part(struct s3_request *request, struct error *err)
{
    struct object_put_result result;
    enum status st = s3_upload_commit(request, &result, err);

    if (st != ST_OK) {
        return st;
    }
    s3_reply_header(request, "ETag", s3_reply_quoted(request, bytes_of_string(result.etag)));
    s3_reply_checksum(request, &result.checksum, 0, false);
    return ST_OK;
}
