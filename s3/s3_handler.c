/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_handler.h"

#include "base/check.h"

#include "base/banned.h"

static const struct s3_handler HANDLERS[S3_OPERATION_COUNT] = {
    [S3_LIST_BUCKETS] = {s3_list_buckets, NULL},
    [S3_CREATE_BUCKET] = {s3_create_bucket, NULL},
    [S3_HEAD_BUCKET] = {s3_head_bucket, NULL},
    [S3_DELETE_BUCKET] = {s3_delete_bucket, NULL},
    [S3_GET_BUCKET_LOCATION] = {s3_get_bucket_location, NULL},
    [S3_LIST_OBJECTS] = {s3_list_objects, NULL},
    [S3_LIST_OBJECTS_V2] = {s3_list_objects_v2, NULL},
    [S3_LIST_OBJECT_VERSIONS] = {s3_list_object_versions, NULL},
    [S3_PUT_OBJECT] = {s3_put_object, s3_put_object_prepare},
    [S3_GET_OBJECT] = {s3_get_object, NULL},
    [S3_HEAD_OBJECT] = {s3_get_object, NULL},
    [S3_DELETE_OBJECT] = {s3_delete_object, NULL},
    [S3_DELETE_OBJECTS] = {s3_delete_objects, NULL},
    [S3_COPY_OBJECT] = {s3_copy_object, NULL},
    [S3_GET_OBJECT_ATTRIBUTES] = {s3_get_object_attributes, NULL},
    [S3_CREATE_MULTIPART_UPLOAD] = {s3_create_multipart_upload, NULL},
    [S3_UPLOAD_PART] = {s3_upload_part, s3_upload_part_prepare},
    [S3_UPLOAD_PART_COPY] = {s3_upload_part_copy, NULL},
    [S3_COMPLETE_MULTIPART_UPLOAD] = {s3_complete_multipart_upload, NULL},
    [S3_ABORT_MULTIPART_UPLOAD] = {s3_abort_multipart_upload, NULL},
    [S3_LIST_PARTS] = {s3_list_parts, NULL},
    [S3_LIST_MULTIPART_UPLOADS] = {s3_list_multipart_uploads, NULL},
    [S3_PUT_BUCKET_ACL] = {s3_put_bucket_acl, NULL},
    [S3_PUT_OBJECT_ACL] = {s3_put_object_acl, NULL},
    [S3_GET_BUCKET_ABAC] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_ACL] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_OWNERSHIP_CONTROLS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_POLICY] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_POLICY_STATUS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_PUBLIC_ACCESS_BLOCK] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_OBJECT_LOCK_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_TAGGING] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_ACCELERATE_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_CORS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_ENCRYPTION] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_LIFECYCLE_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_LOGGING] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_NOTIFICATION_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_REPLICATION] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_REQUEST_PAYMENT] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_VERSIONING] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_WEBSITE] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_ANALYTICS_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_LIST_BUCKET_ANALYTICS_CONFIGURATIONS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_TIERING_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_LIST_BUCKET_TIERING_CONFIGURATIONS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_INVENTORY_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_LIST_BUCKET_INVENTORY_CONFIGURATIONS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_BUCKET_METRICS_CONFIGURATION] = {s3_unset_bucket_configuration, NULL},
    [S3_LIST_BUCKET_METRICS_CONFIGURATIONS] = {s3_unset_bucket_configuration, NULL},
    [S3_GET_OBJECT_ACL] = {s3_unset_object_configuration, NULL},
    [S3_GET_OBJECT_LEGAL_HOLD] = {s3_unset_object_configuration, NULL},
    [S3_GET_OBJECT_RETENTION] = {s3_unset_object_configuration, NULL},
    [S3_GET_OBJECT_TAGGING] = {s3_unset_object_configuration, NULL},
};

const struct s3_handler *
s3_handler_get(enum s3_operation_id id)
{
    CHECK(id < S3_OPERATION_COUNT);
    return &HANDLERS[id];
}

void
s3_handler_check(void)
{
    for (size_t i = 0; i < S3_OPERATION_COUNT; i++) {
        const struct s3_operation *operation = s3_operation_get((enum s3_operation_id)i);

        CHECK(operation->is_implemented == (HANDLERS[i].run != NULL));
        CHECK((operation->body == S3_BODY_STREAMED) == (HANDLERS[i].prepare != NULL));
    }
}
