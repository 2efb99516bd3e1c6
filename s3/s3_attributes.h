/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says about the object that it writes: content headers, user metadata, storage
 * class; and the refusal of what would be promised without being kept.  Any thread; results point
 * into the headers or the arena.
 */
#ifndef S3_S3_ATTRIBUTES_H
#define S3_S3_ATTRIBUTES_H

#include "base/arena.h"
#include "object/object_put.h"
#include "s3/s3_headers.h"

/* Content headers and metadata.  ST_INVALID (MetadataTooLarge, InvalidArgument). */
MUST_USE enum status s3_attributes_read(const struct s3_headers *headers, struct arena *arena,
                                        struct object_attributes *ret_attributes,
                                        struct error *err);
/* Writes of objects: canned ACL other than private, grants, tags, encryption, locks, redirects,
 * appends are ST_NOT_IMPLEMENTED; a storage class that is none is ST_INVALID
 * (InvalidStorageClass). */
MUST_USE enum status s3_attributes_refuse(const struct s3_headers *headers, struct error *err);
/* x-amz-acl and x-amz-grant-*: only what is true anyway. */
MUST_USE enum status s3_attributes_refuse_acl(const struct s3_headers *headers, struct error *err);
/* SSE-C headers on reads and parts of objects that are not encrypted. */
MUST_USE enum status s3_attributes_refuse_customer_key(const struct s3_headers *headers,
                                                       struct error *err);

#endif
