/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_operation.h"

#include "base/check.h"
#include "s3/s3_request.h"

#include "base/banned.h"

/* What is the same for many rows. */
#define OF_BUCKET .target = S3_TARGET_BUCKET
#define OF_OBJECT .target = S3_TARGET_OBJECT
#define UNSET_OF_BUCKET                                                                            \
    OF_BUCKET, .action = ACTION_GET_BUCKET_CONFIGURATION, .is_tried_on_loop = true,                \
               .run = s3_unset_bucket_configuration
#define UNSET_OF_OBJECT                                                                            \
    OF_OBJECT, .action = ACTION_GET_OBJECT, .is_tried_on_loop = true,                              \
               .run = s3_unset_object_configuration

/* The names come from the list, the rest from here; a row that is missing is not implemented. */
static struct s3_operation operations[S3_OPERATION_COUNT] = {
    [S3_LIST_BUCKETS] = {.run = s3_list_buckets},
    [S3_CREATE_BUCKET] = {.target = S3_TARGET_BUCKET_NAME,
                          .body = S3_BODY_WHOLE,
                          .body_size_max = S3_BODY_CONFIGURATION_BYTES_MAX,
                          .has_checksum_of_body = true,
                          .run = s3_create_bucket},
    [S3_HEAD_BUCKET] = {OF_BUCKET, .action = ACTION_LIST_BUCKET, .is_tried_on_loop = true,
                        .run = s3_head_bucket},
    [S3_DELETE_BUCKET] = {OF_BUCKET, .action = ACTION_DELETE_BUCKET, .run = s3_delete_bucket},
    [S3_GET_BUCKET_LOCATION] = {OF_BUCKET, .action = ACTION_GET_BUCKET_LOCATION,
                                .is_tried_on_loop = true, .run = s3_get_bucket_location},

    [S3_LIST_OBJECTS] = {OF_BUCKET, .action = ACTION_LIST_BUCKET, .run = s3_list_objects},
    [S3_LIST_OBJECTS_V2] = {OF_BUCKET, .action = ACTION_LIST_BUCKET, .run = s3_list_objects_v2},
    [S3_LIST_OBJECT_VERSIONS] = {OF_BUCKET, .action = ACTION_LIST_BUCKET_VERSIONS,
                                 .run = s3_list_object_versions},

    [S3_PUT_OBJECT] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .body = S3_BODY_STREAMED,
                       .prepare = s3_put_object_prepare, .run = s3_put_object},
    [S3_GET_OBJECT] = {OF_OBJECT, .action = ACTION_GET_OBJECT, .is_tried_on_loop = true,
                       .run = s3_get_object},
    [S3_HEAD_OBJECT] = {OF_OBJECT, .action = ACTION_GET_OBJECT, .is_tried_on_loop = true,
                        .run = s3_get_object},
    [S3_DELETE_OBJECT] = {OF_OBJECT, .action = ACTION_DELETE_OBJECT, .run = s3_delete_object},
    [S3_DELETE_OBJECTS] = {OF_BUCKET, .action = ACTION_DELETE_OBJECT, .body = S3_BODY_WHOLE,
                           .body_size_max = S3_BODY_DELETE_BYTES_MAX, .has_checksum_of_body = true,
                           .needs_digest = true, .run = s3_delete_objects},
    [S3_COPY_OBJECT] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .run = s3_copy_object},
    [S3_GET_OBJECT_ATTRIBUTES] = {OF_OBJECT, .action = ACTION_GET_OBJECT_ATTRIBUTES,
                                  .run = s3_get_object_attributes},

    [S3_CREATE_MULTIPART_UPLOAD] = {OF_OBJECT, .action = ACTION_PUT_OBJECT,
                                    .run = s3_create_multipart_upload},
    [S3_UPLOAD_PART] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .body = S3_BODY_STREAMED,
                        .prepare = s3_upload_part_prepare, .run = s3_upload_part},
    [S3_UPLOAD_PART_COPY] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .run = s3_upload_part_copy},
    [S3_COMPLETE_MULTIPART_UPLOAD] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .body = S3_BODY_WHOLE,
                                      .body_size_max = S3_BODY_COMPLETE_BYTES_MAX,
                                      .run = s3_complete_multipart_upload},
    [S3_ABORT_MULTIPART_UPLOAD] = {OF_OBJECT, .action = ACTION_ABORT_UPLOAD,
                                   .run = s3_abort_multipart_upload},
    [S3_LIST_PARTS] = {OF_OBJECT, .action = ACTION_LIST_PARTS, .run = s3_list_parts},
    [S3_LIST_MULTIPART_UPLOADS] = {OF_BUCKET, .action = ACTION_LIST_BUCKET_UPLOADS,
                                   .run = s3_list_multipart_uploads},

    [S3_GET_BUCKET_ABAC] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_ACL] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_OWNERSHIP_CONTROLS] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_POLICY] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_POLICY_STATUS] = {UNSET_OF_BUCKET},
    [S3_GET_PUBLIC_ACCESS_BLOCK] = {UNSET_OF_BUCKET},
    [S3_GET_OBJECT_LOCK_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_TAGGING] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_ACCELERATE_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_CORS] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_ENCRYPTION] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_LIFECYCLE_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_LOGGING] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_NOTIFICATION_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_REPLICATION] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_REQUEST_PAYMENT] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_VERSIONING] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_WEBSITE] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_ANALYTICS_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_LIST_BUCKET_ANALYTICS_CONFIGURATIONS] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_TIERING_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_LIST_BUCKET_TIERING_CONFIGURATIONS] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_INVENTORY_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_LIST_BUCKET_INVENTORY_CONFIGURATIONS] = {UNSET_OF_BUCKET},
    [S3_GET_BUCKET_METRICS_CONFIGURATION] = {UNSET_OF_BUCKET},
    [S3_LIST_BUCKET_METRICS_CONFIGURATIONS] = {UNSET_OF_BUCKET},

    [S3_GET_OBJECT_ACL] = {UNSET_OF_OBJECT},
    [S3_GET_OBJECT_LEGAL_HOLD] = {UNSET_OF_OBJECT},
    [S3_GET_OBJECT_RETENTION] = {UNSET_OF_OBJECT},
    [S3_GET_OBJECT_TAGGING] = {UNSET_OF_OBJECT},
};

static const char *const NAMES[S3_OPERATION_COUNT] = {
#define S3_OPERATION_NAME(id, name) name,
    S3_OPERATION_LIST(S3_OPERATION_NAME)
#undef S3_OPERATION_NAME
};

__attribute__((constructor)) static void
fill_names(void)
{
    for (size_t i = 0; i < S3_OPERATION_COUNT; i++) {
        operations[i].name = NAMES[i];
    }
}

const struct s3_operation *
s3_operation_get(enum s3_operation_id id)
{
    CHECK(id < S3_OPERATION_COUNT);
    return &operations[id];
}
