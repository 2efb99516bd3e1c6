/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_dialect.h"

#include "auth/failure_limit.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "tests/unit/s3/s3_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct s3_fixture s3;
static const struct s3_options DEFAULTS;
static const struct bytes DOMAINS[] = {{"s3.test", 7}};

static void
open_with_bucket(void)
{
    s3_fixture_open(&s3, &DEFAULTS);
    s3_ask(&s3, 200, "PUT", "/bucket", NULL, NULL);
}

static void
expect_contains(const char *text)
{
    if (strstr(s3_body(&s3), text) == NULL) {
        test_failed(__FILE__, __LINE__, "no %s in %s", text, s3_body(&s3));
    }
}

/* SPEC: S3 PutObject, GetObject, HeadObject, DeleteObject. */
TEST(object_lives)
{
    open_with_bucket();

    s3_ask(&s3, 200, "PUT", "/bucket/a/key%20x",
           S3_HEADERS("Content-Type: a/b", "x-amz-meta-Name: value", "Cache-Control: no-cache"),
           "hello");
    EXPECT_STRING("\"5d41402abc4b2a76b9719d911017c592\"", s3_header(&s3, "ETag"));
    EXPECT_STRING("FULL_OBJECT", s3_header(&s3, "x-amz-checksum-type"));
    for (int i = 0; i < 2; i++) {
        s3_ask(&s3, 200, i == 0 ? "GET" : "HEAD", "/bucket/a/key%20x", NULL, NULL);
        EXPECT_STRING(i == 0 ? "hello" : "", s3_body(&s3));
        EXPECT_STRING("5", s3_header(&s3, "Content-Length"));
        EXPECT_STRING("a/b", s3_header(&s3, "Content-Type"));
        EXPECT_STRING("no-cache", s3_header(&s3, "Cache-Control"));
        EXPECT_STRING("value", s3_header(&s3, "x-amz-meta-name"));
        EXPECT_STRING("bytes", s3_header(&s3, "Accept-Ranges"));
        EXPECT_STRING("", s3_header(&s3, "x-amz-checksum-crc64nvme"));
        EXPECT_INT(29, strlen(s3_header(&s3, "Last-Modified")));
        EXPECT_INT(16, strlen(s3_header(&s3, "x-amz-request-id")));
    }
    s3_ask(&s3, 204, "DELETE", "/bucket/a/key%20x", NULL, NULL);
    s3_ask(&s3, 204, "DELETE", "/bucket/a/key%20x", NULL, NULL);
    s3_ask(&s3, 404, "GET", "/bucket/a/key%20x", NULL, NULL);
    s3_expect_code(&s3, "NoSuchKey");
    expect_contains("<Resource>/bucket/a/key x</Resource>");
    s3_ask(&s3, 404, "HEAD", "/bucket/a/key%20x", NULL, NULL);
    EXPECT_STRING("", s3_body(&s3));
    s3_fixture_close(&s3);
}

/* SPEC: S3 SlowDown (503, Retry-After): too many wrong signatures from one address; whoever signs
 * rightly is not held up by them. */
TEST(guessers_are_told_to_slow_down)
{
    open_with_bucket();
    s3_fixture_as_user(&s3, true);
    s3.user_secret_key = BYTES_LITERAL("a wrong secret");
    s3_ask(&s3, 403, "GET", "/bucket", NULL, NULL);
    s3_expect_code(&s3, "SignatureDoesNotMatch");
    clock_use_virtual(clock_wall_ns()); /* no token comes back meanwhile */
    while (failure_limit_take(credential_store_failures(s3.credentials),
                              BYTES_LITERAL("127.0.0.1:1"), NULL) == ST_OK) {
    }

    s3_ask(&s3, 503, "GET", "/bucket", NULL, NULL);
    s3_expect_code(&s3, "SlowDown");
    EXPECT_STRING("1", s3_header(&s3, "Retry-After"));
    s3_fixture_as_user(&s3, false);
    s3_ask(&s3, 200, "GET", "/bucket", NULL, NULL);
    clock_use_system();
    s3_fixture_close(&s3);
}

