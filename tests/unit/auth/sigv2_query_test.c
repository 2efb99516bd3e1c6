/* SPDX-License-Identifier: Apache-2.0 */
/* Presigned URLs of version 2: what is refused, and what they sign. */
#include "auth/sigv2_query.h"

#include "auth/hmac_sha1.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define IN_AN_HOUR "1795169700"

/* Sign the request as it is now and put the three parameters behind its query. */
static void
sign(struct fixture *fixture, const char *access_key, const char *secret_key, const char *expires)
{
    struct buffer text = BUFFER_INIT;
    struct buffer query = BUFFER_INIT;
    struct http_request request;
    unsigned char mac[HMAC_SHA1_SIZE];
    char signature[SIGV2_SIGNATURE_SIZE + 1];
    struct error err;

    EXPECT_OK(sigv2_query_add_headers(&fixture->request, &fixture->arena, &request, &err), &err);
    EXPECT_OK(sigv2_query_append(&(struct sigv2_query_options){.request = &request,
                                                               .resource = request.path,
                                                               .expires = bytes_of_string(expires)},
                                 &fixture->arena, &text, &err),
              &err);
    hmac_sha1(bytes_of_string(secret_key), buffer_bytes(&text), mac);
    encode_base64(bytes_of(mac, sizeof(mac)), signature);
    buffer_append_bytes(&query, fixture->request.query);
    buffer_printf(&query, "%sAWSAccessKeyId=%s&Expires=%s&Signature=", query.size > 0 ? "&" : "",
                  access_key, expires);
    encode_uri(bytes_of_string(signature), false, &query);
    fixture->request.query = arena_copy(&fixture->arena, buffer_bytes(&query));
    buffer_release(&text);
    buffer_release(&query);
}

/* A good GET with that query, which may be NULL. */
static void
good(struct fixture *fixture, const char *query)
{
    fixture_reset(fixture);
    fixture->options.accepts_sigv2_query = true;
    if (query != NULL) {
        fixture->request.query = bytes_of_string(query);
    }
    sign(fixture, FIXTURE_ACCESS_KEY, FIXTURE_SECRET_KEY, IN_AN_HOUR);
}

static void
add_parameter(struct fixture *fixture, const char *parameter)
{
    fixture->request.query = arena_printf_bytes(&fixture->arena, "%.*s&%s",
                                                BYTES_ARGS(fixture->request.query), parameter);
}

/* As s3/ does it: with the headers that the query holds. */
static enum status
run(struct fixture *fixture, struct authentication *ret_authentication)
{
    struct http_request request;
    enum status st =
        sigv2_query_add_headers(&fixture->request, &fixture->arena, &request, &fixture->err);

    *ret_authentication = (struct authentication){0};
    return st != ST_OK ? st
                       : authenticate(&fixture->options, &request, &fixture->arena,
                                      ret_authentication, &fixture->err);
}

static void
expect_accepted(struct fixture *fixture)
{
    struct authentication authentication;

    EXPECT_OK(run(fixture, &authentication), &fixture->err);
    EXPECT(authentication.principal != NULL && authentication.is_sigv2);
    authentication_release(&authentication);
}

#define expect_refused(...) expect_refused_at(__LINE__, __VA_ARGS__)
static void
expect_refused_at(int line, struct fixture *fixture, enum status status, const char *code,
                  int http_status)
{
    struct authentication authentication;
    enum status st = run(fixture, &authentication);

    if (st != status || strcmp(code, fixture->err.dialect_code) != 0) {
        test_failed(__FILE__, line, "expected %s %s, got %s %s: %s", status_name(status), code,
                    status_name(st), fixture->err.dialect_code, fixture->err.text);
    }
    EXPECT_INT(http_status, authenticate_http_status(&fixture->err));
    EXPECT(authentication.principal == NULL);
}

static void
expect_mismatch_at(int line, struct fixture *fixture)
{
    expect_refused_at(line, fixture, ST_SIGNATURE_MISMATCH, "SignatureDoesNotMatch", 403);
}
#define expect_mismatch(fixture) expect_mismatch_at(__LINE__, fixture)

/* Where it is not asked for, it is refused with the sentence that names the other version. */
TEST(it_is_accepted_only_where_it_is_asked_for)
{
    struct fixture fixture;

    fixture_init(&fixture);
    good(&fixture, NULL);
    expect_accepted(&fixture);
    fixture.options.accepts_sigv2_query = false;
    expect_refused(&fixture, ST_INVALID, "InvalidRequest", 400);
    EXPECT_STRING("The authorization mechanism you have provided is not supported. Please use "
                  "AWS4-HMAC-SHA256.",
                  fixture.err.text);
    fixture_release(&fixture);
}

