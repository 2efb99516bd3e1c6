/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/net/test_server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "base/lock.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct bytes
render_error(struct arena *arena, int http_status, const char *request_id, struct bytes resource,
             const char *sentence, const char **ret_content_type)
{
    *ret_content_type = "application/x-test";
    return arena_printf_bytes(arena, "%d %s %.*s %s", http_status, request_id, BYTES_ARGS(resource),
                              sentence);
}

static void
record_log(const struct http_log_entry *entry, void *arg)
{
    struct test_server *server = arg;
    struct bytes path = entry->request->path;

    WITH_LOCK (&server->lock) {
        server->log_count++;
        server->last = *entry;
        server->last.request = NULL;
        snprintf(server->last_path, sizeof(server->last_path), "%.*s", BYTES_ARGS(path));
        CHECK(pthread_cond_broadcast(&server->changed) == 0);
    }
}

void
test_server_start(struct test_server *server, const struct test_server_options *options)
{
    struct error err = ERROR_INIT;
    struct http_server_options server_options = {
        .loop_count = options->loop_count != 0 ? options->loop_count : 1,
        .connection_max = options->connection_max != 0 ? options->connection_max : 1000,
        .body_memory_bytes =
            options->body_memory_bytes != 0 ? options->body_memory_bytes : (size_t)8 << 20,
        .server_name = "Test",
        .render_error = render_error,
        .log = record_log,
        .log_arg = server,
        .limits = options->limits,
        .load = options->load,
    };
    struct http_listen_options listen_options = {
        .address = "127.0.0.1", .handler = options->handler, .arg = options->arg};

    memset(server, 0, sizeof(*server));
    CHECK(pthread_mutex_init(&server->lock, NULL) == 0);
    CHECK(pthread_cond_init(&server->changed, NULL) == 0);
    server->workers = worker_pool_create(TEST_SERVER_WORKERS);
    server_options.workers = server->workers;
    EXPECT_OK(http_server_create(&server_options, &server->server, &err), &err);
    EXPECT_OK(http_server_listen(server->server, &listen_options, &server->port, &err), &err);
    if (options->has_tls) {
        if (options->tls != NULL) {
            listen_options.certificate_file = options->tls->certificate;
            listen_options.private_key_file = options->tls->key;
            listen_options.client_authorities_file = options->tls->authorities;
        } else {
            test_certificate(&listen_options.certificate_file, &listen_options.private_key_file);
        }
        EXPECT_OK(http_server_listen(server->server, &listen_options, &server->tls_port, &err),
                  &err);
    }
    http_server_start(server->server);
}

void
test_server_stop(struct test_server *server)
{
    http_server_destroy(&server->server);
    worker_pool_destroy(&server->workers);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
}

void
test_server_wait_logged(struct test_server *server, size_t count)
{
    WITH_LOCK (&server->lock) {
        while (server->log_count < count) {
            CHECK(pthread_cond_wait(&server->changed, &server->lock) == 0);
        }
    }
}

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

void
test_certificate(const char **ret_certificate_file, const char **ret_key_file)
{
    static char certificate_file[256];
    static char key_file[256];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name;

    CHECK(key != NULL && certificate != NULL);
    CHECK(X509_set_version(certificate, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    CHECK(X509_set_pubkey(certificate, key) == 1);
    name = X509_get_subject_name(certificate);
    CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                     -1, -1, 0) == 1);
    CHECK(X509_set_issuer_name(certificate, name) == 1);
    CHECK(X509_sign(certificate, key, EVP_sha256()) != 0);
    snprintf(certificate_file, sizeof(certificate_file), "%s/certificate.pem", test_directory());
    snprintf(key_file, sizeof(key_file), "%s/key.pem", test_directory());
    write_pem(certificate_file, NULL, certificate);
    write_pem(key_file, key, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
    *ret_certificate_file = certificate_file;
    *ret_key_file = key_file;
}

void
test_gate_pass(struct test_gate *gate)
{
    WITH_LOCK (&gate->lock) {
        gate->entered_count++;
        CHECK(pthread_cond_broadcast(&gate->changed) == 0);
        while (!gate->is_open) {
            CHECK(pthread_cond_wait(&gate->changed, &gate->lock) == 0);
        }
    }
}

void
test_gate_open(struct test_gate *gate)
{
    WITH_LOCK (&gate->lock) {
        gate->is_open = true;
        CHECK(pthread_cond_broadcast(&gate->changed) == 0);
    }
}

void
test_gate_wait_entered(struct test_gate *gate, size_t count)
{
    WITH_LOCK (&gate->lock) {
        while (gate->entered_count < count) {
            CHECK(pthread_cond_wait(&gate->changed, &gate->lock) == 0);
        }
    }
}

void
test_respond(struct http_exchange *exchange, int status, const char *text)
{
    struct http_response response = {
        .status = status,
        .body = arena_copy(http_exchange_arena(exchange), bytes_of_string(text)),
        .operation = "Test",
    };

    http_exchange_respond(exchange, &response);
}