/* Rule: the access log learns operation, code and user. */
TEST(log_names_operation_code_and_user)
{
    open_with_bucket();

    s3_ask(&s3, 404, "GET", "/bucket/none", NULL, NULL);
    test_server_wait_logged(&s3.server, 2);
    EXPECT_STRING("GetObject", s3.server.last.operation);
    EXPECT_STRING("NoSuchKey", s3.server.last.error_code);
    EXPECT_INT(404, s3.server.last.status);
    s3_fixture_close(&s3);
}

/* SPEC: S3 GetObject / Range, partNumber, overrides, conditions. */
TEST(reads_follow_their_headers)
{
    open_with_bucket();
    s3_ask(&s3, 200, "PUT", "/bucket/k", NULL, "0123456789");

    s3_ask(&s3, 206, "GET", "/bucket/k", S3_HEADERS("Range: bytes=2-4"), NULL);
    EXPECT_STRING("234", s3_body(&s3));
    EXPECT_STRING("bytes 2-4/10", s3_header(&s3, "Content-Range"));
    s3_ask(&s3, 416, "GET", "/bucket/k", S3_HEADERS("Range: bytes=10-"), NULL);
    s3_expect_code(&s3, "InvalidRange");
    EXPECT_STRING("bytes */10", s3_header(&s3, "Content-Range"));
    s3_ask(&s3, 206, "GET", "/bucket/k?partNumber=1", NULL, NULL);
    s3_ask(&s3, 416, "GET", "/bucket/k?partNumber=2", NULL, NULL);
    s3_expect_code(&s3, "InvalidPartNumber");
    s3_ask(&s3, 400, "GET", "/bucket/k?partNumber=1", S3_HEADERS("Range: bytes=2-4"), NULL);
    s3_ask(&s3, 200, "GET", "/bucket/k?response-content-type=x%2Fy&response-expires=never", NULL,
           NULL);
    EXPECT_STRING("x/y", s3_header(&s3, "Content-Type"));
    EXPECT_STRING("never", s3_header(&s3, "Expires"));
    s3_ask(&s3, 400, "GET", "/bucket/k?response-content-type=a%0d%0aX:%201", NULL, NULL);
    s3_ask(&s3, 304, "GET", "/bucket/k", S3_HEADERS("If-None-Match: *"), NULL);
    EXPECT_STRING("\"781e5e245d69b566979b86e28d23f2c7\"", s3_header(&s3, "ETag"));
    s3_ask(&s3, 412, "GET", "/bucket/k", S3_HEADERS("If-Match: \"x\""), NULL);
    s3_expect_code(&s3, "PreconditionFailed");
    expect_contains("<Condition>If-Match</Condition>");
    s3_ask(&s3, 200, "GET", "/bucket/k", S3_HEADERS("Range: bytes=2-4", "If-Range: \"x\""), NULL);
    s3_ask(&s3, 206, "GET", "/bucket/k",
           S3_HEADERS("Range: bytes=2-4", "If-Range: \"781e5e245d69b566979b86e28d23f2c7\""), NULL);
    s3_ask(&s3, 200, "GET", "/bucket/k", S3_HEADERS("Range: bytes=20-", "If-Range: \"other\""),
           NULL);
    s3_ask(&s3, 400, "GET", "/bucket/k",
           S3_HEADERS("x-amz-server-side-encryption-customer-algorithm: AES256"), NULL);
    s3_fixture_close(&s3);
}

