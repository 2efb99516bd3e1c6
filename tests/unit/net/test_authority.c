/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/net/test_authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static void
write_pem(const char *path, EVP_PKEY *key, X509 *certificate)
{
    FILE *file = fopen(path, "w");

    CHECK(file != NULL);
    if (certificate != NULL) {
        CHECK(PEM_write_X509(file, certificate) == 1);
    } else {
        CHECK(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    }
    CHECK(fclose(file) == 0);
}

static void
add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *
new_certificate(EVP_PKEY *key, const char *name, long begins_s, long ends_s)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_NAME *subject;

    CHECK(key != NULL && certificate != NULL && X509_set_version(certificate, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), ends_s);
    CHECK(X509_set_pubkey(certificate, key) == 1);
    subject = X509_get_subject_name(certificate);
    CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0) == 1);
    return certificate;
}

void
test_authority_create(struct test_authority *authority, const char *name)
{
    authority->key = EVP_EC_gen("P-256");
    authority->certificate = new_certificate(authority->key, name, -86400, 86400);
    CHECK(X509_set_issuer_name(authority->certificate,
                               X509_get_subject_name(authority->certificate)) == 1);
    add_extension(authority->certificate, NID_basic_constraints, "critical,CA:TRUE");
    CHECK(X509_sign(authority->certificate, authority->key, EVP_sha256()) != 0);
    snprintf(authority->file, sizeof(authority->file), "%s/%s.pem", test_directory(), name);
    write_pem(authority->file, NULL, authority->certificate);
}

void
test_authority_release(struct test_authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

void
test_authority_sign(const struct test_authority *authority, const struct test_identity *identity,
                    struct test_identity_files *ret_files)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate =
        new_certificate(key, identity->name, -7200, identity->is_expired ? -3600 : 86400);

    CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate)) == 1);
    add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth");
    if (identity->alt_names != NULL) {
        add_extension(certificate, NID_subject_alt_name, identity->alt_names);
    }
    CHECK(X509_sign(certificate, authority->key, EVP_sha256()) != 0);
    snprintf(ret_files->certificate, sizeof(ret_files->certificate), "%s/%s.cert.pem",
             test_directory(), identity->name);
    snprintf(ret_files->key, sizeof(ret_files->key), "%s/%s.key.pem", test_directory(),
             identity->name);
    write_pem(ret_files->certificate, NULL, certificate);
    write_pem(ret_files->key, key, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct tls_files
test_tls_files(const struct test_authority *authority, const struct test_identity_files *files)
{
    return (struct tls_files){files->certificate, files->key, authority->file};
}
