/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_route.h"

#include <stdio.h>

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

struct action_row {
    const char *name;
    const char *method;
    const char *path;
    const char *query;
    bool has_copy_source;
};

/* SPEC: S3 API model 2006-03-01: every current action with what it must send. */
static const struct action_row ACTIONS[] = {
    {"AbortMultipartUpload", "DELETE", "/bucket/a/key", "uploadId=7", false},
    {"CompleteMultipartUpload", "POST", "/bucket/a/key", "uploadId=7", false},
    {"CopyObject", "PUT", "/bucket/a/key", "", true},
    {"CreateBucket", "PUT", "/bucket", "", false},
    {"CreateBucketMetadataConfiguration", "POST", "/bucket", "metadataConfiguration", false},
    {"CreateBucketMetadataTableConfiguration", "POST", "/bucket", "metadataTable", false},
    {"CreateMultipartUpload", "POST", "/bucket/a/key", "uploads", false},
    {"CreateSession", "GET", "/bucket", "session", false},
    {"DeleteBucket", "DELETE", "/bucket", "", false},
    {"DeleteBucketAnalyticsConfiguration", "DELETE", "/bucket", "analytics&id=7", false},
    {"DeleteBucketCors", "DELETE", "/bucket", "cors", false},
    {"DeleteBucketEncryption", "DELETE", "/bucket", "encryption", false},
    {"DeleteBucketIntelligentTieringConfiguration", "DELETE", "/bucket", "intelligent-tiering&id=7",
     false},
    {"DeleteBucketInventoryConfiguration", "DELETE", "/bucket", "inventory&id=7", false},
    {"DeleteBucketLifecycle", "DELETE", "/bucket", "lifecycle", false},
    {"DeleteBucketMetadataConfiguration", "DELETE", "/bucket", "metadataConfiguration", false},
    {"DeleteBucketMetadataTableConfiguration", "DELETE", "/bucket", "metadataTable", false},
    {"DeleteBucketMetricsConfiguration", "DELETE", "/bucket", "metrics&id=7", false},
    {"DeleteBucketOwnershipControls", "DELETE", "/bucket", "ownershipControls", false},
    {"DeleteBucketPolicy", "DELETE", "/bucket", "policy", false},
    {"DeleteBucketReplication", "DELETE", "/bucket", "replication", false},
    {"DeleteBucketTagging", "DELETE", "/bucket", "tagging", false},
    {"DeleteBucketWebsite", "DELETE", "/bucket", "website", false},
    {"DeleteObject", "DELETE", "/bucket/a/key", "", false},
    {"DeleteObjectAnnotation", "DELETE", "/bucket/a/key", "annotation&annotationName=7", false},
    {"DeleteObjectTagging", "DELETE", "/bucket/a/key", "tagging", false},
    {"DeleteObjects", "POST", "/bucket", "delete", false},
    {"DeletePublicAccessBlock", "DELETE", "/bucket", "publicAccessBlock", false},
    {"GetBucketAbac", "GET", "/bucket", "abac", false},
    {"GetBucketAccelerateConfiguration", "GET", "/bucket", "accelerate", false},
    {"GetBucketAcl", "GET", "/bucket", "acl", false},
    {"GetBucketAnalyticsConfiguration", "GET", "/bucket", "analytics&id=7", false},
    {"GetBucketCors", "GET", "/bucket", "cors", false},
    {"GetBucketEncryption", "GET", "/bucket", "encryption", false},
    {"GetBucketIntelligentTieringConfiguration", "GET", "/bucket", "intelligent-tiering&id=7",
     false},
    {"GetBucketInventoryConfiguration", "GET", "/bucket", "inventory&id=7", false},
    {"GetBucketLifecycleConfiguration", "GET", "/bucket", "lifecycle", false},
    {"GetBucketLocation", "GET", "/bucket", "location", false},
    {"GetBucketLogging", "GET", "/bucket", "logging", false},
    {"GetBucketMetadataConfiguration", "GET", "/bucket", "metadataConfiguration", false},
    {"GetBucketMetadataTableConfiguration", "GET", "/bucket", "metadataTable", false},
    {"GetBucketMetricsConfiguration", "GET", "/bucket", "metrics&id=7", false},
    {"GetBucketNotificationConfiguration", "GET", "/bucket", "notification", false},
    {"GetBucketOwnershipControls", "GET", "/bucket", "ownershipControls", false},
    {"GetBucketPolicy", "GET", "/bucket", "policy", false},
    {"GetBucketPolicyStatus", "GET", "/bucket", "policyStatus", false},
    {"GetBucketReplication", "GET", "/bucket", "replication", false},
    {"GetBucketRequestPayment", "GET", "/bucket", "requestPayment", false},
    {"GetBucketTagging", "GET", "/bucket", "tagging", false},
    {"GetBucketVersioning", "GET", "/bucket", "versioning", false},
    {"GetBucketWebsite", "GET", "/bucket", "website", false},
    {"GetObject", "GET", "/bucket/a/key", "", false},
    {"GetObjectAcl", "GET", "/bucket/a/key", "acl", false},
    {"GetObjectAnnotation", "GET", "/bucket/a/key", "annotation&annotationName=7", false},
    {"GetObjectAttributes", "GET", "/bucket/a/key", "attributes", false},
    {"GetObjectLegalHold", "GET", "/bucket/a/key", "legal-hold", false},
    {"GetObjectLockConfiguration", "GET", "/bucket", "object-lock", false},
    {"GetObjectRetention", "GET", "/bucket/a/key", "retention", false},
    {"GetObjectTagging", "GET", "/bucket/a/key", "tagging", false},
    {"GetObjectTorrent", "GET", "/bucket/a/key", "torrent", false},
    {"GetPublicAccessBlock", "GET", "/bucket", "publicAccessBlock", false},
    {"HeadBucket", "HEAD", "/bucket", "", false},
    {"HeadObject", "HEAD", "/bucket/a/key", "", false},
    {"ListBucketAnalyticsConfigurations", "GET", "/bucket", "analytics", false},
    {"ListBucketIntelligentTieringConfigurations", "GET", "/bucket", "intelligent-tiering", false},
    {"ListBucketInventoryConfigurations", "GET", "/bucket", "inventory", false},
    {"ListBucketMetricsConfigurations", "GET", "/bucket", "metrics", false},
    {"ListBuckets", "GET", "/", "", false},
    {"ListDirectoryBuckets", "GET", "/", "", false},
    {"ListMultipartUploads", "GET", "/bucket", "uploads", false},
    {"ListObjectAnnotations", "GET", "/bucket/a/key", "annotation", false},
    {"ListObjectVersions", "GET", "/bucket", "versions", false},
    {"ListObjects", "GET", "/bucket", "", false},
    {"ListObjectsV2", "GET", "/bucket", "list-type=2", false},
    {"ListParts", "GET", "/bucket/a/key", "uploadId=7", false},
    {"PutBucketAbac", "PUT", "/bucket", "abac", false},
    {"PutBucketAccelerateConfiguration", "PUT", "/bucket", "accelerate", false},
    {"PutBucketAcl", "PUT", "/bucket", "acl", false},
    {"PutBucketAnalyticsConfiguration", "PUT", "/bucket", "analytics&id=7", false},
    {"PutBucketCors", "PUT", "/bucket", "cors", false},
    {"PutBucketEncryption", "PUT", "/bucket", "encryption", false},
    {"PutBucketIntelligentTieringConfiguration", "PUT", "/bucket", "intelligent-tiering&id=7",
     false},
    {"PutBucketInventoryConfiguration", "PUT", "/bucket", "inventory&id=7", false},
    {"PutBucketLifecycleConfiguration", "PUT", "/bucket", "lifecycle", false},
    {"PutBucketLogging", "PUT", "/bucket", "logging", false},
    {"PutBucketMetricsConfiguration", "PUT", "/bucket", "metrics&id=7", false},
    {"PutBucketNotificationConfiguration", "PUT", "/bucket", "notification", false},
    {"PutBucketOwnershipControls", "PUT", "/bucket", "ownershipControls", false},
    {"PutBucketPolicy", "PUT", "/bucket", "policy", false},
    {"PutBucketReplication", "PUT", "/bucket", "replication", false},
    {"PutBucketRequestPayment", "PUT", "/bucket", "requestPayment", false},
    {"PutBucketTagging", "PUT", "/bucket", "tagging", false},
    {"PutBucketVersioning", "PUT", "/bucket", "versioning", false},
    {"PutBucketWebsite", "PUT", "/bucket", "website", false},
    {"PutObject", "PUT", "/bucket/a/key", "", false},
    {"PutObjectAcl", "PUT", "/bucket/a/key", "acl", false},
    {"PutObjectAnnotation", "PUT", "/bucket/a/key", "annotation&annotationName=7", false},
    {"PutObjectLegalHold", "PUT", "/bucket/a/key", "legal-hold", false},
    {"PutObjectLockConfiguration", "PUT", "/bucket", "object-lock", false},
    {"PutObjectRetention", "PUT", "/bucket/a/key", "retention", false},
    {"PutObjectTagging", "PUT", "/bucket/a/key", "tagging", false},
    {"PutPublicAccessBlock", "PUT", "/bucket", "publicAccessBlock", false},
    {"RenameObject", "PUT", "/bucket/a/key", "renameObject", false},
    {"RestoreObject", "POST", "/bucket/a/key", "restore", false},
    {"SelectObjectContent", "POST", "/bucket/a/key", "select&select-type=2", false},
    {"UpdateBucketMetadataAnnotationTableConfiguration", "PUT", "/bucket",
     "metadataAnnotationTable", false},
    {"UpdateBucketMetadataInventoryTableConfiguration", "PUT", "/bucket", "metadataInventoryTable",
     false},
    {"UpdateBucketMetadataJournalTableConfiguration", "PUT", "/bucket", "metadataJournalTable",
     false},
    {"UpdateObjectEncryption", "PUT", "/bucket/a/key", "encryption", false},
    {"UploadPart", "PUT", "/bucket/a/key", "partNumber=7&uploadId=7", false},
    {"UploadPartCopy", "PUT", "/bucket/a/key", "partNumber=7&uploadId=7", true},
    {"WriteGetObjectResponse", "POST", "/WriteGetObjectResponse", "", false},
};