/* SPEC: S3 conditional writes; which oracle counts is an option. */
TEST(oracle_conflicts_are_options)
{
    struct s3_options options = DEFAULTS;

    open_with_bucket();
    s3_ask(&s3, 501, "PUT", "/bucket/k", S3_HEADERS("If-None-Match: \"x\""), "1");
    s3_ask(&s3, 404, "PUT", "/bucket/k", S3_HEADERS("If-Match: \"x\""), "1");
    s3_ask(&s3, 404, "DELETE", "/bucket/k", S3_HEADERS("If-Match: \"x\""), NULL);
    s3_ask(&s3, 400, "GET", "/bucket?list-type=2&continuation-token=", NULL, NULL);
    s3_ask(&s3, 200, "GET", "/bucket?encoding-type=url&prefix=a%20b", NULL, NULL);
    expect_contains("<Prefix>a%20b</Prefix>");
    s3_ask(&s3, 400, "PUT", "/bucket/k", S3_HEADERS("x-amz-checksum-crc32: bad"), "1");
    s3_expect_code(&s3, "InvalidRequest");
    s3_ask(&s3, 411, "PUT", "/bucket/k", NULL, NULL);
    s3_expect_code(&s3, "MissingContentLength");
    s3_fixture_close(&s3);

    options.put_if_none_match_etag = true;
    options.delete_if_match_missing_ok = true;
    options.empty_continuation_token = true;
    options.list_v1_plain_prefix = true;
    options.no_such_part_is_invalid = true;
    options.bad_checksum_is_bad_digest = true;
    s3_fixture_open(&s3, &options);
    s3_ask(&s3, 200, "PUT", "/bucket2", NULL, NULL);
    s3_ask(&s3, 200, "PUT", "/bucket2/k", S3_HEADERS("If-None-Match: \"x\""), "1");
    s3_ask(&s3, 412, "PUT", "/bucket2/k",
           S3_HEADERS("If-None-Match: \"c4ca4238a0b923820dcc509a6f75849b\""), "1");
    s3_ask(&s3, 204, "DELETE", "/bucket2/none", S3_HEADERS("If-Match: \"x\""), NULL);
    s3_ask(&s3, 200, "GET", "/bucket2?list-type=2&continuation-token=", NULL, NULL);
    s3_ask(&s3, 200, "GET", "/bucket2?encoding-type=url&prefix=a%20b", NULL, NULL);
    expect_contains("<Prefix>a b</Prefix>");
    s3_ask(&s3, 400, "PUT", "/bucket2/k", S3_HEADERS("x-amz-checksum-crc32: bad"), "1");
    s3_expect_code(&s3, "BadDigest");
    s3_ask(&s3, 400, "GET", "/bucket2/k?partNumber=2", NULL, NULL);
    s3_expect_code(&s3, "InvalidPart");
    s3_fixture_close(&s3);
}

/* SPEC: S3 CreateBucket / LocationConstraint outside us-east-1; scope of the signature. */
TEST(region_is_named_everywhere)
{
    struct s3_options options = DEFAULTS;

    options.region = "eu-north-7";
    s3_fixture_open(&s3, &options);
    s3_ask(&s3, 400, "PUT", "/bucket", NULL, NULL);
    s3_expect_code(&s3, "IllegalLocationConstraintException");
    s3_ask(&s3, 200, "PUT", "/bucket", NULL,
           "<CreateBucketConfiguration><LocationConstraint>eu-north-7</LocationConstraint>"
           "</CreateBucketConfiguration>");
    EXPECT_STRING("/bucket", s3_header(&s3, "Location"));
    s3_ask(&s3, 409, "PUT", "/bucket", NULL,
           "<CreateBucketConfiguration><LocationConstraint>eu-north-7</LocationConstraint>"
           "</CreateBucketConfiguration>");
    s3_expect_code(&s3, "BucketAlreadyOwnedByYou");
    s3_ask(&s3, 200, "GET", "/bucket?location", NULL, NULL);
    expect_contains(">eu-north-7</LocationConstraint>");
    s3_ask(&s3, 200, "HEAD", "/bucket", NULL, NULL);
    EXPECT_STRING("eu-north-7", s3_header(&s3, "x-amz-bucket-region"));
    s3_ask(&s3, 200, "GET", "/?bucket-region=eu-north-7", NULL, NULL);
    expect_contains("<BucketRegion>eu-north-7</BucketRegion>");
    s3_fixture_close(&s3);
}

