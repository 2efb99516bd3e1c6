/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET of a configuration that cannot be set yet answers what S3 says of one that was never set.
 * SPEC: S3 GetBucket*, GetObjectAcl, GetObjectTagging, GetObjectRetention, GetObjectLegalHold.
 */
#include "base/check.h"
#include "base/xml_writer.h"
#include "object/object_get.h"
#include "s3/s3_copy_source.h"
#include "s3/s3_handler.h"

#include "base/banned.h"

struct unset_row {
    enum s3_operation_id id;
    const char *code;     /* an error, or */
    const char *document; /* a document: root element and content */
    const char *message;
};

#define DOCUMENT(id, root, content)                                                                \
    {                                                                                              \
        id, NULL, "<" root " xmlns=\"" S3_XMLNS "\">" content "</" root ">", NULL                  \
    }
#define ERROR(id, code, message)                                                                   \
    {                                                                                              \
        id, code, NULL, message                                                                    \
    }

static const struct unset_row UNSET[] = {
    DOCUMENT(S3_GET_BUCKET_ABAC, "AbacStatus", "<Status>Disabled</Status>"),
    DOCUMENT(S3_GET_BUCKET_OWNERSHIP_CONTROLS, "OwnershipControls",
             "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"),
    ERROR(S3_GET_BUCKET_POLICY, "NoSuchBucketPolicy", "The bucket policy does not exist."),
    ERROR(S3_GET_BUCKET_POLICY_STATUS, "NoSuchBucketPolicy", "The bucket policy does not exist."),
    ERROR(S3_GET_PUBLIC_ACCESS_BLOCK, "NoSuchPublicAccessBlockConfiguration",
          "The public access block configuration was not found."),
    ERROR(S3_GET_OBJECT_LOCK_CONFIGURATION, "ObjectLockConfigurationNotFoundError",
          "Object Lock configuration does not exist for this bucket."),
    ERROR(S3_GET_BUCKET_TAGGING, "NoSuchTagSet", "The TagSet does not exist."),
    DOCUMENT(S3_GET_BUCKET_ACCELERATE_CONFIGURATION, "AccelerateConfiguration", ""),
    ERROR(S3_GET_BUCKET_CORS, "NoSuchCORSConfiguration", "The CORS configuration does not exist."),
    ERROR(S3_GET_BUCKET_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError",
          "The server side encryption configuration was not found."),
    ERROR(S3_GET_BUCKET_LIFECYCLE_CONFIGURATION, "NoSuchLifecycleConfiguration",
          "The lifecycle configuration does not exist."),
    DOCUMENT(S3_GET_BUCKET_LOGGING, "BucketLoggingStatus", ""),
    DOCUMENT(S3_GET_BUCKET_NOTIFICATION_CONFIGURATION, "NotificationConfiguration", ""),
    ERROR(S3_GET_BUCKET_REPLICATION, "ReplicationConfigurationNotFoundError",
          "The replication configuration was not found."),
    DOCUMENT(S3_GET_BUCKET_REQUEST_PAYMENT, "RequestPaymentConfiguration",
             "<Payer>BucketOwner</Payer>"),
    DOCUMENT(S3_GET_BUCKET_VERSIONING, "VersioningConfiguration", ""),
    ERROR(S3_GET_BUCKET_WEBSITE, "NoSuchWebsiteConfiguration",
          "The specified bucket does not have a website configuration."),
    ERROR(S3_GET_BUCKET_ANALYTICS_CONFIGURATION, "NoSuchConfiguration",
          "The specified configuration does not exist."),
    DOCUMENT(S3_LIST_BUCKET_ANALYTICS_CONFIGURATIONS, "ListBucketAnalyticsConfigurationResult",
             "<IsTruncated>false</IsTruncated>"),
    ERROR(S3_GET_BUCKET_TIERING_CONFIGURATION, "NoSuchConfiguration",
          "The specified configuration does not exist."),
    DOCUMENT(S3_LIST_BUCKET_TIERING_CONFIGURATIONS,
             "ListBucketIntelligentTieringConfigurationsOutput",
             "<IsTruncated>false</IsTruncated>"),
    ERROR(S3_GET_BUCKET_INVENTORY_CONFIGURATION, "NoSuchConfiguration",
          "The specified configuration does not exist."),
    DOCUMENT(S3_LIST_BUCKET_INVENTORY_CONFIGURATIONS, "ListInventoryConfigurationsResult",
             "<IsTruncated>false</IsTruncated>"),
    ERROR(S3_GET_BUCKET_METRICS_CONFIGURATION, "NoSuchConfiguration",
          "The specified configuration does not exist."),
    DOCUMENT(S3_LIST_BUCKET_METRICS_CONFIGURATIONS, "ListMetricsConfigurationsResult",
             "<IsTruncated>false</IsTruncated>"),
    ERROR(S3_GET_OBJECT_LEGAL_HOLD, "InvalidRequest",
          "Bucket is missing Object Lock Configuration."),
    ERROR(S3_GET_OBJECT_RETENTION, "InvalidRequest",
          "Bucket is missing Object Lock Configuration."),
    DOCUMENT(S3_GET_OBJECT_TAGGING, "Tagging", "<TagSet></TagSet>"),
};