static const struct bytes DOMAINS[] = {{"s3.example.org", 14}, {"localhost", 9}};

static struct arena arena;
static struct error err;
static struct s3_route route;

static enum status
go(const char *method, const char *host, const char *path, const char *query, bool has_copy_source)
{
    struct s3_route_input input = {
        .method = bytes_of_string(method),
        .host = bytes_of_string(host),
        .path = bytes_of_string(path),
        .query = bytes_of_string(query),
        .has_copy_source = has_copy_source,
        .domains = DOMAINS,
        .domain_count = ARRAY_COUNT(DOMAINS),
    };

    err = ERROR_INIT;
    return s3_route(&input, &arena, &route, &err);
}

static enum status
go_path(const char *method, const char *path, const char *query)
{
    return go(method, "127.0.0.1:8080", path, query, false);
}

/* Rule: each action of the model reaches its own row, and no other.  ListDirectoryBuckets cannot be
 * told from ListBuckets (other endpoint, same request). */
TEST(every_action_of_the_model_has_its_route)
{
    for (size_t i = 0; i < ARRAY_COUNT(ACTIONS); i++) {
        const struct action_row *row = &ACTIONS[i];
        const char *expected =
            strcmp(row->name, "ListDirectoryBuckets") == 0 ? "ListBuckets" : row->name;
        enum status st =
            go(row->method, "127.0.0.1:8080", row->path, row->query, row->has_copy_source);

        EXPECT_OK(st, &err);
        EXPECT_STRING(expected, route.operation->name);
    }
    EXPECT_INT(112, ARRAY_COUNT(ACTIONS));
    arena_release(&arena);
}