/* Rule: x-lode-* of CreateBucket are kept and shown; bad and misplaced ones are refused. */
TEST(own_properties_of_buckets)
{
    static const char *const BAD[] = {"x-lode-durability: lax",  "x-lode-chunk-size: 1",
                                      "x-lode-chunk-size: 64M",  "x-lode-chunk-spread: 0",
                                      "x-lode-chunk-spread: x",  "x-lode-verify-read: maybe",
                                      "x-lode-durabilty: strict"};

    s3_fixture_open(&s3, &DEFAULTS);
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        s3_ask(&s3, 400, "PUT", "/bucket", S3_HEADERS(BAD[i]), NULL);
        s3_expect_code(&s3, "InvalidArgument");
    }
    s3_ask(&s3, 200, "PUT", "/bucket",
           S3_HEADERS("x-lode-durability: relaxed", "x-lode-chunk-size: 8388608",
                      "x-lode-chunk-spread: 3", "x-lode-verify-read: off"),
           NULL);
    s3_ask(&s3, 200, "HEAD", "/bucket", NULL, NULL);
    EXPECT_STRING("relaxed", s3_header(&s3, "x-lode-durability"));
    EXPECT_STRING("8388608", s3_header(&s3, "x-lode-chunk-size"));
    EXPECT_STRING("3", s3_header(&s3, "x-lode-chunk-spread"));
    EXPECT_STRING("off", s3_header(&s3, "x-lode-verify-read"));
    s3_ask(&s3, 400, "PUT", "/bucket/k", S3_HEADERS("x-lode-durability: none"), "x");
    s3_ask(&s3, 200, "PUT", "/bucket-2", NULL, NULL);
    s3_ask(&s3, 200, "HEAD", "/bucket-2", NULL, NULL);
    EXPECT_STRING("strict", s3_header(&s3, "x-lode-durability"));
    EXPECT_STRING("all", s3_header(&s3, "x-lode-chunk-spread"));
    EXPECT_STRING("on", s3_header(&s3, "x-lode-verify-read"));
    s3_fixture_close(&s3);
}

/* SPEC: S3 virtual-hosted style. */
TEST(host_names_a_bucket)
{
    struct s3_options options = DEFAULTS;

    options.domains = DOMAINS;
    options.domain_count = ARRAY_COUNT(DOMAINS);
    s3_fixture_open(&s3, &options);
    s3_ask(&s3, 200, "PUT", "/", S3_HEADERS("Host: bucket.s3.test"), NULL);
    s3_ask(&s3, 200, "PUT", "/s3/v1", S3_HEADERS("Host: bucket.s3.test:80"), "x");
    s3_ask(&s3, 200, "GET", "/bucket/s3/v1", NULL, NULL);
    s3_ask(&s3, 200, "GET", "/s3/bucket/s3/v1", NULL, NULL);
    s3_ask(&s3, 501, "GET", "/v1/bucket", NULL, NULL);
    s3_fixture_close(&s3);
}

/* SPEC: S3 GET of every configuration that was never set. */
TEST(unset_configurations_say_so)
{
    static const struct {
        const char *name;
        int status;
        const char *answer;
    } CASES[] = {
        {"abac", 200, "<Status>Disabled</Status>"},
        {"accelerate", 200, "<AccelerateConfiguration"},
        {"acl", 200, "FULL_CONTROL"},
        {"analytics", 200, "<IsTruncated>false</IsTruncated>"},
        {"analytics&id=x", 404, "NoSuchConfiguration"},
        {"cors", 404, "NoSuchCORSConfiguration"},
        {"encryption", 404, "ServerSideEncryptionConfigurationNotFoundError"},
        {"intelligent-tiering", 200, "<IsTruncated>false</IsTruncated>"},
        {"intelligent-tiering&id=x", 404, "NoSuchConfiguration"},
        {"inventory", 200, "<IsTruncated>false</IsTruncated>"},
        {"inventory&id=x", 404, "NoSuchConfiguration"},
        {"lifecycle", 404, "NoSuchLifecycleConfiguration"},
        {"location", 200, "<LocationConstraint"},
        {"logging", 200, "<BucketLoggingStatus"},
        {"metrics", 200, "<IsTruncated>false</IsTruncated>"},
        {"metrics&id=x", 404, "NoSuchConfiguration"},
        {"notification", 200, "<NotificationConfiguration"},
        {"object-lock", 404, "ObjectLockConfigurationNotFoundError"},
        {"ownershipControls", 200, "BucketOwnerEnforced"},
        {"policy", 404, "NoSuchBucketPolicy"},
        {"policyStatus", 404, "NoSuchBucketPolicy"},
        {"publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration"},
        {"replication", 404, "ReplicationConfigurationNotFoundError"},
        {"requestPayment", 200, "<Payer>BucketOwner</Payer>"},
        {"tagging", 404, "NoSuchTagSet"},
        {"versioning", 200, "<VersioningConfiguration"},
        {"website", 404, "NoSuchWebsiteConfiguration"},
        {"metadataConfiguration", 501, "NotImplemented"},
        {"session", 501, "NotImplemented"},
    };

    open_with_bucket();
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        const char *target = arena_printf(&s3.arena, "/bucket?%s", CASES[i].name);

        s3_ask(&s3, CASES[i].status, "GET", target, NULL, NULL);
        expect_contains(CASES[i].answer);
    }
    s3_ask(&s3, 404, "GET", "/nobucket?versioning", NULL, NULL);
    s3_expect_code(&s3, "NoSuchBucket");
    s3_ask(&s3, 404, "GET", "/bucket/none?tagging", NULL, NULL);
    s3_expect_code(&s3, "NoSuchKey");
    s3_ask(&s3, 200, "PUT", "/bucket/k", NULL, "x");
    s3_ask(&s3, 200, "GET", "/bucket/k?tagging", NULL, NULL);
    expect_contains("<TagSet></TagSet>");
    s3_ask(&s3, 200, "GET", "/bucket/k?acl", NULL, NULL);
    expect_contains("<ID>root</ID>");
    s3_ask(&s3, 400, "GET", "/bucket/k?retention", NULL, NULL);
    s3_ask(&s3, 400, "GET", "/bucket/k?legal-hold", NULL, NULL);
    s3_fixture_close(&s3);
}

