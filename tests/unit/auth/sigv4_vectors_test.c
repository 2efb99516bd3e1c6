/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that botocore signed (tools/make-sigv4-vectors): what real clients send must verify. */
#include "base/encode.h"
#include "tests/unit/auth/signature_vectors.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static enum status
authenticate_vector(struct fixture *fixture, const struct signature_vector *vector,
                    struct authentication *ret_authentication)
{
    fixture->options.service = vector->service;
    *ret_authentication = (struct authentication){0};
    return strcmp(vector->service, "iam") == 0
               ? authenticate_with_body(&fixture->options, &fixture->request, vector->body,
                                        &fixture->arena, ret_authentication, &fixture->err)
               : authenticate(&fixture->options, &fixture->request, &fixture->arena,
                              ret_authentication, &fixture->err);
}

static void
check_verifies(struct fixture *fixture, const struct signature_vector *vector)
{
    struct authentication authentication;
    enum status st = authenticate_vector(fixture, vector, &authentication);

    if (st != ST_OK) {
        test_failed(__FILE__, __LINE__, "%s: %s: %s", vector->name, status_name(st),
                    fixture->err.text);
    }
    EXPECT(principal_is_root(authentication.principal));
    if (vector->body.size > 0 && authentication.payload_mode == PAYLOAD_SIGNED) {
        struct digest_value hash;

        digest_of(DIGEST_SHA256, vector->body, &hash);
        EXPECT_OK(authentication_check_body(&authentication, &hash, &fixture->err), &fixture->err);
    }
    authentication_release(&authentication);
}

TEST(requests_signed_by_botocore_verify)
{
    EXPECT_INT(33, signature_vectors_check("sigv4_vectors.txt", check_verifies));
}

/* The same requests with one byte changed, each in turn: no principal comes out of any. */
static void
check_changes_are_refused(struct fixture *fixture, const struct signature_vector *vector)
{
    struct prng prng = test_prng();

    for (int i = 0; i < 40; i++) {
        struct authentication authentication;
        struct http_request original = fixture->request;
        struct http_header *header =
            &fixture->headers[prng_below(&prng, fixture->request.header_count)];
        struct http_header original_header = *header;
        struct bytes *part = i % 3 == 0   ? &fixture->request.path
                             : i % 3 == 1 ? &header->value
                                          : &fixture->request.query;
        char *changed;

        if (part->size == 0) {
            continue;
        }
        changed = arena_string(&fixture->arena, *part);
        changed[prng_below(&prng, part->size)] ^= 1;
        part->data = changed;
        /* A run of spaces may differ and mean the same; transfer-encoding is not signed. */
        if (strchr(changed, ' ') == NULL &&
            !bytes_equal_string(header->name, "transfer-encoding")) {
            if (authenticate_vector(fixture, vector, &authentication) == ST_OK) {
                test_failed(__FILE__, __LINE__, "%s with %s", vector->name, changed);
            }
            EXPECT(authentication.principal == NULL);
            EXPECT(fixture->err.dialect_code != NULL);
        }
        fixture->request = original;
        *header = original_header;
    }
}

TEST(changed_requests_are_refused)
{
    EXPECT_INT(33, signature_vectors_check("sigv4_vectors.txt", check_changes_are_refused));
}
