/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, made in the test's directory: an authority, and what it signs.
 */
#ifndef TESTS_UNIT_NET_TEST_AUTHORITY_H
#define TESTS_UNIT_NET_TEST_AUTHORITY_H

#include <openssl/x509.h>

#include "net/tls_context.h"

struct test_authority {
    EVP_PKEY *key;
    X509 *certificate;
    char file[256]; /* its own certificate */
};

/* name: of the file, and of the authority. */
void test_authority_create(struct test_authority *authority, const char *name);
void test_authority_release(struct test_authority *authority);

struct test_identity {
    const char *name;      /* of the files; written again if it is there */
    const char *alt_names; /* as OpenSSL writes them: "IP:127.0.0.1,DNS:node" */
    bool is_expired;
};

struct test_identity_files {
    char certificate[256];
    char key[256];
};

void test_authority_sign(const struct test_authority *authority,
                         const struct test_identity *identity,
                         struct test_identity_files *ret_files);
/* With the authority's own certificate as authorities. */
struct tls_files test_tls_files(const struct test_authority *authority,
                                const struct test_identity_files *files);

#endif
