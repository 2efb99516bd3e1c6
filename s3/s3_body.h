/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that was collected in memory: its coding taken off, its digests compared, before anything
 * reads it.  Any thread that may compute for some milliseconds (ON_WORKER).
 */
#ifndef S3_S3_BODY_H
#define S3_S3_BODY_H

#include "s3/s3_request.h"

/* Replaces request->body by its plain bytes.  ST_DIGEST_MISMATCH (BadDigest,
 * XAmzContentSHA256Mismatch), ST_INVALID (InvalidDigest, InvalidRequest), and those of
 * auth/aws_chunked.h. */
MUST_USE ON_WORKER enum status s3_body_check(struct s3_request *request, struct error *err);

/* For operations without a body: x-amz-content-sha256 must be that of no bytes. */
MUST_USE enum status s3_body_check_none(const struct s3_request *request, struct error *err);

#endif