/* SPEC: the safety finding / what is not implemented touches nothing. */
TEST(refused_subresources_touch_nothing)
{
    static const char *const REQUESTS[][2] = {
        {"PUT", "/bucket/k?tagging"},   {"PUT", "/bucket/k?acl"},  {"DELETE", "/bucket/k?tagging"},
        {"PUT", "/bucket/k?retention"}, {"PUT", "/bucket?policy"}, {"DELETE", "/bucket?policy"},
        {"DELETE", "/bucket?cors"},     {"PUT", "/bucket/k?new"},  {"DELETE", "/bucket/k?new"}};

    open_with_bucket();
    s3_ask(&s3, 200, "PUT", "/bucket/k", NULL, "kept");
    for (size_t i = 0; i < ARRAY_COUNT(REQUESTS); i++) {
        s3_ask(&s3, 501, REQUESTS[i][0], REQUESTS[i][1], NULL, "body");
        s3_expect_code(&s3, "NotImplemented");
        s3_ask(&s3, 200, "GET", "/bucket/k", NULL, NULL);
        EXPECT_STRING("kept", s3_body(&s3));
    }
    s3_ask(&s3, 409, "DELETE", "/bucket", NULL, NULL);
    s3_expect_code(&s3, "BucketNotEmpty");
    s3_fixture_close(&s3);
}

/* SPEC: S3 PutBucketAcl, PutObjectAcl / private is what everything is; the rest is refused. */
TEST(the_private_acl_is_accepted)
{
    open_with_bucket();
    s3_ask(&s3, 200, "PUT", "/bucket/k", NULL, "x");
    s3_ask(&s3, 200, "PUT", "/bucket?acl", S3_HEADERS("x-amz-acl: private"), NULL);
    s3_ask(&s3, 200, "PUT", "/bucket/k?acl", S3_HEADERS("x-amz-acl: private"), NULL);
    s3_ask(&s3, 404, "PUT", "/bucket/none?acl", S3_HEADERS("x-amz-acl: private"), NULL);
    s3_ask(&s3, 501, "PUT", "/bucket/k?acl", S3_HEADERS("x-amz-acl: public-read"), NULL);
    s3_ask(&s3, 501, "PUT", "/bucket/k?acl", S3_HEADERS("x-amz-grant-read: id=1"), NULL);
    s3_ask(&s3, 400, "PUT", "/bucket/k?acl", S3_HEADERS("x-amz-acl: mine"), NULL);
    s3_ask(&s3, 501, "PUT", "/bucket/k?acl", NULL, NULL);
    s3_ask(&s3, 200, "GET", "/bucket/k", NULL, NULL);
    EXPECT_STRING("x", s3_body(&s3));
    s3_fixture_close(&s3);
}

