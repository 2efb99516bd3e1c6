/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional headers as object/object_conditions.h wants them.  Pure functions, any thread; what
 * they return points into the headers.
 */
#ifndef S3_S3_CONDITIONS_H
#define S3_S3_CONDITIONS_H

#include "object/object_conditions.h"
#include "s3/s3_headers.h"

/* GET and HEAD.  A date that is none is ignored (RFC 9110 section 13.1.3). */
struct object_conditions s3_conditions_of_read(const struct s3_headers *headers);
/* x-amz-copy-source-if-*. */
struct object_conditions s3_conditions_of_source(const struct s3_headers *headers);
/* PutObject, CopyObject, CompleteMultipartUpload.  SPEC: S3 conditional writes: If-Match with an
 * ETag, or If-None-Match: *; all else is ST_NOT_IMPLEMENTED, except that allows_etag lets an ETag
 * stand in If-None-Match. */
MUST_USE enum status s3_conditions_of_write(const struct s3_headers *headers, bool allows_etag,
                                            struct object_conditions *ret_conditions,
                                            struct error *err);
/* DeleteObject: If-Match only. */
MUST_USE enum status s3_conditions_of_delete(const struct s3_headers *headers,
                                             struct object_conditions *ret_conditions,
                                             struct error *err);
/* Which header failed, for the error document. */
struct bytes s3_conditions_culprit(const struct object_conditions *conditions);

#endif
