/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May they?  A decision over a struct of facts.  For now: root may do everything, a bucket belongs
 * to the user that created it, others are refused.  ST_NEED_FACT is reserved for policies over
 * facts that only a record has; object/ asks again inside the operation.
 */
#ifndef AUTH_AUTHORIZE_H
#define AUTH_AUTHORIZE_H

#include "auth/principal.h"
#include "base/status.h"

/* X(name, the action's name in S3 policies) */
#define ACTION_LIST(X)                                                                             \
    X(ACTION_LIST_ALL_MY_BUCKETS, "s3:ListAllMyBuckets")                                           \
    X(ACTION_CREATE_BUCKET, "s3:CreateBucket")                                                     \
    X(ACTION_DELETE_BUCKET, "s3:DeleteBucket")                                                     \
    X(ACTION_LIST_BUCKET, "s3:ListBucket")                                                         \
    X(ACTION_GET_BUCKET_LOCATION, "s3:GetBucketLocation")                                          \
    X(ACTION_GET_BUCKET_CONFIGURATION, "s3:GetBucketConfiguration")                                \
    X(ACTION_PUT_BUCKET_CONFIGURATION, "s3:PutBucketConfiguration")                                \
    X(ACTION_LIST_BUCKET_VERSIONS, "s3:ListBucketVersions")                                        \
    X(ACTION_LIST_BUCKET_UPLOADS, "s3:ListBucketMultipartUploads")                                 \
    X(ACTION_GET_OBJECT, "s3:GetObject")                                                           \
    X(ACTION_PUT_OBJECT, "s3:PutObject")                                                           \
    X(ACTION_DELETE_OBJECT, "s3:DeleteObject")                                                     \
    X(ACTION_GET_OBJECT_ATTRIBUTES, "s3:GetObjectAttributes")                                      \
    X(ACTION_ABORT_UPLOAD, "s3:AbortMultipartUpload")                                              \
    X(ACTION_LIST_PARTS, "s3:ListMultipartUploadParts")                                            \
    X(ACTION_ADMINISTER_USERS, "iam:*")                                                            \
    X(ACTION_ADMINISTER_NODE, "lode:Administer")

enum action {
#define ACTION_ENUM(name, text) name,
    ACTION_LIST(ACTION_ENUM)
#undef ACTION_ENUM
        ACTION_COUNT
};

const char *action_name(enum action action);

struct authorize_facts {
    const struct principal *principal;
    enum action action;
    struct bytes bucket;       /* empty: none involved */
    struct bytes bucket_owner; /* user id */
};

/* ST_DENIED with a sentence that names the action. */
MUST_USE enum status authorize(const struct authorize_facts *facts, struct error *err);

#endif