/* SPEC: S3 ListObjects, ListObjectsV2, ListObjectVersions. */
TEST(listings_page)
{
    open_with_bucket();
    s3_ask(&s3, 200, "PUT", "/bucket/a%20%26", NULL, "1");
    s3_ask(&s3, 200, "PUT", "/bucket/b/1", NULL, "2");
    s3_ask(&s3, 200, "PUT", "/bucket/b/2", NULL, "3");
    s3_ask(&s3, 200, "PUT", "/bucket/c", NULL, "4");

    s3_ask(&s3, 200, "GET", "/bucket?delimiter=/&max-keys=2", NULL, NULL);
    expect_contains("<Key>a &amp;</Key>");
    expect_contains("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>");
    expect_contains("<NextMarker>b/</NextMarker>");
    expect_contains("<IsTruncated>true</IsTruncated>");
    s3_ask(&s3, 200, "GET", "/bucket?delimiter=/&max-keys=2&marker=b/", NULL, NULL);
    expect_contains("<Key>c</Key>");
    expect_contains("<IsTruncated>false</IsTruncated>");
    s3_ask(&s3, 200, "GET", "/bucket?list-type=2&encoding-type=url&max-keys=1&fetch-owner=true",
           NULL, NULL);
    expect_contains("<Key>a%20%26</Key>");
    expect_contains("<KeyCount>1</KeyCount>");
    expect_contains("<Owner><ID>root</ID><DisplayName>root</DisplayName></Owner>");
    expect_contains("<NextContinuationToken>");
    s3_ask(&s3, 200, "GET", "/bucket?versions&key-marker=b/1&version-id-marker=null", NULL, NULL);
    expect_contains("<Key>b/2</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>");
    s3_ask(&s3, 200, "GET", "/bucket?max-keys=0", NULL, NULL);
    expect_contains("<IsTruncated>false</IsTruncated>");
    s3_ask(&s3, 400, "GET", "/bucket?max-keys=-1", NULL, NULL);
    s3_expect_code(&s3, "InvalidArgument");
    s3_fixture_close(&s3);
}

/* SPEC: S3 DeleteObjects / digest required, each key with its own result. */
TEST(many_keys_are_deleted)
{
    static const char BODY[] = "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key>"
                               "<ETag>\"x\"</ETag></Object></Delete>";

    open_with_bucket();
    s3_ask(&s3, 200, "PUT", "/bucket/a", NULL, "1");
    s3_ask(&s3, 200, "PUT", "/bucket/b", NULL, "2");
    s3_ask(&s3, 400, "POST", "/bucket?delete", NULL, BODY);
    s3_expect_code(&s3, "InvalidRequest");
    s3_ask(&s3, 400, "POST", "/bucket?delete", S3_HEADERS("x-amz-checksum-crc32: AAAAAA=="), BODY);
    s3_expect_code(&s3, "BadDigest");
    s3_ask(&s3, 200, "GET", "/bucket/a", NULL, NULL);
    s3_ask(&s3, 200, "POST", "/bucket?delete", S3_HEADERS("x-amz-checksum-crc32: eJ6SCw=="), BODY);
    expect_contains("<Deleted><Key>a</Key></Deleted>");
    expect_contains("<Error><Key>b</Key><Code>PreconditionFailed</Code>");
    s3_ask(&s3, 404, "GET", "/bucket/a", NULL, NULL);
    s3_ask(&s3, 200, "GET", "/bucket/b", NULL, NULL);
    s3_fixture_close(&s3);
}

/* SPEC: S3 / a bucket belongs to its creator; root may do everything. */
TEST(foreign_buckets_are_closed)
{
    open_with_bucket();
    s3_ask(&s3, 200, "PUT", "/bucket/k", NULL, "x");
    s3_fixture_as_user(&s3, true);
    s3_ask(&s3, 403, "GET", "/bucket/k", NULL, NULL);
    s3_expect_code(&s3, "AccessDenied");
    s3_ask(&s3, 409, "PUT", "/bucket", NULL, NULL);
    s3_expect_code(&s3, "BucketAlreadyExists");
    s3_ask(&s3, 200, "PUT", "/alices", NULL, NULL);
    s3_ask(&s3, 403, "PUT", "/alices/copy", S3_HEADERS("x-amz-copy-source: /bucket/k"), NULL);
    s3_ask(&s3, 404, "HEAD", "/alices/copy", NULL, NULL);
    s3_fixture_as_user(&s3, false);
    s3_ask(&s3, 200, "PUT", "/alices/copy", S3_HEADERS("x-amz-copy-source: /bucket/k"), NULL);
    s3_ask(&s3, 403, "GET", "/bucket/k", S3_HEADERS("x-amz-expected-bucket-owner: alice"), NULL);
    s3_ask(&s3, 200, "GET", "/alices/copy", S3_HEADERS("x-amz-expected-bucket-owner: alice"), NULL);
    s3_fixture_close(&s3);
}

