/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x-amz-copy-source: "[/]bucket/key[?versionId=null]", percent-encoded.  It is checked like any
 * path: dot segments are bytes of a key, never a way into another bucket.  Any thread.
 */
#ifndef S3_S3_COPY_SOURCE_H
#define S3_S3_COPY_SOURCE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

struct s3_copy_source {
    struct bytes bucket;
    struct bytes key;
};

/* ST_INVALID (InvalidArgument, KeyTooLongError), ST_NO_SUCH_VERSION. */
MUST_USE enum status s3_copy_source_parse(struct bytes text, struct arena *arena,
                                          struct s3_copy_source *ret_source, struct error *err);

/* The version of a request: data NULL or "null" is the object.  ST_NO_SUCH_VERSION for what could
 * be another's id, ST_INVALID (InvalidArgument) for the rest. */
MUST_USE enum status s3_version_check(struct bytes version_id, struct error *err);

#endif
