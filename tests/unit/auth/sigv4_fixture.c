/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/auth/sigv4_fixture.h"

#include <stdlib.h>

#include "auth/amz_date.h"
#include "auth/canonical_request.h"
#include "auth/hmac_sha256.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

void
fixture_init(struct fixture *fixture)
{
    char *directory = xasprintf("%s/control", test_directory());

    *fixture = (struct fixture){.arena = ARENA_INIT, .err = ERROR_INIT};
    clock_use_virtual(FIXTURE_TIME_S * CLOCK_NS_PER_S);
    EXPECT_OK(control_open_local(directory, &fixture->control, &fixture->err), &fixture->err);
    EXPECT_OK(credential_store_create(fixture->control, BYTES_LITERAL(FIXTURE_ACCESS_KEY),
                                      BYTES_LITERAL(FIXTURE_SECRET_KEY), &fixture->credentials,
                                      &fixture->err),
              &fixture->err);
    fixture->options =
        (struct authenticate_options){.credentials = fixture->credentials, .service = "s3"};
    free(directory);
    fixture_reset(fixture);
}

void
fixture_release(struct fixture *fixture)
{
    credential_store_destroy(&fixture->credentials);
    control_close(&fixture->control);
    arena_release(&fixture->arena);
    clock_use_system();
}

void
fixture_reset(struct fixture *fixture)
{
    fixture->request = (struct http_request){
        .method = BYTES_LITERAL("GET"),
        .path = BYTES_LITERAL("/bucket/key"),
        .host = BYTES_LITERAL("s3.example.test"),
        .headers = fixture->headers,
        .header_count = 0,
    };
    fixture_add_header(fixture, "host", "s3.example.test");
}

void
fixture_add_header(struct fixture *fixture, const char *name, const char *value)
{
    EXPECT(fixture->request.header_count < FIXTURE_HEADER_COUNT_MAX);
    fixture->headers[fixture->request.header_count++] = (struct http_header){
        .name = arena_copy(&fixture->arena, bytes_of_string(name)),
        .value = arena_copy(&fixture->arena, bytes_of_string(value)),
    };
}

void
fixture_set_header(struct fixture *fixture, const char *name, const char *value)
{
    for (size_t i = 0; i < fixture->request.header_count; i++) {
        if (bytes_equal_string(fixture->headers[i].name, name)) {
            if (value != NULL) {
                fixture->headers[i].value = arena_copy(&fixture->arena, bytes_of_string(value));
            } else {
                fixture->headers[i] = fixture->headers[--fixture->request.header_count];
            }
            return;
        }
    }
    test_failed(__FILE__, __LINE__, "there is no header %s", name);
}

static int
compare_names(const void *a, const void *b)
{
    return bytes_compare(((const struct http_header *)a)->name,
                         ((const struct http_header *)b)->name);
}

static const char *
all_header_names(struct fixture *fixture)
{
    struct http_header sorted[FIXTURE_HEADER_COUNT_MAX];
    struct buffer names = BUFFER_INIT;
    const char *text;

    memcpy(sorted, fixture->headers, sizeof(sorted));
    qsort(sorted, fixture->request.header_count, sizeof(*sorted), compare_names);
    for (size_t i = 0; i < fixture->request.header_count; i++) {
        if (i == 0 || !bytes_equal(sorted[i].name, sorted[i - 1].name)) {
            buffer_printf(&names, "%s%.*s", i > 0 ? ";" : "", BYTES_ARGS(sorted[i].name));
        }
    }
    text = arena_string(&fixture->arena, buffer_bytes(&names));
    buffer_release(&names);
    return text;
}

static const char *
header_value(struct fixture *fixture, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < fixture->request.header_count; i++) {
        if (bytes_equal_string(fixture->headers[i].name, name)) {
            return arena_string(&fixture->arena, fixture->headers[i].value);
        }
    }
    return otherwise;
}

static struct fixture_signature
with_defaults(struct fixture *fixture, const struct fixture_signature *signature)
{
    struct fixture_signature full = signature != NULL ? *signature : (struct fixture_signature){0};
    char now[AMZ_DATE_SIZE + 1];

    amz_date_format(clock_wall_s(), now);
    full.access_key = full.access_key != NULL ? full.access_key : FIXTURE_ACCESS_KEY;
    full.secret_key = full.secret_key != NULL ? full.secret_key : FIXTURE_SECRET_KEY;
    full.timestamp = full.timestamp != NULL ? full.timestamp
                                            : arena_string(&fixture->arena, bytes_of_string(now));
    full.scope =
        full.scope != NULL
            ? full.scope
            : arena_printf(&fixture->arena, "%.8s/us-east-1/s3/aws4_request", full.timestamp);
    full.expires = full.expires != NULL ? full.expires : "3600";
    return full;
}