/* SPEC: S3 GetBucketAcl, GetObjectAcl / the default: the owner may do everything. */
static enum status
answer_acl(struct s3_request *request, struct bytes owner)
{
    struct buffer out = BUFFER_INIT;

    xml_begin_document(&out, "AccessControlPolicy", S3_XMLNS);
    xml_open(&out, "Owner");
    xml_element(&out, "ID", owner);
    xml_element(&out, "DisplayName", owner);
    xml_close(&out, "Owner");
    xml_open(&out, "AccessControlList");
    xml_open(&out, "Grant");
    buffer_append_string(&out, "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                               "xsi:type=\"CanonicalUser\">");
    xml_element(&out, "ID", owner);
    xml_element(&out, "DisplayName", owner);
    xml_close(&out, "Grantee");
    xml_element_string(&out, "Permission", "FULL_CONTROL");
    xml_close(&out, "Grant");
    xml_close(&out, "AccessControlList");
    xml_close(&out, "AccessControlPolicy");
    s3_reply_xml(request, &out);
    return ST_OK;
}

static enum status
answer_row(struct s3_request *request, struct error *err)
{
    const struct unset_row *row = NULL;

    for (size_t i = 0; i < ARRAY_COUNT(UNSET); i++) {
        if (UNSET[i].id == request->route.id) {
            row = &UNSET[i];
        }
    }
    CHECK(row != NULL);
    if (row->code != NULL) {
        return fail_as(err, ST_NOT_FOUND, row->code, "%s", row->message);
    }
    request->reply.body = arena_printf_bytes(
        request->arena, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n%s", row->document);
    s3_reply_header(request, "Content-Type", BYTES_LITERAL("application/xml"));
    return ST_OK;
}

enum status
s3_unset_bucket_configuration(struct s3_request *request, struct error *err)
{
    if (request->route.id == S3_GET_BUCKET_ACL) {
        return answer_acl(request, request->bucket.owner);
    }
    return answer_row(request, err);
}

enum status
s3_unset_object_configuration(struct s3_request *request, struct error *err)
{
    const struct object_get_options options = {
        .key = request->route.key, .is_head = true, .mode = request->mode};
    struct object_get_result result = {.source = NULL};
    enum status st = s3_request_check_version(request, err);

    if (st == ST_OK) {
        st = object_get(&request->bucket, &options, request->arena, &result, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (request->route.id == S3_GET_OBJECT_ACL) {
        return answer_acl(request, result.record.owner);
    }
    return answer_row(request, err);
}
