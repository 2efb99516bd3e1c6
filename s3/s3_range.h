/* SPDX-License-Identifier: Apache-2.0 */
/* Range and x-amz-copy-source-range.  Pure functions, any thread. */
#ifndef S3_S3_RANGE_H
#define S3_S3_RANGE_H

#include "object/object_get.h"

/* One range of bytes; RANGE_NONE for what is not understood or names several, which S3 ignores.
 * Numbers beyond 64 bits count as the greatest.  SPEC: RFC 9110 section 14.2, S3 GetObject. */
struct object_range s3_range_parse(struct bytes text);
/* "bytes=first-last" and nothing else.  ST_INVALID (InvalidArgument).
 * SPEC: S3 UploadPartCopy / x-amz-copy-source-range. */
MUST_USE enum status s3_range_parse_copy(struct bytes text, struct object_range *ret_range,
                                         struct error *err);

#endif
