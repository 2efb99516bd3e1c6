/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of S3's operations: every action of its model, with what the flow in s3_dialect.c needs
 * to know before it calls the operation.  The functions stand in s3/s3_handler.h.
 */
#ifndef S3_S3_OPERATION_H
#define S3_S3_OPERATION_H

#include "auth/authorize.h"
#include "base/bytes.h"
#include "base/load.h"
#include "base/status.h"

/* SPEC: S3 API model 2006-03-01, all current actions, and two that no SDK models.
 * X(identifier, name) */
#define S3_OPERATION_LIST(X)                                                                       \
    X(S3_LIST_BUCKETS, "ListBuckets")                                                              \
    X(S3_CREATE_BUCKET, "CreateBucket")                                                            \
    X(S3_HEAD_BUCKET, "HeadBucket")                                                                \
    X(S3_DELETE_BUCKET, "DeleteBucket")                                                            \
    X(S3_GET_BUCKET_LOCATION, "GetBucketLocation")                                                 \
    X(S3_LIST_DIRECTORY_BUCKETS, "ListDirectoryBuckets")                                           \
    X(S3_CREATE_SESSION, "CreateSession")                                                          \
    X(S3_LIST_OBJECTS, "ListObjects")                                                              \
    X(S3_LIST_OBJECTS_V2, "ListObjectsV2")                                                         \
    X(S3_LIST_OBJECT_VERSIONS, "ListObjectVersions")                                               \
    X(S3_PUT_OBJECT, "PutObject")                                                                  \
    X(S3_GET_OBJECT, "GetObject")                                                                  \
    X(S3_HEAD_OBJECT, "HeadObject")                                                                \
    X(S3_DELETE_OBJECT, "DeleteObject")                                                            \
    X(S3_DELETE_OBJECTS, "DeleteObjects")                                                          \
    X(S3_COPY_OBJECT, "CopyObject")                                                                \
    X(S3_GET_OBJECT_ATTRIBUTES, "GetObjectAttributes")                                             \
    X(S3_RENAME_OBJECT, "RenameObject")                                                            \
    X(S3_RESTORE_OBJECT, "RestoreObject")                                                          \
    X(S3_SELECT_OBJECT_CONTENT, "SelectObjectContent")                                             \
    X(S3_GET_OBJECT_TORRENT, "GetObjectTorrent")                                                   \
    X(S3_CREATE_MULTIPART_UPLOAD, "CreateMultipartUpload")                                         \
    X(S3_UPLOAD_PART, "UploadPart")                                                                \
    X(S3_UPLOAD_PART_COPY, "UploadPartCopy")                                                       \
    X(S3_COMPLETE_MULTIPART_UPLOAD, "CompleteMultipartUpload")                                     \
    X(S3_ABORT_MULTIPART_UPLOAD, "AbortMultipartUpload")                                           \
    X(S3_LIST_PARTS, "ListParts")                                                                  \
    X(S3_LIST_MULTIPART_UPLOADS, "ListMultipartUploads")                                           \
    X(S3_POST_OBJECT, "PostObject")                                                                \
    X(S3_OPTIONS, "OptionsPreflight")                                                              \
    X(S3_GET_BUCKET_ABAC, "GetBucketAbac")                                                         \
    X(S3_PUT_BUCKET_ABAC, "PutBucketAbac")                                                         \
    X(S3_GET_BUCKET_ACL, "GetBucketAcl")                                                           \
    X(S3_PUT_BUCKET_ACL, "PutBucketAcl")                                                           \
    X(S3_DELETE_BUCKET_OWNERSHIP_CONTROLS, "DeleteBucketOwnershipControls")                        \
    X(S3_GET_BUCKET_OWNERSHIP_CONTROLS, "GetBucketOwnershipControls")                              \
    X(S3_PUT_BUCKET_OWNERSHIP_CONTROLS, "PutBucketOwnershipControls")                              \
    X(S3_DELETE_BUCKET_POLICY, "DeleteBucketPolicy")                                               \
    X(S3_GET_BUCKET_POLICY, "GetBucketPolicy")                                                     \
    X(S3_PUT_BUCKET_POLICY, "PutBucketPolicy")                                                     \
    X(S3_GET_BUCKET_POLICY_STATUS, "GetBucketPolicyStatus")                                        \
    X(S3_GET_OBJECT_ACL, "GetObjectAcl")                                                           \
    X(S3_PUT_OBJECT_ACL, "PutObjectAcl")                                                           \
    X(S3_DELETE_PUBLIC_ACCESS_BLOCK, "DeletePublicAccessBlock")                                    \
    X(S3_GET_PUBLIC_ACCESS_BLOCK, "GetPublicAccessBlock")                                          \
    X(S3_PUT_PUBLIC_ACCESS_BLOCK, "PutPublicAccessBlock")                                          \
    X(S3_GET_OBJECT_LEGAL_HOLD, "GetObjectLegalHold")                                              \
    X(S3_PUT_OBJECT_LEGAL_HOLD, "PutObjectLegalHold")                                              \
    X(S3_GET_OBJECT_LOCK_CONFIGURATION, "GetObjectLockConfiguration")                              \
    X(S3_PUT_OBJECT_LOCK_CONFIGURATION, "PutObjectLockConfiguration")                              \
    X(S3_GET_OBJECT_RETENTION, "GetObjectRetention")                                               \
    X(S3_PUT_OBJECT_RETENTION, "PutObjectRetention")                                               \
    X(S3_DELETE_BUCKET_TAGGING, "DeleteBucketTagging")                                             \
    X(S3_GET_BUCKET_TAGGING, "GetBucketTagging")                                                   \
    X(S3_PUT_BUCKET_TAGGING, "PutBucketTagging")                                                   \
    X(S3_DELETE_OBJECT_TAGGING, "DeleteObjectTagging")                                             \
    X(S3_GET_OBJECT_TAGGING, "GetObjectTagging")                                                   \
    X(S3_PUT_OBJECT_TAGGING, "PutObjectTagging")                                                   \
    X(S3_GET_BUCKET_ACCELERATE_CONFIGURATION, "GetBucketAccelerateConfiguration")                  \
    X(S3_PUT_BUCKET_ACCELERATE_CONFIGURATION, "PutBucketAccelerateConfiguration")                  \
    X(S3_DELETE_BUCKET_CORS, "DeleteBucketCors")                                                   \
    X(S3_GET_BUCKET_CORS, "GetBucketCors")                                                         \
    X(S3_PUT_BUCKET_CORS, "PutBucketCors")                                                         \
    X(S3_DELETE_BUCKET_ENCRYPTION, "DeleteBucketEncryption")                                       \
    X(S3_GET_BUCKET_ENCRYPTION, "GetBucketEncryption")                                             \
    X(S3_PUT_BUCKET_ENCRYPTION, "PutBucketEncryption")                                             \
    X(S3_DELETE_BUCKET_LIFECYCLE, "DeleteBucketLifecycle")                                         \
    X(S3_GET_BUCKET_LIFECYCLE_CONFIGURATION, "GetBucketLifecycleConfiguration")                    \
    X(S3_PUT_BUCKET_LIFECYCLE_CONFIGURATION, "PutBucketLifecycleConfiguration")                    \
    X(S3_GET_BUCKET_LOGGING, "GetBucketLogging")                                                   \
    X(S3_PUT_BUCKET_LOGGING, "PutBucketLogging")                                                   \
    X(S3_GET_BUCKET_NOTIFICATION_CONFIGURATION, "GetBucketNotificationConfiguration")              \
    X(S3_PUT_BUCKET_NOTIFICATION_CONFIGURATION, "PutBucketNotificationConfiguration")              \
    X(S3_DELETE_BUCKET_REPLICATION, "DeleteBucketReplication")                                     \
    X(S3_GET_BUCKET_REPLICATION, "GetBucketReplication")                                           \
    X(S3_PUT_BUCKET_REPLICATION, "PutBucketReplication")                                           \
    X(S3_GET_BUCKET_REQUEST_PAYMENT, "GetBucketRequestPayment")                                    \
    X(S3_PUT_BUCKET_REQUEST_PAYMENT, "PutBucketRequestPayment")                                    \
    X(S3_GET_BUCKET_VERSIONING, "GetBucketVersioning")                                             \
    X(S3_PUT_BUCKET_VERSIONING, "PutBucketVersioning")                                             \
    X(S3_DELETE_BUCKET_WEBSITE, "DeleteBucketWebsite")                                             \
    X(S3_GET_BUCKET_WEBSITE, "GetBucketWebsite")                                                   \
    X(S3_PUT_BUCKET_WEBSITE, "PutBucketWebsite")                                                   \
    X(S3_DELETE_BUCKET_ANALYTICS_CONFIGURATION, "DeleteBucketAnalyticsConfiguration")              \
    X(S3_GET_BUCKET_ANALYTICS_CONFIGURATION, "GetBucketAnalyticsConfiguration")                    \
    X(S3_PUT_BUCKET_ANALYTICS_CONFIGURATION, "PutBucketAnalyticsConfiguration")                    \
    X(S3_LIST_BUCKET_ANALYTICS_CONFIGURATIONS, "ListBucketAnalyticsConfigurations")                \
    X(S3_DELETE_BUCKET_TIERING_CONFIGURATION, "DeleteBucketIntelligentTieringConfiguration")       \
    X(S3_GET_BUCKET_TIERING_CONFIGURATION, "GetBucketIntelligentTieringConfiguration")             \
    X(S3_PUT_BUCKET_TIERING_CONFIGURATION, "PutBucketIntelligentTieringConfiguration")             \
    X(S3_LIST_BUCKET_TIERING_CONFIGURATIONS, "ListBucketIntelligentTieringConfigurations")         \
    X(S3_DELETE_BUCKET_INVENTORY_CONFIGURATION, "DeleteBucketInventoryConfiguration")              \
    X(S3_GET_BUCKET_INVENTORY_CONFIGURATION, "GetBucketInventoryConfiguration")                    \
    X(S3_PUT_BUCKET_INVENTORY_CONFIGURATION, "PutBucketInventoryConfiguration")                    \
    X(S3_LIST_BUCKET_INVENTORY_CONFIGURATIONS, "ListBucketInventoryConfigurations")                \
    X(S3_DELETE_BUCKET_METRICS_CONFIGURATION, "DeleteBucketMetricsConfiguration")                  \
    X(S3_GET_BUCKET_METRICS_CONFIGURATION, "GetBucketMetricsConfiguration")                        \
    X(S3_PUT_BUCKET_METRICS_CONFIGURATION, "PutBucketMetricsConfiguration")                        \
    X(S3_LIST_BUCKET_METRICS_CONFIGURATIONS, "ListBucketMetricsConfigurations")                    \
    X(S3_DELETE_BUCKET_METADATA_CONFIGURATION, "DeleteBucketMetadataConfiguration")                \
    X(S3_GET_BUCKET_METADATA_CONFIGURATION, "GetBucketMetadataConfiguration")                      \
    X(S3_DELETE_BUCKET_METADATA_TABLE, "DeleteBucketMetadataTableConfiguration")                   \
    X(S3_GET_BUCKET_METADATA_TABLE, "GetBucketMetadataTableConfiguration")                         \
    X(S3_CREATE_BUCKET_METADATA_CONFIGURATION, "CreateBucketMetadataConfiguration")                \
    X(S3_CREATE_BUCKET_METADATA_TABLE, "CreateBucketMetadataTableConfiguration")                   \
    X(S3_DELETE_OBJECT_ANNOTATION, "DeleteObjectAnnotation")                                       \
    X(S3_GET_OBJECT_ANNOTATION, "GetObjectAnnotation")                                             \
    X(S3_PUT_OBJECT_ANNOTATION, "PutObjectAnnotation")                                             \
    X(S3_LIST_OBJECT_ANNOTATIONS, "ListObjectAnnotations")                                         \
    X(S3_UPDATE_METADATA_ANNOTATION_TABLE, "UpdateBucketMetadataAnnotationTableConfiguration")     \
    X(S3_UPDATE_METADATA_INVENTORY_TABLE, "UpdateBucketMetadataInventoryTableConfiguration")       \
    X(S3_UPDATE_METADATA_JOURNAL_TABLE, "UpdateBucketMetadataJournalTableConfiguration")           \
    X(S3_UPDATE_OBJECT_ENCRYPTION, "UpdateObjectEncryption")                                       \
    X(S3_WRITE_GET_OBJECT_RESPONSE, "WriteGetObjectResponse")

