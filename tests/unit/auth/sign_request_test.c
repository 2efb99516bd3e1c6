/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sign_request.h"

#include "base/clock.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static void
take_headers(struct fixture *fixture, const char *const *headers)
{
    for (; headers != NULL && *headers != NULL; headers++) {
        struct bytes value = bytes_of_string(*headers);
        struct bytes name = bytes_cut(&value, ':');
        char *lower = arena_string(&fixture->arena, name);

        for (char *c = lower; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        }
        fixture_add_header(fixture, lower, arena_string(&fixture->arena, bytes_trim(value)));
    }
}

/* What the client's side signs the server's side verifies, in both payload forms. */
TEST(signed_requests_verify)
{
    static const char *const HEADERS[] = {"Content-Type: text/plain", "X-Amz-Meta-A:  b  c ",
                                          "User-Agent: lode", "Range: bytes=0-1", NULL};
    struct fixture fixture;

    fixture_init(&fixture);
    for (int is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
        struct authentication authentication;
        const char *const *headers;
        struct sign_request_options options = {
            .method = BYTES_LITERAL("PUT"),
            .path = BYTES_LITERAL("/bucket/a%20b"),
            .query = BYTES_LITERAL("uploadId=x%2B&partNumber=1"),
            .host = BYTES_LITERAL("s3.example.test"),
            .service = "s3",
            .region = "us-east-1",
            .access_key = BYTES_LITERAL(FIXTURE_ACCESS_KEY),
            .secret_key = BYTES_LITERAL(FIXTURE_SECRET_KEY),
            .headers = HEADERS,
            .body = BYTES_LITERAL("hello"),
            .is_payload_unsigned = is_unsigned,
            .time_s = clock_wall_s(),
        };

        fixture_reset(&fixture);
        fixture.request.method = options.method;
        fixture.request.path = options.path;
        fixture.request.query = options.query;
        EXPECT_OK(sign_request(&options, &fixture.arena, &headers, &fixture.err), &fixture.err);
        take_headers(&fixture, headers);
        take_headers(&fixture, HEADERS);
        EXPECT_OK(fixture_authenticate(&fixture, &authentication), &fixture.err);
        EXPECT_INT(is_unsigned ? PAYLOAD_UNSIGNED : PAYLOAD_SIGNED, authentication.payload_mode);
        if (!is_unsigned) {
            struct digest_value hash;

            digest_of(DIGEST_SHA256, options.body, &hash);
            EXPECT_OK(authentication_check_body(&authentication, &hash, &fixture.err),
                      &fixture.err);
            hash.data[0] ^= 1;
            EXPECT_STATUS(ST_DIGEST_MISMATCH,
                          authentication_check_body(&authentication, &hash, &fixture.err));
        }
        /* content-type is among what is signed */
        fixture_set_header(&fixture, "content-type", "text/html");
        EXPECT_STATUS(ST_SIGNATURE_MISMATCH, fixture_authenticate(&fixture, &authentication));
    }
    fixture_release(&fixture);
}

TEST(what_is_too_long_is_not_signed)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    const char *const *headers = NULL;
    char region[80];
    struct sign_request_options options = {.service = "s3", .region = region, .time_s = 1};

    memset(region, 'r', sizeof(region) - 1);
    region[sizeof(region) - 1] = '\0';
    EXPECT_STATUS(ST_INVALID, sign_request(&options, &arena, &headers, &err));
    EXPECT(headers == NULL);
    arena_release(&arena);
}
