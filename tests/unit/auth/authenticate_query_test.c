/* SPDX-License-Identifier: Apache-2.0 */
/* authenticate() over query parameters, and where they meet the header. */
#include "auth/authenticate.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NS_PER_S CLOCK_NS_PER_S

TEST(presigned_requests_are_good_up_to_their_edges)
{
    static const struct {
        const char *expires;
        int64_t offset_s;
        bool is_good;
        const char *text;
    } CASES[] = {
        {"1", 0, true, NULL},
        {"1", 1, true, NULL},
        {"1", 2, false, "Request has expired"},
        {"604800", 604800, true, NULL},
        {"604800", 604801, false, "Request has expired"},
        {"3600", -900, true, NULL},
        {"3600", -901, false, "Request is not valid yet"},
    };
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct fixture_signature signature = {.expires = CASES[i].expires};

        clock_use_virtual(FIXTURE_TIME_S * NS_PER_S);
        fixture_reset(&fixture);
        fixture_sign_query(&fixture, &signature);
        clock_use_virtual((FIXTURE_TIME_S + CASES[i].offset_s) * NS_PER_S);
        if (CASES[i].is_good) {
            fixture_expect_accepted(&fixture);
        } else {
            fixture_expect_refused(&fixture, ST_DENIED, "AccessDenied", 403);
            EXPECT_STRING(CASES[i].text, fixture.err.text);
        }
    }
    fixture_release(&fixture);
}

TEST(expiry_outside_one_second_to_seven_days_is_refused)
{
    static const char *const INVALID[] = {"0", "604801", "-1",   "x",
                                          "",  "1.5",    "%201", "18446744073709551617"};
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(INVALID); i++) {
        struct fixture_signature signature = {.expires = INVALID[i]};

        fixture_reset(&fixture);
        fixture_sign_query(&fixture, &signature);
        fixture_expect_refused(&fixture, ST_INVALID, "AuthorizationQueryParametersError", 400);
    }
    fixture_release(&fixture);
}

TEST(two_mechanisms_at_once_are_refused)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture_good_query(&fixture);
    fixture_add_header(&fixture, "x-amz-content-sha256", EMPTY_SHA256);
    fixture_sign_header(&fixture, NULL);
    fixture_expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_good_header(&fixture);
    fixture.request.query = BYTES_LITERAL("X-Amz-Signature=00");
    fixture_expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture.request.query = BYTES_LITERAL("AWSAccessKeyId=a&Expires=1&Signature=b");
    fixture_expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_good_query(&fixture);
    fixture_add_header(&fixture, "authorization", "AWS a:b");
    fixture_expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_release(&fixture);
}

TEST(signature_version_2_in_the_query_is_refused)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture.request.query = BYTES_LITERAL("AWSAccessKeyId=a&Expires=1&Signature=b");
    fixture_expect_refused(&fixture, ST_INVALID, "InvalidRequest", 400);
    fixture_release(&fixture);
}

TEST(repeated_parameters_and_headers_are_refused)
{
    static const char *const PARAMETERS[] = {
        "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Credential=a/b/c/s3/aws4_request",
        "X-Amz-Date=20261120T091500Z",      "X-Amz-Expires=3600",
        "X-Amz-SignedHeaders=host",         "X-Amz-Signature=00"};
    static const char *const HEADERS[] = {"authorization", "x-amz-date", "x-amz-content-sha256"};
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(PARAMETERS); i++) {
        fixture_good_query(&fixture);
        fixture.request.query = arena_printf_bytes(
            &fixture.arena, "%.*s&%s", BYTES_ARGS(fixture.request.query), PARAMETERS[i]);
        fixture_expect_refused(&fixture, ST_INVALID, "AuthorizationQueryParametersError", 400);
    }
    for (size_t i = 0; i < ARRAY_COUNT(HEADERS); i++) {
        fixture_good_header(&fixture);
        fixture_add_header(&fixture, HEADERS[i], "20261120T091500Z");
        fixture_expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    }
    fixture_release(&fixture);
}

TEST(every_query_parameter_is_required)
{
    static const char *const NAMES[] = {"X-Amz-Algorithm",     "X-Amz-Credential",
                                        "X-Amz-Date",          "X-Amz-Expires",
                                        "X-Amz-SignedHeaders", "X-Amz-Signature"};
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        char *changed;

        fixture_good_query(&fixture);
        changed = arena_string(&fixture.arena, fixture.request.query);
        strstr(changed, NAMES[i])[0] = 'Y';
        fixture.request.query = bytes_of_string(changed);
        fixture_expect_refused(&fixture, ST_INVALID, "AuthorizationQueryParametersError", 400);
    }
    fixture_release(&fixture);
}

/* SDKs for Go put the payload's hash, or the literal, among the parameters and sign it there. */
TEST(payload_hash_in_the_query_is_taken_at_its_word)
{
    static const struct {
        const char *value;
        enum payload_mode mode;
    } CASES[] = {{"UNSIGNED-PAYLOAD", PAYLOAD_UNSIGNED}, {EMPTY_SHA256, PAYLOAD_SIGNED}};
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct authentication authentication;
        struct fixture_signature signature = {.payload_line = CASES[i].value};

        fixture_reset(&fixture);
        fixture.request.query =
            arena_printf_bytes(&fixture.arena, "X-Amz-Content-Sha256=%s", CASES[i].value);
        fixture_sign_query(&fixture, &signature);
        EXPECT_OK(fixture_authenticate(&fixture, &authentication), &fixture.err);
        EXPECT_INT(CASES[i].mode, authentication.payload_mode);
        authentication_release(&authentication);
    }
    fixture_reset(&fixture);
    fixture.request.query = BYTES_LITERAL("X-Amz-Content-Sha256=nonsense");
    fixture_sign_query(&fixture, NULL);
    fixture_expect_refused(&fixture, ST_INVALID, "InvalidArgument", 400);
    fixture_release(&fixture);
}

/* Operators see refusals by their kind. */
TEST(results_are_counted)
{
    static const struct fixture_signature WRONG = {.secret_key = "a wrong secret"};
    struct fixture fixture;
    struct buffer before = BUFFER_INIT;
    struct buffer after = BUFFER_INIT;

    fixture_init(&fixture);
    fixture_good_query(&fixture);
    fixture_expect_accepted(&fixture);
    metrics_export(&before);
    fixture_reset(&fixture);
    fixture_sign_query(&fixture, &WRONG);
    fixture_expect_refused(&fixture, ST_SIGNATURE_MISMATCH, "SignatureDoesNotMatch", 403);
    metrics_export(&after);
    EXPECT(bytes_find(buffer_bytes(&after), 0,
                      BYTES_LITERAL("lode_auth_requests_total{result=\"verified\"} ")) != SIZE_MAX);
    EXPECT(!bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_release(&before);
    buffer_release(&after);
    fixture_release(&fixture);
}

TEST(other_algorithms_in_the_query_are_refused)
{
    struct fixture fixture;

    fixture_init(&fixture);
    fixture_good_query(&fixture);
    memcpy(memmem(fixture.request.query.data, fixture.request.query.size, "SHA256", 6), "SHA512",
           6);
    fixture_expect_refused(&fixture, ST_INVALID, "AuthorizationQueryParametersError", 400);
    fixture.request.query =
        BYTES_LITERAL("X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=a&X-Amz-Date=b"
                      "&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=c");
    fixture_expect_refused(&fixture, ST_NOT_IMPLEMENTED, "NotImplemented", 501);
    fixture_release(&fixture);
}