enum s3_operation_id {
#define S3_OPERATION_ENUM(id, name) id,
    S3_OPERATION_LIST(S3_OPERATION_ENUM)
#undef S3_OPERATION_ENUM
        S3_OPERATION_COUNT
};

/* What the flow does before the operation: */
enum s3_target {
    S3_TARGET_SERVICE,     /* nothing */
    S3_TARGET_BUCKET_NAME, /* the operation resolves the bucket itself */
    S3_TARGET_BUCKET,      /* opens the bucket */
    S3_TARGET_OBJECT       /* opens the bucket; the key is checked */
};
enum s3_body {
    S3_BODY_NONE,    /* not read */
    S3_BODY_WHOLE,   /* in memory, its digests checked: request->body */
    S3_BODY_STREAMED /* through a sink that prepare makes */
};

/* Bodies in memory.  SPEC: S3 DeleteObjects / 1,000 keys of 1,024 bytes, escaped. */
#define S3_BODY_DELETE_BYTES_MAX ((size_t)2 << 20)
/* 10,000 parts with number, ETag and a checksum. */
#define S3_BODY_COMPLETE_BYTES_MAX ((size_t)4 << 20)
/* CreateBucketConfiguration is small. */
#define S3_BODY_CONFIGURATION_BYTES_MAX ((size_t)64 << 10)

struct s3_operation {
    const char *name;
    bool is_implemented; /* false: 501, and nothing else is set */
    enum s3_target target;
    enum action action; /* S3_TARGET_BUCKET and _OBJECT */
    enum s3_body body;
    size_t body_size_max;       /* S3_BODY_WHOLE */
    bool has_checksum_of_body;  /* x-amz-checksum-* is of the body, not of an object */
    bool needs_digest;          /* Content-MD5 or a checksum is required */
    bool is_tried_on_loop;      /* first with READ_NO_WAIT */
    enum load_class load_class; /* of what has bodies: LOAD_DATA; else small */
};

const struct s3_operation *s3_operation_get(enum s3_operation_id id);

#endif