/* SPEC: S3 CORS preflight where none is configured; anonymous requests. */
TEST(strangers_learn_nothing)
{
    open_with_bucket();
    test_client_ask(&s3.client, "OPTIONS /bucket/k HTTP/1.1\r\nHost: h\r\nOrigin: o\r\n\r\n", 403,
                    &s3.response);
    s3_expect_code(&s3, "AccessForbidden");
    test_response_release(&s3.response);
    test_client_ask(&s3.client, "DELETE /bucket?policy HTTP/1.1\r\nHost: h\r\n\r\n", 403,
                    &s3.response);
    s3_expect_code(&s3, "AccessDenied");
    test_response_release(&s3.response);
    test_client_ask(&s3.client, "GET /bucket/%zz HTTP/1.1\r\nHost: h\r\n\r\n", 403, &s3.response);
    s3_expect_code(&s3, "AccessDenied");
    s3_fixture_close(&s3);
}

/* SPEC: S3 GetObject / partNumber counts the parts, whatever their numbers were. */
TEST(parts_are_counted)
{
    struct buffer large = BUFFER_INIT;
    const char *id;
    const char *document;
    const char *etag;

    open_with_bucket();
    s3_ask(&s3, 200, "POST", "/bucket/k?uploads", NULL, NULL);
    id = strstr(s3_body(&s3), "<UploadId>") + 10;
    id = arena_string(&s3.arena, bytes_of(id, 32));
    memset(buffer_reserve(&large, 200001), 'x', 200000);
    large.data[200000] = '\0';
    s3_ask(&s3, 200, "PUT", arena_printf(&s3.arena, "/bucket/k?partNumber=3&uploadId=%s", id), NULL,
           large.data);
    etag = s3_header(&s3, "ETag");
    s3_ask(&s3, 200, "PUT", arena_printf(&s3.arena, "/bucket/k?partNumber=9&uploadId=%s", id), NULL,
           "tail");
    document = arena_printf(&s3.arena,
                            "<CompleteMultipartUpload><Part><PartNumber>3</PartNumber><ETag>%s"
                            "</ETag></Part><Part><PartNumber>9</PartNumber><ETag>%s</ETag></Part>"
                            "</CompleteMultipartUpload>",
                            etag, s3_header(&s3, "ETag"));
    s3_ask(&s3, 200, "POST", arena_printf(&s3.arena, "/bucket/k?uploadId=%s", id), NULL, document);
    s3_ask(&s3, 206, "GET", "/bucket/k?partNumber=2", NULL, NULL);
    EXPECT_STRING("tail", s3_body(&s3));
    EXPECT_STRING("2", s3_header(&s3, "x-amz-mp-parts-count"));
    EXPECT_STRING("bytes 200000-200003/200004", s3_header(&s3, "Content-Range"));
    s3_ask(&s3, 206, "GET", "/bucket/k?partNumber=2", S3_HEADERS("x-amz-checksum-mode: ENABLED"),
           NULL);
    EXPECT_STRING("FULL_OBJECT", s3_header(&s3, "x-amz-checksum-type"));
    EXPECT_INT(12, strlen(s3_header(&s3, "x-amz-checksum-crc64nvme")));
    s3_ask(&s3, 416, "GET", "/bucket/k?partNumber=3", NULL, NULL);
    s3_expect_code(&s3, "InvalidPartNumber");
    s3_ask(&s3, 416, "HEAD", "/bucket/k?partNumber=9", NULL, NULL);
    buffer_release(&large);
    s3_fixture_close(&s3);
}

/* SPEC: S3 GetObject / partNumber in checksum mode: the checksum of that part, the type of the
 * object's; none of a range. */