static const char *
signature_of(struct fixture *fixture, const struct fixture_signature *full)
{
    struct canonical_request canonical = {
        .method = fixture->request.method,
        .path = fixture->request.path,
        .query = fixture->request.query,
        .headers = fixture->headers,
        .header_count = fixture->request.header_count,
        .signed_headers = bytes_of_string(full->signed_headers),
        .payload_line = bytes_of_string(full->payload_line),
    };
    struct bytes scope = bytes_of_string(full->scope);
    struct bytes date = bytes_cut(&scope, '/');
    struct bytes region = bytes_cut(&scope, '/');
    struct bytes service = bytes_cut(&scope, '/');
    struct buffer text = BUFFER_INIT;
    struct digest_value hash;
    unsigned char key[HMAC_SHA256_SIZE];
    unsigned char mac[HMAC_SHA256_SIZE];
    char hex[65];

    /* A signed header that is not there fails; the signature is then over what came before. */
    if (canonical_request_append(&canonical, &fixture->arena, &text, NULL) != ST_OK) {
        buffer_append_string(&text, "(incomplete)");
    }
    digest_of(DIGEST_SHA256, buffer_bytes(&text), &hash);
    encode_hex(digest_value_bytes(&hash), hex);
    buffer_clear(&text);
    buffer_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", full->timestamp, full->scope, hex);
    sigv4_signing_key(bytes_of_string(full->secret_key), date, region, service, key);
    hmac_sha256(bytes_of(key, sizeof(key)), buffer_bytes(&text), mac);
    encode_hex(bytes_of(mac, sizeof(mac)), hex);
    buffer_release(&text);
    return arena_string(&fixture->arena, bytes_of_string(hex));
}

void
fixture_sign_header(struct fixture *fixture, const struct fixture_signature *signature)
{
    struct fixture_signature full = with_defaults(fixture, signature);

    fixture_add_header(fixture, "x-amz-date", full.timestamp);
    if (full.signed_headers == NULL) {
        full.signed_headers = all_header_names(fixture);
    }
    if (full.payload_line == NULL) {
        full.payload_line = header_value(fixture, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    }
    fixture_add_header(fixture, "authorization",
                       arena_printf(&fixture->arena,
                                    "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
                                    "Signature=%s",
                                    full.access_key, full.scope, full.signed_headers,
                                    signature_of(fixture, &full)));
}

void
fixture_sign_query(struct fixture *fixture, const struct fixture_signature *signature)
{
    struct fixture_signature full = with_defaults(fixture, signature);
    struct buffer query = BUFFER_INIT;

    if (full.signed_headers == NULL) {
        full.signed_headers = all_header_names(fixture);
    }
    if (full.payload_line == NULL) {
        full.payload_line = header_value(fixture, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    }
    if (fixture->request.query.size > 0) {
        buffer_append_bytes(&query, fixture->request.query);
        buffer_append_char(&query, '&');
    }
    buffer_append_string(&query, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    encode_uri(bytes_of_string(full.access_key), false, &query);
    buffer_append_string(&query, "%2F");
    encode_uri(bytes_of_string(full.scope), false, &query);
    buffer_printf(&query, "&X-Amz-Date=%s&X-Amz-Expires=%s&X-Amz-SignedHeaders=", full.timestamp,
                  full.expires);
    encode_uri(bytes_of_string(full.signed_headers), false, &query);
    fixture->request.query = arena_copy(&fixture->arena, buffer_bytes(&query));
    buffer_printf(&query, "&X-Amz-Signature=%s", signature_of(fixture, &full));
    fixture->request.query = arena_copy(&fixture->arena, buffer_bytes(&query));
    buffer_release(&query);
}

enum status
fixture_authenticate(struct fixture *fixture, struct authentication *ret_authentication)
{
    *ret_authentication = (struct authentication){0};
    return authenticate(&fixture->options, &fixture->request, &fixture->arena, ret_authentication,
                        &fixture->err);
}

/* Refused, with that code, and nothing that could be used came out. */
void
fixture_expect_refused_at(const char *file, int line, struct fixture *fixture, enum status status,
                          const char *code, int http_status)
{
    struct authentication authentication;
    enum status st = fixture_authenticate(fixture, &authentication);

    if (st != status || fixture->err.dialect_code == NULL ||
        strcmp(code, fixture->err.dialect_code) != 0) {
        test_failed(file, line, "expected %s %s, got %s %s: %s", status_name(status), code,
                    status_name(st), fixture->err.dialect_code, fixture->err.text);
    }
    EXPECT_INT(http_status, authenticate_http_status(&fixture->err));
    EXPECT(authentication.principal == NULL);
}

void
fixture_expect_accepted(struct fixture *fixture)
{
    struct authentication authentication;

    EXPECT_OK(fixture_authenticate(fixture, &authentication), &fixture->err);
    EXPECT(authentication.principal != NULL);
    authentication_release(&authentication);
    EXPECT(authentication.principal == NULL);
}

/* A good GET, signed in the header. */
void
fixture_good_header(struct fixture *fixture)
{
    fixture_reset(fixture);
    fixture_add_header(fixture, "x-amz-content-sha256", EMPTY_SHA256);
    fixture_sign_header(fixture, NULL);
}

void
fixture_good_query(struct fixture *fixture)
{
    fixture_reset(fixture);
    fixture_sign_query(fixture, NULL);
}
