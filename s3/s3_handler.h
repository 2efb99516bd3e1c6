/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of the operations, one file each.  ST_OK: request->reply is filled; anything else
 * becomes the error document.  Blocking is allowed unless request->mode is READ_NO_WAIT.
 */
#ifndef S3_S3_HANDLER_H
#define S3_S3_HANDLER_H

#include "s3/s3_request.h"

typedef enum status s3_operation_fn(struct s3_request *request, struct error *err);
/* S3_BODY_STREAMED: on the loop, before the body; the operation itself runs after its end. */
typedef enum status s3_prepare_fn(struct s3_request *request, struct sink **ret_sink,
                                  struct error *err);
s3_operation_fn s3_list_buckets;
s3_operation_fn s3_create_bucket;
s3_operation_fn s3_head_bucket;
s3_operation_fn s3_delete_bucket;
s3_operation_fn s3_get_bucket_location;
s3_operation_fn s3_list_objects;
s3_operation_fn s3_list_objects_v2;
s3_operation_fn s3_list_object_versions;
s3_operation_fn s3_put_bucket_acl;
s3_operation_fn s3_put_object_acl;
s3_prepare_fn s3_put_object_prepare;
s3_operation_fn s3_put_object;
s3_operation_fn s3_get_object;
s3_operation_fn s3_delete_object;
s3_operation_fn s3_delete_objects;
s3_operation_fn s3_copy_object;
s3_operation_fn s3_get_object_attributes;
s3_operation_fn s3_create_multipart_upload;
s3_prepare_fn s3_upload_part_prepare;
s3_operation_fn s3_upload_part;
s3_operation_fn s3_upload_part_copy;
s3_operation_fn s3_complete_multipart_upload;
s3_operation_fn s3_abort_multipart_upload;
s3_operation_fn s3_list_parts;
s3_operation_fn s3_list_multipart_uploads;
s3_operation_fn s3_unset_bucket_configuration;
s3_operation_fn s3_unset_object_configuration;

struct s3_handler {
    s3_operation_fn *run; /* NULL: not implemented */
    s3_prepare_fn *prepare;
};

const struct s3_handler *s3_handler_get(enum s3_operation_id id);
/* Our own consistency: a function for each row of s3/s3_operation.h that says so, and no other. */
void s3_handler_check(void);

#endif