TEST(part_is_read_with_its_own_checksum)
{
    const char *const mode[] = {"x-amz-checksum-mode: ENABLED", NULL};
    const char *target;
    const char *id;
    const char *document;

    open_with_bucket();
    s3_ask(&s3, 200, "POST", "/bucket/k?uploads",
           S3_HEADERS("x-amz-checksum-algorithm: CRC32", "x-amz-checksum-type: FULL_OBJECT"), NULL);
    id = strstr(s3_body(&s3), "<UploadId>") + 10;
    id = arena_string(&s3.arena, bytes_of(id, 32));
    target = arena_printf(&s3.arena, "/bucket/k?partNumber=1&uploadId=%s", id);
    s3_ask(&s3, 200, "PUT", target, S3_HEADERS("x-amz-checksum-crc32: y/Q5Jg=="), "123456789");
    document = arena_printf(&s3.arena,
                            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s"
                            "</ETag></Part></CompleteMultipartUpload>",
                            s3_header(&s3, "ETag"));
    s3_ask(&s3, 200, "POST", arena_printf(&s3.arena, "/bucket/k?uploadId=%s", id), NULL, document);

    s3_ask(&s3, 206, "GET", "/bucket/k?partNumber=1", mode, NULL);
    EXPECT_STRING("y/Q5Jg==", s3_header(&s3, "x-amz-checksum-crc32"));
    EXPECT_STRING("FULL_OBJECT", s3_header(&s3, "x-amz-checksum-type"));
    s3_ask(&s3, 206, "GET", "/bucket/k?partNumber=1", NULL, NULL);
    EXPECT_STRING("", s3_header(&s3, "x-amz-checksum-crc32"));
    s3_ask(&s3, 206, "GET", "/bucket/k",
           S3_HEADERS("x-amz-checksum-mode: ENABLED", "Range: bytes=0-3"), NULL);
    EXPECT_STRING("", s3_header(&s3, "x-amz-checksum-crc32"));
    s3_fixture_close(&s3);
}

/* Rule: each answer is counted, each refusal by its code. */
TEST(answers_are_counted)
{
    struct buffer text = BUFFER_INIT;

    open_with_bucket();
    s3_ask(&s3, 404, "GET", "/bucket/none", NULL, NULL);
    metrics_export(&text);
    buffer_append_char(&text, '\0');
    EXPECT(strstr(text.data, "lode_s3_requests_total{operation=\"GetObject\"} ") != NULL);
    EXPECT(strstr(text.data, "lode_s3_requests_total{operation=\"GetObject\"} 0\n") == NULL);
    EXPECT(strstr(text.data, "lode_s3_errors_total{code=\"NoSuchKey\"} ") != NULL);
    EXPECT(strstr(text.data, "lode_s3_errors_total{code=\"NoSuchKey\"} 0\n") == NULL);
    EXPECT(strstr(text.data, "lode_s3_request_duration_seconds_count{operation=\"GetObject\"}") !=
           NULL);
    buffer_release(&text);
    s3_fixture_close(&s3);
}

/* Rule: S3 takes everything but the native API and IAM's POST /. */
TEST(other_dialects_are_left_alone)
{
    struct s3_options options = {.domains = DOMAINS, .domain_count = 1, .region = "us-east-1"};
    struct s3 dialect;
    struct http_request request = {.method = BYTES_LITERAL("POST"),
                                   .path = BYTES_LITERAL("/"),
                                   .host = BYTES_LITERAL("127.0.0.1")};

    s3_init(&dialect, &options);
    EXPECT(!s3_accepts(&dialect, &request));
    request.host = BYTES_LITERAL("bucket.s3.test");
    EXPECT(s3_accepts(&dialect, &request));
    request.method = BYTES_LITERAL("GET");
    request.path = BYTES_LITERAL("/v1/x");
    EXPECT(s3_accepts(&dialect, &request));
    request.host = BYTES_LITERAL("s3.test");
    EXPECT(!s3_accepts(&dialect, &request));
    request.path = BYTES_LITERAL("/v1");
    EXPECT(!s3_accepts(&dialect, &request));
    request.path = BYTES_LITERAL("/v1x");
    EXPECT(s3_accepts(&dialect, &request));
}

/* SPEC: S3 error responses / what the server refuses by itself. */
TEST(server_errors_are_s3_documents)
{
    struct arena arena = ARENA_INIT;
    const char *type;
    struct bytes body = s3_render_error(&arena, 503, "ID", BYTES_LITERAL("/x"), "Slow.", &type);

    EXPECT_STRING("application/xml", type);
    EXPECT_STRING("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code>"
                  "<Message>Slow.</Message><Resource>/x</Resource><RequestId>ID</RequestId>"
                  "<HostId>ID</HostId></Error>",
                  arena_string(&arena, body));
    body = s3_render_error(&arena, 400, "ID", BYTES_NONE, "Bad.", &type);
    EXPECT(strstr(arena_string(&arena, body), "<Code>BadRequest</Code>") != NULL);
    arena_release(&arena);
}