/* The Authorization header of version 2 stays refused. */
TEST(the_header_form_is_refused)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture.options.accepts_sigv2_query = true;
    fixture_add_header(&fixture, "authorization", "AWS " FIXTURE_ACCESS_KEY ":c2lnbmF0dXJl");
    expect_refused(&fixture, ST_INVALID, "InvalidRequest", 400);
    fixture_release(&fixture);
}

/* SPEC: S3 query string authentication / Expires: in seconds since 1970; AccessDenied after it. */
TEST(urls_expire)
{
    static const struct {
        const char *expires;
        const char *text; /* NULL: accepted */
    } CASES[] = {
        {"1795166100", NULL},
        {"1795166101", NULL},
        {"1795166099", "Request has expired"},
        {"0", "Request has expired"},
        {"4102444800", NULL},
        {"9223372036854775807", NULL},
        {"9223372036854775808",
         "Invalid date (should be seconds since epoch): 9223372036854775808"},
        {"-1", "Invalid date (should be seconds since epoch): -1"},
        {"x", "Invalid date (should be seconds since epoch): x"},
        {"1795169700.0", "Invalid date (should be seconds since epoch): 1795169700.0"},
        {"1795169700x", "Invalid date (should be seconds since epoch): 1795169700x"},
        {"", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
             "parameters"},
    };
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        fixture_reset(&fixture);
        fixture.options.accepts_sigv2_query = true;
        sign(&fixture, FIXTURE_ACCESS_KEY, FIXTURE_SECRET_KEY, CASES[i].expires);
        if (CASES[i].text == NULL) {
            expect_accepted(&fixture);
        } else {
            expect_refused(&fixture, ST_DENIED, "AccessDenied", 403);
            EXPECT_STRING(CASES[i].text, fixture.err.text);
        }
    }
    fixture_release(&fixture);
}

TEST(every_parameter_is_required_once)
{
    static const char *const QUERIES[] = {
        "AWSAccessKeyId=" FIXTURE_ACCESS_KEY "&Expires=" IN_AN_HOUR,
        "Signature=c2ln&Expires=" IN_AN_HOUR,
        "Signature=c2ln&AWSAccessKeyId=" FIXTURE_ACCESS_KEY,
        "Signature=&Expires=" IN_AN_HOUR "&AWSAccessKeyId=" FIXTURE_ACCESS_KEY,
        "Signature=c2ln&Expires=" IN_AN_HOUR "&AWSAccessKeyId",
    };
    static const char *const REPEATED[] = {"AWSAccessKeyId=" FIXTURE_ACCESS_KEY,
                                           "Expires=" IN_AN_HOUR, "Signature=c2ln"};
    struct fixture fixture;

    fixture_init(&fixture);
    fixture.options.accepts_sigv2_query = true;
    for (size_t i = 0; i < ARRAY_COUNT(QUERIES); i++) {
        fixture.request.query = bytes_of_string(QUERIES[i]);
        expect_refused(&fixture, ST_DENIED, "AccessDenied", 403);
    }
    for (size_t i = 0; i < ARRAY_COUNT(REPEATED); i++) {
        good(&fixture, NULL);
        add_parameter(&fixture, REPEATED[i]);
        expect_refused(&fixture, ST_INVALID, "AuthorizationQueryParametersError", 400);
    }
    fixture_release(&fixture);
}

/* Two mechanisms at once: the header, and anything of version 4. */
TEST(no_other_mechanism_may_come_with_it)
{
    static const char *const OTHERS[] = {"X-Amz-Algorithm=AWS4-HMAC-SHA256",
                                         "X-Amz-Credential=a",
                                         "X-Amz-Signature=00",
                                         "X-Amz-Date=20261120T091500Z",
                                         "X-Amz-Expires=1",
                                         "X-Amz-SignedHeaders=host",
                                         "X-Amz-Content-Sha256=x"};
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(OTHERS); i++) {
        good(&fixture, NULL);
        add_parameter(&fixture, OTHERS[i]);
        expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    }
    good(&fixture, NULL);
    fixture_add_header(&fixture, "authorization", "AWS " FIXTURE_ACCESS_KEY ":c2lnbmF0dXJl");
    expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    good(&fixture, NULL);
    fixture_add_header(&fixture, "x-amz-content-sha256", EMPTY_SHA256);
    fixture_sign_header(&fixture, NULL);
    expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_release(&fixture);
}