/* Rule: x-id, which SDKs add, changes nothing. */
TEST(x_id_is_ignored)
{
    for (size_t i = 0; i < ARRAY_COUNT(ACTIONS); i++) {
        const struct action_row *row = &ACTIONS[i];
        char query[256];
        const char *name;

        EXPECT_OK(go(row->method, "h", row->path, row->query, row->has_copy_source), &err);
        name = route.operation->name;
        snprintf(query, sizeof(query), "x-id=DeleteBucket&%s&x-id=GetObject", row->query);
        EXPECT_OK(go(row->method, "h", row->path, query, row->has_copy_source), &err);
        EXPECT_STRING(name, route.operation->name);
    }
    arena_release(&arena);
}

/* Rule: a known sub-resource never falls through to the plain verb, whatever the verb.  SPEC: the
 * safety finding: DELETE /bucket?policy must never delete the bucket. */
TEST(no_subresource_becomes_the_plain_verb)
{
    static const char *const METHODS[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
    static const char *const PATHS[] = {"/", "/bucket", "/bucket/", "/bucket/key"};
    static const char *const PLAIN[] = {
        "ListBuckets", "ListObjects", "HeadBucket", "CreateBucket", "DeleteBucket", "PostObject",
        "GetObject",   "HeadObject",  "PutObject",  "DeleteObject", "CopyObject"};

    for (size_t i = 0; i < ARRAY_COUNT(ACTIONS); i++) {
        struct bytes query = bytes_of_string(ACTIONS[i].query);
        struct bytes name = bytes_cut(&query, '&');
        char text[64];

        if (name.size == 0 || bytes_has_prefix(name, BYTES_LITERAL("list-type"))) {
            continue;
        }
        name = bytes_cut(&name, '=');
        if (bytes_equal_string(name, "partNumber")) {
            continue;
        }
        snprintf(text, sizeof(text), "%.*s", BYTES_ARGS(name));
        for (size_t m = 0; m < ARRAY_COUNT(METHODS) * ARRAY_COUNT(PATHS); m++) {
            enum status st = go(METHODS[m % 5], "h", PATHS[m / 5], text, m % 2 == 0);

            for (size_t p = 0; st == ST_OK && p < ARRAY_COUNT(PLAIN); p++) {
                EXPECT(strcmp(route.operation->name, PLAIN[p]) != 0);
            }
            if (st != ST_OK) {
                EXPECT(st == ST_NOT_IMPLEMENTED || st == ST_INVALID);
            }
        }
    }
    arena_release(&arena);
}

/* Rule: a sub-resource of S3 without any handler is 501 before the verb is considered; one with a
 * handler for another verb is 405. */
TEST(verbs_of_subresources_are_checked)
{
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("POST", "/b/k", "renameObject"));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("DELETE", "/b/k", "torrent"));
    EXPECT_STATUS(ST_INVALID, go_path("POST", "/b", "acl"));
    EXPECT_STRING("MethodNotAllowed", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("DELETE", "/b", "versioning"));
    EXPECT_STRING("MethodNotAllowed", err.dialect_code);
}

