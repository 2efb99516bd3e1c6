/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that botocore presigned with version 2 (tools/make-sigv2-vectors). */
#include "auth/sigv2_query.h"
#include "tests/unit/auth/signature_vectors.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define VECTOR_COUNT 31

static enum status
authenticate_vector(struct fixture *fixture, const struct signature_vector *vector,
                    struct authentication *ret_authentication)
{
    struct http_request request;
    enum status st =
        sigv2_query_add_headers(&fixture->request, &fixture->arena, &request, &fixture->err);

    fixture->options.accepts_sigv2_query = true;
    fixture->options.resources[0] = vector->resource;
    *ret_authentication = (struct authentication){0};
    return st != ST_OK ? st
                       : authenticate(&fixture->options, &request, &fixture->arena,
                                      ret_authentication, &fixture->err);
}

/* What stands in the query counts, whether it comes as a header too or not. */
static void
drop_amz_headers(struct fixture *fixture)
{
    size_t count = 0;

    for (size_t i = 0; i < fixture->request.header_count; i++) {
        if (!bytes_has_prefix(fixture->headers[i].name, BYTES_LITERAL("x-amz-"))) {
            fixture->headers[count++] = fixture->headers[i];
        }
    }
    fixture->request.header_count = count;
}

static void
expect_verified(struct fixture *fixture, const struct signature_vector *vector)
{
    struct authentication authentication;
    enum status st = authenticate_vector(fixture, vector, &authentication);

    if (st != ST_OK) {
        test_failed(__FILE__, __LINE__, "%s: %s: %s", vector->name, status_name(st),
                    fixture->err.text);
    }
    EXPECT(principal_is_root(authentication.principal));
    EXPECT(authentication.is_sigv2);
    EXPECT_INT(PAYLOAD_UNSIGNED, authentication.payload_mode);
    authentication_release(&authentication);
}

static void
check_verifies(struct fixture *fixture, const struct signature_vector *vector)
{
    expect_verified(fixture, vector);
    drop_amz_headers(fixture);
    expect_verified(fixture, vector);
}

TEST(urls_presigned_by_botocore_verify)
{
    EXPECT_INT(VECTOR_COUNT, signature_vectors_check("sigv2_vectors.txt", check_verifies));
}

static void
expect_refused(struct fixture *fixture, const struct signature_vector *vector, const char *changed)
{
    struct authentication authentication;

    if (authenticate_vector(fixture, vector, &authentication) == ST_OK) {
        test_failed(__FILE__, __LINE__, "%s with %s", vector->name, changed);
    }
    EXPECT(authentication.principal == NULL);
    EXPECT(fixture->err.dialect_code != NULL);
}

static void
expect_change_refused(struct fixture *fixture, const struct signature_vector *vector,
                      struct bytes *part, size_t at)
{
    struct bytes original = *part;
    char *changed = arena_string(&fixture->arena, original);

    changed[at] ^= 1;
    part->data = changed;
    expect_refused(fixture, vector, changed);
    *part = original;
}

/* Whether every parameter of the query is one that is signed. */
static bool
is_all_signed(struct bytes query)
{
    static const char *const UNSIGNED[] = {"prefix=", "content-type="};

    for (size_t i = 0; i < 2; i++) {
        if (bytes_find(query, 0, bytes_of_string(UNSIGNED[i])) != SIZE_MAX) {
            return false;
        }
    }
    return true;
}

/* Any byte of what is signed, each in turn: no principal comes out. */
static void
check_changes_are_refused(struct fixture *fixture, const struct signature_vector *vector)
{
    static const char *const METHODS[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
    struct bytes method = fixture->request.method;
    struct signature_vector changed = *vector;

    drop_amz_headers(fixture);
    for (size_t i = 0; i < sizeof(METHODS) / sizeof(METHODS[0]); i++) {
        fixture->request.method = bytes_of_string(METHODS[i]);
        if (!bytes_equal(method, fixture->request.method)) {
            expect_refused(fixture, vector, METHODS[i]);
        }
    }
    fixture->request.method = method;
    for (size_t at = 0; at < vector->resource.size; at++) {
        expect_change_refused(fixture, &changed, &changed.resource, at);
    }
    for (size_t at = 0; vector->resource.data == NULL && at < fixture->request.path.size; at++) {
        expect_change_refused(fixture, vector, &fixture->request.path, at);
    }
    for (size_t at = 0; is_all_signed(fixture->request.query) && at < fixture->request.query.size;
         at++) {
        expect_change_refused(fixture, vector, &fixture->request.query, at);
    }
    for (size_t i = 1; i < fixture->request.header_count; i++) { /* the first is host */
        expect_change_refused(fixture, vector, &fixture->headers[i].value, 0);
    }
}

TEST(changed_urls_are_refused)
{
    EXPECT_INT(VECTOR_COUNT,
               signature_vectors_check("sigv2_vectors.txt", check_changes_are_refused));
}
