/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a streamed body into an object or a part:
 *
 *   network -> s3_upload -> [aws-chunked] -> object_put
 *
 * The sink opens the object_put with the first bytes, on a worker, because opening may wait.
 *   s3_upload_create (loop) -> body -> s3_upload_commit (worker) -> released with the request
 */
#ifndef S3_S3_UPLOAD_H
#define S3_S3_UPLOAD_H

#include "object/object_put.h"
#include "s3/s3_request.h"

/* Adds size and expectation from the headers to options (borrowed members live in the arena).
 * ST_INVALID (MissingContentLength, EntityTooLarge, InvalidDigest, InvalidRequest...). */
MUST_USE enum status s3_upload_create(struct s3_request *request,
                                      const struct object_put_options *options,
                                      struct sink **ret_sink, struct error *err);
/* After the body's end. */
MUST_USE ON_WORKER enum status s3_upload_commit(struct s3_request *request,
                                                struct object_put_result *ret_result,
                                                struct error *err);

#endif
