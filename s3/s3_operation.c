/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_operation.h"

#include "base/check.h"

#include "base/banned.h"

/* What is the same for many rows. */
#define OF_BUCKET .is_implemented = true, .target = S3_TARGET_BUCKET
#define OF_OBJECT .is_implemented = true, .target = S3_TARGET_OBJECT
#define UNSET_OF_BUCKET                                                                            \
    OF_BUCKET, .action = ACTION_GET_BUCKET_CONFIGURATION, .is_tried_on_loop = true
#define UNSET_OF_OBJECT OF_OBJECT, .action = ACTION_GET_OBJECT, .is_tried_on_loop = true

/* The names come from the list, the rest from here; a row that is missing is not implemented. */
static struct s3_operation operations[S3_OPERATION_COUNT] = {
    [S3_LIST_BUCKETS] = {.is_implemented = true},
    [S3_CREATE_BUCKET] = {.is_implemented = true,
                          .target = S3_TARGET_BUCKET_NAME,
                          .body = S3_BODY_WHOLE,
                          .body_size_max = S3_BODY_CONFIGURATION_BYTES_MAX,
                          .has_checksum_of_body = true},
    [S3_HEAD_BUCKET] = {OF_BUCKET, .action = ACTION_LIST_BUCKET, .is_tried_on_loop = true},
    [S3_DELETE_BUCKET] = {OF_BUCKET, .action = ACTION_DELETE_BUCKET},
    [S3_GET_BUCKET_LOCATION] = {OF_BUCKET, .action = ACTION_GET_BUCKET_LOCATION,
                                .is_tried_on_loop = true},

    [S3_LIST_OBJECTS] = {OF_BUCKET, .action = ACTION_LIST_BUCKET},
    [S3_LIST_OBJECTS_V2] = {OF_BUCKET, .action = ACTION_LIST_BUCKET},
    [S3_LIST_OBJECT_VERSIONS] = {OF_BUCKET, .action = ACTION_LIST_BUCKET_VERSIONS},

    [S3_PUT_OBJECT] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .body = S3_BODY_STREAMED,
                       .load_class = LOAD_DATA},
    [S3_GET_OBJECT] = {OF_OBJECT, .action = ACTION_GET_OBJECT, .is_tried_on_loop = true,
                       .load_class = LOAD_DATA},
    [S3_HEAD_OBJECT] = {OF_OBJECT, .action = ACTION_GET_OBJECT, .is_tried_on_loop = true},
    [S3_DELETE_OBJECT] = {OF_OBJECT, .action = ACTION_DELETE_OBJECT},
    [S3_DELETE_OBJECTS] = {OF_BUCKET, .action = ACTION_DELETE_OBJECT, .body = S3_BODY_WHOLE,
                           .body_size_max = S3_BODY_DELETE_BYTES_MAX, .has_checksum_of_body = true,
                           .needs_digest = true},
    [S3_COPY_OBJECT] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .load_class = LOAD_DATA},
    [S3_GET_OBJECT_ATTRIBUTES] = {OF_OBJECT, .action = ACTION_GET_OBJECT_ATTRIBUTES},

    [S3_CREATE_MULTIPART_UPLOAD] = {OF_OBJECT, .action = ACTION_PUT_OBJECT},
    [S3_UPLOAD_PART] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .body = S3_BODY_STREAMED,
                        .load_class = LOAD_DATA},
    [S3_UPLOAD_PART_COPY] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .load_class = LOAD_DATA},
    [S3_COMPLETE_MULTIPART_UPLOAD] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .body = S3_BODY_WHOLE,
                                      .body_size_max = S3_BODY_COMPLETE_BYTES_MAX},
    [S3_ABORT_MULTIPART_UPLOAD] = {OF_OBJECT, .action = ACTION_ABORT_UPLOAD},
    [S3_LIST_PARTS] = {OF_OBJECT, .action = ACTION_LIST_PARTS},
    [S3_LIST_MULTIPART_UPLOADS] = {OF_BUCKET, .action = ACTION_LIST_BUCKET_UPLOADS},

    [S3_PUT_BUCKET_ACL] = {OF_BUCKET, .action = ACTION_PUT_BUCKET_CONFIGURATION,
                           .is_tried_on_loop = true},
    [S3_PUT_OBJECT_ACL] = {OF_OBJECT, .action = ACTION_PUT_OBJECT, .is_tried_on_loop = true},

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