/* Rule: what looks like a sub-resource that we do not know never writes. */
TEST(unknown_valueless_parameters_do_not_write)
{
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("PUT", "/b/k", "annotation2"));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("PUT", "/b/k", "append&position=0"));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("DELETE", "/b", "future="));
    EXPECT_OK(go_path("DELETE", "/b/k", "future=1"), &err);
    EXPECT_OK(go_path("GET", "/b/k", "future"), &err);
    EXPECT_OK(go_path("PUT", "/b/k", "X-Amz-Security-Token="), &err);
}

/* SPEC: S3 / two sub-resources in one request are InvalidArgument. */
TEST(two_subresources_conflict)
{
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", "acl&policy"));
    EXPECT_STRING("InvalidArgument", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("PUT", "/b/k", "uploadId=1&partNumber=1&tagging"));
    EXPECT_OK(go_path("GET", "/b", "acl&acl"), &err);
    arena_release(&arena);
}

/* SPEC: S3 UploadPart / partNumber and uploadId only together on PUT; partNumber alone on GET. */
TEST(halves_of_an_upload_part_are_refused)
{
    EXPECT_STATUS(ST_INVALID, go_path("PUT", "/b/k", "partNumber=1"));
    EXPECT_STRING("InvalidArgument", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("PUT", "/b/k", "uploadId=1"));
    EXPECT_STRING("InvalidArgument", err.dialect_code);
    EXPECT_OK(go_path("GET", "/b/k", "partNumber=1"), &err);
    EXPECT_STRING("GetObject", route.operation->name);
    arena_release(&arena);
}

/* SPEC: S3 CopyObject, UploadPartCopy / x-amz-copy-source decides. */
TEST(copy_source_changes_puts_only)
{
    EXPECT_OK(go("PUT", "h", "/b/k", "", true), &err);
    EXPECT_STRING("CopyObject", route.operation->name);
    EXPECT_OK(go("GET", "h", "/b/k", "", true), &err);
    EXPECT_STRING("GetObject", route.operation->name);
    EXPECT_OK(go("PUT", "h", "/b", "", true), &err);
    EXPECT_STRING("CreateBucket", route.operation->name);
    arena_release(&arena);
}

