/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CopyObject and UploadPartCopy.  Inside one home chunk files are shared and small bytes copied,
 * between homes bytes are copied; the source is validated again at the commit.
 */
#ifndef OBJECT_OBJECT_COPY_H
#define OBJECT_OBJECT_COPY_H

#include "object/object_get.h"
#include "object/object_put.h"

struct object_copy_options {
    const struct bucket *source; /* opened for ACTION_GET_OBJECT */
    struct bytes source_key;
    struct object_conditions source_conditions;
    struct bytes key;
    struct object_conditions conditions; /* on the destination */
    bool replaces_attributes;            /* x-amz-metadata-directive: REPLACE */
    struct object_attributes attributes;
    enum checksum_algorithm checksum_algorithm; /* asked for; NONE: the source's */
    bool is_native; /* AIStore's: an ETag that is no MD5 stays, nothing is hashed for it */
    bool is_of_job; /* on a thread of a job, of which there are few: no request waits less for it */
    /* UploadPartCopy: */
    const struct upload_id *upload;
    uint32_t part_number;
    struct object_range range; /* must lie inside the source: ST_INVALID_RANGE */
};

struct object_copy_result {
    char etag[64];
    int64_t created_ns;
    struct checksum checksum;
    struct seq seq;
};

/* ST_NO_SUCH_KEY (source), ST_PRECONDITION, ST_INVALID (onto itself without a change),
 * ST_TOO_LARGE, ST_NO_SUCH_UPLOAD, ... */
MUST_USE ON_WORKER enum status object_copy(const struct bucket *destination,
                                           const struct object_copy_options *options,
                                           struct object_copy_result *ret_result,
                                           struct error *err);

#endif