/* There are no temporary credentials: a token is refused even when it is signed. */
TEST(session_tokens_are_refused)
{
    struct fixture fixture;

    fixture_init(&fixture);
    good(&fixture, "x-amz-security-token=t");
    expect_refused(&fixture, ST_INVALID, "InvalidToken", 400);
    good(&fixture, NULL);
    add_parameter(&fixture, "X-Amz-Security-Token=t");
    expect_refused(&fixture, ST_INVALID, "InvalidToken", 400);
    fixture_reset(&fixture);
    fixture_add_header(&fixture, "x-amz-security-token", "t");
    sign(&fixture, FIXTURE_ACCESS_KEY, FIXTURE_SECRET_KEY, IN_AN_HOUR);
    expect_refused(&fixture, ST_INVALID, "InvalidToken", 400);
    fixture_release(&fixture);
}

TEST(unknown_keys_and_wrong_secrets_are_told_apart)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture.options.accepts_sigv2_query = true;
    sign(&fixture, "UNKNOWN", FIXTURE_SECRET_KEY, IN_AN_HOUR);
    expect_refused(&fixture, ST_UNAUTHENTICATED, "InvalidAccessKeyId", 403);
    fixture_reset(&fixture);
    sign(&fixture, FIXTURE_ACCESS_KEY, "wrong", IN_AN_HOUR);
    expect_mismatch(&fixture);
    fixture_reset(&fixture);
    sign(&fixture, FIXTURE_ACCESS_KEY, "", IN_AN_HOUR);
    expect_mismatch(&fixture);
    fixture_release(&fixture);
}

/* SPEC: S3 CanonicalizedResource: sub-resources and overrides are signed; none can be added, taken
 * away, changed or spelled otherwise. */
TEST(signed_parameters_cannot_be_changed)
{
    static const char *const ADDED[] = {
        "acl",
        "tagging",
        "uploads",
        "uploadId=x",
        "partNumber=1",
        "versionId=1",
        "versions",
        "delete",
        "policy",
        "acl=",
        "website",
        "restore",
        "response-content-type=x",
        "%61cl",
        "%75ploadId=x",
        "t%61gging",
    };
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(ADDED); i++) {
        good(&fixture, NULL);
        add_parameter(&fixture, ADDED[i]);
        expect_mismatch(&fixture);
        good(&fixture, ADDED[i]);
        expect_accepted(&fixture);
        fixture.request.query =
            bytes_slice(fixture.request.query,
                        bytes_find(fixture.request.query, 0, BYTES_LITERAL("AWSAccessKeyId")),
                        fixture.request.query.size);
        expect_mismatch(&fixture);
        good(&fixture, ADDED[i]);
        add_parameter(&fixture, ADDED[i]);
        expect_mismatch(&fixture);
    }
    good(&fixture, "partNumber=1&uploadId=x");
    fixture.request.query = arena_printf_bytes(
        &fixture.arena, "uploadId=x&%%70artNumber=%%31&%.*s",
        BYTES_ARGS(bytes_slice(fixture.request.query, 24, fixture.request.query.size)));
    expect_accepted(&fixture); /* the same parameters in another order and spelling */
    fixture_release(&fixture);
}

/* SPEC: S3 query string authentication: prefix and the like are not signed. */
TEST(other_parameters_are_not_signed)
{
    struct fixture fixture;

    EXPECT(!sigv2_query_signs(BYTES_LITERAL("prefix")));
    EXPECT(!sigv2_query_signs(BYTES_LITERAL("attributes")));
    EXPECT(sigv2_query_signs(BYTES_LITERAL("uploads")));
    fixture_init(&fixture);
    good(&fixture, "prefix=a");
    add_parameter(&fixture, "marker=b");
    expect_accepted(&fixture);
    fixture_release(&fixture);
}

TEST(headers_that_are_signed_must_come_as_signed)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture.options.accepts_sigv2_query = true;
    fixture_add_header(&fixture, "content-type", "text/plain");
    sign(&fixture, FIXTURE_ACCESS_KEY, FIXTURE_SECRET_KEY, IN_AN_HOUR);
    expect_accepted(&fixture);
    fixture_set_header(&fixture, "content-type", "text/html");
    expect_mismatch(&fixture);
    fixture_set_header(&fixture, "content-type", NULL);
    expect_mismatch(&fixture);
    good(&fixture, NULL);
    fixture_add_header(&fixture, "content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    expect_mismatch(&fixture);
    good(&fixture, NULL);
    fixture_add_header(&fixture, "x-amz-acl", "public-read");
    expect_mismatch(&fixture);
    good(&fixture, NULL);
    fixture_add_header(&fixture, "range", "bytes=0-1");
    expect_accepted(&fixture);
    fixture_release(&fixture);
}

