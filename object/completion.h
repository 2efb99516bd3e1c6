/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CompleteMultipartUpload makes of an upload and a request: the checked parts and the object
 * that they become.  Built by a worker, published by decide (object/multipart_complete.c).
 */
#ifndef OBJECT_COMPLETION_H
#define OBJECT_COMPLETION_H

#include "object/key_claim.h"
#include "object/multipart.h"
#include "object/upload_remove.h"

struct completion {
    const struct bucket *bucket;
    const struct multipart_complete_options *options;
    struct upload_ref ref;
    struct key_claim claim;
    struct arena arena;
    struct upload_record upload;
    struct part_record *existing; /* all parts of the upload, by number */
    size_t existing_count;
    const struct part_record **chosen; /* those of the request */
    struct part_entry *entries;        /* of the part table */
    uint64_t size;
    char etag[48];
    struct checksum checksum;
    struct extent *extents;
    size_t extent_count;
    struct object_record record;
    struct buffer encoded;        /* record */
    struct buffer encoded_upload; /* its completed state */
    bool is_stale;                /* decide found the upload changed */
};

/* What the request alone can be refused for. */
MUST_USE enum status completion_request_check(const struct multipart_complete_options *options,
                                              struct error *err);
/* Everything that does not depend on the order of commits.  bucket, options, ref and upload are
 * set. */
MUST_USE ON_WORKER enum status completion_build(struct completion *completion, struct error *err);
void completion_release(struct completion *completion);

#endif