/* SPEC: S3 keys are bytes: decoded once, slashes and dot segments kept. */
TEST(keys_are_decoded_once_and_never_normalised)
{
    static const struct {
        const char *path;
        const char *bucket;
        const char *key;
    } CASES[] = {
        {"/b/k", "b", "k"},         {"/b//k", "b", "/k"},
        {"/b/k/", "b", "k/"},       {"/b/../c", "b", "../c"},
        {"/b/./c", "b", "./c"},     {"/b/%2e%2e/c", "b", "../c"},
        {"/b/a%2Fb", "b", "a/b"},   {"/b/a+b", "b", "a+b"},
        {"/b/a%2525", "b", "a%25"}, {"/b/%C3%BC", "b", "\xC3\xBC"},
        {"/b/a\\b", "b", "a\\b"},   {"/b/", "b", ""},
        {"/s3/b/k", "b", "k"},      {"/s3/b", "b", ""},
        {"/s3/s3/k", "s3", "k"},    {"/b/v1/k", "b", "v1/k"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        EXPECT_OK(go_path("GET", CASES[i].path, ""), &err);
        EXPECT_BYTES(bytes_of_string(CASES[i].bucket), route.bucket);
        EXPECT_BYTES(bytes_of_string(CASES[i].key), route.key);
    }
    arena_release(&arena);
}

/* SPEC: S3 / virtual-hosted style: the whole path is the key. */
TEST(host_names_the_bucket)
{
    EXPECT_OK(go("GET", "Bucket.s3.example.org:9000", "/s3/k", "", false), &err);
    EXPECT_STRING("bucket", arena_string(&arena, route.bucket));
    EXPECT_STRING("s3/k", arena_string(&arena, route.key));
    EXPECT_OK(go("GET", "my.dotted.localhost", "/v1/x", "", false), &err);
    EXPECT_STRING("my.dotted", arena_string(&arena, route.bucket));
    EXPECT_STRING("v1/x", arena_string(&arena, route.key));
    EXPECT_OK(go("GET", "localhost", "/b/k", "", false), &err);
    EXPECT_STRING("b", arena_string(&arena, route.bucket));
    EXPECT_OK(go("GET", "xlocalhost", "/b/k", "", false), &err);
    EXPECT_STRING("b", arena_string(&arena, route.bucket));
    EXPECT_OK(go("GET", "[::1]:80", "/b/k", "", false), &err);
    EXPECT_STRING("b", arena_string(&arena, route.bucket));
    EXPECT_OK(go("PUT", "bucket.localhost", "/", "", false), &err);
    EXPECT_STRING("CreateBucket", route.operation->name);
    arena_release(&arena);
}

/* SPEC: SigV2 CanonicalizedResource: /bucket/key as it was sent, in every style of addressing. */
TEST(a_resource_is_the_same_in_every_style)
{
    static const struct {
        const char *host;
        const char *path;
        const char *resource;
    } CASES[] = {
        {"h", "/", "/"},
        {"h", "/b", "/b/"},
        {"h", "/b/", "/b/"},
        {"h", "/b/k%20k", "/b/k%20k"},
        {"h", "/s3", "/"},
        {"h", "/s3/", "/"},
        {"h", "/s3/b", "/b/"},
        {"h", "/s3/b/k/l", "/b/k/l"},
        {"h", "/s3x/k", "/s3x/k"},
        {"B.localhost:80", "/", "/b/"},
        {"b.localhost", "/k%20k", "/b/k%20k"},
        {"b.localhost", "/s3/k", "/b/s3/k"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct s3_route_input input = {.host = bytes_of_string(CASES[i].host),
                                       .path = bytes_of_string(CASES[i].path),
                                       .domains = DOMAINS,
                                       .domain_count = ARRAY_COUNT(DOMAINS)};

        EXPECT_BYTES(bytes_of_string(CASES[i].resource), s3_route_resource(&input, &arena));
    }
    arena_release(&arena);
}

/* SPEC: S3 InvalidURI, InvalidBucketName, KeyTooLongError. */
TEST(bad_paths_are_refused)
{
    char path[1200];

    EXPECT_STATUS(ST_INVALID, go_path("GET", "b", ""));
    EXPECT_STRING("InvalidURI", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b/k%0", ""));
    EXPECT_STRING("InvalidURI", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b/%zz", ""));
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b/%00", ""));
    EXPECT_STRING("InvalidURI", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b/%ff", ""));
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b%00/k", ""));
    EXPECT_STRING("InvalidBucketName", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("GET", "//k", ""));
    EXPECT_STRING("InvalidBucketName", err.dialect_code);
    memset(path, 'k', sizeof(path));
    memcpy(path, "/b/", 3);
    path[3 + 1024] = '\0';
    EXPECT_OK(go_path("GET", path, ""), &err);
    path[3 + 1024] = 'k';
    path[3 + 1025] = '\0';
    EXPECT_STATUS(ST_INVALID, go_path("GET", path, ""));
    EXPECT_STRING("KeyTooLongError", err.dialect_code);
    arena_release(&arena);
}

/* Rule: /v1 is the native API. */
TEST(native_paths_are_not_ours)
{
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("GET", "/v1/buckets", ""));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, go_path("GET", "/v1", ""));
}

/* SPEC: S3 MethodNotAllowed. */
TEST(other_verbs_are_not_allowed)
{
    EXPECT_STATUS(ST_INVALID, go_path("PUT", "/", ""));
    EXPECT_STRING("MethodNotAllowed", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("POST", "/b/k", ""));
    EXPECT_STRING("MethodNotAllowed", err.dialect_code);
    EXPECT_STATUS(ST_INVALID, go_path("PATCH", "/b/k", ""));
    EXPECT_STRING("MethodNotAllowed", err.dialect_code);
    EXPECT_OK(go_path("OPTIONS", "/b/k", ""), &err);
    EXPECT_STRING("OptionsPreflight", route.operation->name);
}

/* SPEC: S3 ListObjectsV2 / list-type is 2. */
TEST(list_type_is_two)
{
    EXPECT_OK(go_path("GET", "/b", "list-type=2&prefix=a"), &err);
    EXPECT_STRING("ListObjectsV2", route.operation->name);
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", "list-type=3"));
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", "list-type"));
    arena_release(&arena);
}

/* Rule: parameters are decoded once, '+' is a space; NUL and bytes that are no UTF-8 are refused.
 */
TEST(queries_are_decoded)
{
    uint64_t value = 5;

    EXPECT_OK(go_path("GET", "/b", "prefix=a+b%2Bc&&empty=&flag&max-keys=7"), &err);
    EXPECT_STRING("a b+c", arena_string(&arena, s3_query_value(&route.query, "prefix")));
    EXPECT(s3_query_value(&route.query, "empty").data != NULL);
    EXPECT(!s3_query_find(&route.query, "empty")->has_value);
    EXPECT(s3_query_find(&route.query, "flag") != NULL);
    EXPECT(s3_query_value(&route.query, "none").data == NULL);
    EXPECT_STATUS(ST_OK, s3_query_u64(&route.query, "max-keys", 0, 10, &value, &err));
    EXPECT_INT(7, value);
    EXPECT_STATUS(ST_OK, s3_query_u64(&route.query, "none", 0, 10, &value, &err));
    EXPECT_INT(7, value);
    EXPECT_STATUS(ST_INVALID, s3_query_u64(&route.query, "max-keys", 8, 10, &value, &err));
    EXPECT_STATUS(ST_INVALID, s3_query_u64(&route.query, "max-keys", 0, 6, &value, &err));
    EXPECT_STATUS(ST_INVALID, s3_query_u64(&route.query, "flag", 0, 6, &value, &err));
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", "prefix=%ff"));
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", "prefix=%00"));
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", "a%=1"));
    arena_release(&arena);
}

/* Rule: a query cannot make us remember more than a named number of parameters. */
TEST(parameter_count_is_bounded)
{
    char query[2 * S3_QUERY_PARAMETERS_MAX + 8];

    for (size_t i = 0; i + 1 < sizeof(query); i += 2) {
        memcpy(query + i, "a&", 2);
    }
    query[2 * S3_QUERY_PARAMETERS_MAX - 1] = '\0';
    EXPECT_OK(go_path("GET", "/b", query), &err);
    query[2 * S3_QUERY_PARAMETERS_MAX - 1] = '&';
    query[2 * S3_QUERY_PARAMETERS_MAX + 1] = '\0';
    EXPECT_STATUS(ST_INVALID, go_path("GET", "/b", query));
    arena_release(&arena);
}