/* What botocore puts into the query counts as a header, and is signed as one. */
TEST(amz_parameters_are_headers)
{
    struct http_request request;
    struct fixture fixture;

    fixture_init(&fixture);
    good(&fixture, "x-amz-meta-a=1%202&x-amz-acl=private");
    expect_accepted(&fixture);
    EXPECT_OK(sigv2_query_add_headers(&fixture.request, &fixture.arena, &request, &fixture.err),
              &fixture.err);
    EXPECT_INT(3, request.header_count); /* the first is host */
    EXPECT_BYTES(BYTES_LITERAL("x-amz-meta-a"), request.headers[1].name);
    EXPECT_BYTES(BYTES_LITERAL("1 2"), request.headers[1].value);
    EXPECT_BYTES(BYTES_LITERAL("x-amz-acl"), request.headers[2].name);
    EXPECT_BYTES(BYTES_LITERAL("private"), request.headers[2].value);
    fixture_add_header(&fixture, "x-amz-meta-a", "1 2");
    expect_accepted(&fixture);
    fixture_set_header(&fixture, "x-amz-meta-a", "3");
    expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    good(&fixture, NULL);
    add_parameter(&fixture, "x-amz-meta-a=1");
    expect_mismatch(&fixture);
    good(&fixture, "x-amz-meta-a=1");
    add_parameter(&fixture, "x-amz-meta-a=1");
    expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_release(&fixture);
}

/* A parameter must not become what no header can be. */
TEST(amz_parameters_that_cannot_be_headers_are_refused)
{
    static const char *const BAD[] = {"x-amz-meta-a=b%0d%0ac",   "x-amz-meta-a=%00", "x-amz-A=b",
                                      "x-amz-meta-a%3a1%0a/b=2", "x-amz-%C3%A4=1",   "x-amz-a=%zz"};
    struct buffer many = BUFFER_INIT;
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        good(&fixture, NULL);
        add_parameter(&fixture, BAD[i]);
        expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    }
    good(&fixture, NULL);
    for (int i = 0; i <= SIGV2_HEADER_PARAMETER_COUNT_MAX; i++) {
        buffer_printf(&many, "&x-amz-%d=1", i);
    }
    add_parameter(&fixture, arena_string(&fixture.arena, buffer_bytes(&many)) + 1);
    expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    buffer_release(&many);
    fixture_release(&fixture);
}

/* x-amz-content-sha256 may announce a hash; chunks cannot be signed without a key of version 4. */
TEST(payload_modes)
{
    struct authentication authentication;
    struct fixture fixture;

    fixture_init(&fixture);
    good(&fixture, "x-amz-content-sha256=" EMPTY_SHA256);
    EXPECT_OK(run(&fixture, &authentication), &fixture.err);
    EXPECT_INT(PAYLOAD_SIGNED, authentication.payload_mode);
    good(&fixture, "x-amz-content-sha256=STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    expect_refused(&fixture, ST_INVALID, "InvalidRequest", 400);
    good(&fixture, "x-amz-content-sha256=x");
    expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_release(&fixture);
}

/* The spellings of the resource that the caller names are tried, as sent and encoded again; with
 * them the path alone is none. */
TEST(resources_are_what_the_caller_says)
{
    struct fixture fixture;

    fixture_init(&fixture);
    good(&fixture, NULL);
    fixture.options.resources[0] = BYTES_LITERAL("/other/bucket/key");
    expect_mismatch(&fixture);
    fixture.options.resources[1] = BYTES_LITERAL("/bucket/key");
    expect_accepted(&fixture);
    memset(fixture.options.resources, 0, sizeof(fixture.options.resources));
    fixture_reset(&fixture);
    fixture.request.path = BYTES_LITERAL("/bucket/a%28b");
    sign(&fixture, FIXTURE_ACCESS_KEY, FIXTURE_SECRET_KEY, IN_AN_HOUR);
    fixture.request.path = BYTES_LITERAL("/bucket/a(b");
    expect_accepted(&fixture);
    fixture.request.path = BYTES_LITERAL("/bucket/a)b");
    expect_mismatch(&fixture);
    fixture_release(&fixture);
}
