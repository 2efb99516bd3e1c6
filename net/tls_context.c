/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"
#include "net/h2o_library.h"

#include "base/banned.h"

#define FILE_COUNT 3

/* What tells one state of a file from the next. */
struct file_mark {
    dev_t device;
    ino_t inode;
    off_t size_bytes;
    struct timespec modified;
};

struct tls_context {
    enum tls_role role;
    char *files[FILE_COUNT]; /* certificate, key, authorities */
    pthread_mutex_t lock;
    SSL_CTX *current;                   /* guarded by lock */
    struct file_mark marks[FILE_COUNT]; /* guarded by lock */
};

/* Only HTTP/1.1 is offered: the library's HTTP/2 predates the fixes of the rapid resets. */
static const h2o_iovec_t ALPN[] = {{(char *)(uintptr_t) "http/1.1", 8}, {NULL, 0}};
static const unsigned char ALPN_WIRE[] = "\x08http/1.1";

static enum status
fail_tls(struct error *err, const char *what, const char *file)
{
    char text[160];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    return fail(err, ST_INVALID, "%s %s cannot be used: %s", what, file, text);
}

/*
 * A client whose certificate is refused should hear why.  The library drops what stands in its
 * buffer when a handshake fails, the alert with it; so the alert, the only thing that is written
 * from here on, goes to the socket itself.
 */
static int
on_client_verified(int is_ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    h2o_socket_t *socket = ssl != NULL ? BIO_get_data(SSL_get_wbio(ssl)) : NULL;
    BIO *bio;

    if (is_ok == 0 && socket != NULL) {
        bio = BIO_new_socket(h2o_socket_get_fd(socket), BIO_NOCLOSE);
        CHECK(bio != NULL);
        SSL_set0_wbio(ssl, bio);
    }
    return is_ok;
}

static void
configure(SSL_CTX *tls, enum tls_role role, bool is_mutual)
{
    CHECK(SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Idle connections keep no record buffers; sessions live in tickets, not in our memory. */
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    if (role == TLS_CLIENT) {
        SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_read_ahead(tls, 1);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        CHECK(SSL_CTX_set_alpn_protos(tls, ALPN_WIRE, sizeof(ALPN_WIRE) - 1) == 0);
        return;
    }
    h2o_ssl_register_alpn_protocols(tls, ALPN);
    if (is_mutual) {
        /* Each connection shows its certificate: none is resumed on the word of a ticket. */
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           on_client_verified);
        SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
        CHECK(SSL_CTX_set_num_tickets(tls, 0) == 1);
    }
}

static enum status
load(const struct tls_context *context, SSL_CTX **ret_tls, struct error *err)
{
    const char *certificate = context->files[0];
    const char *key = context->files[1];
    const char *authorities = context->files[2];
    SSL_CTX *tls =
        SSL_CTX_new(context->role == TLS_CLIENT ? TLS_client_method() : TLS_server_method());
    enum status st = ST_OK;

    CHECK(tls != NULL);
    ERR_clear_error();
    configure(tls, context->role, authorities != NULL);
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1) {
        st = fail_tls(err, "certificate", certificate);
    } else if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        st = fail_tls(err, "private key", key);
    } else if (SSL_CTX_check_private_key(tls) != 1) {
        st = fail_tls(err, "private key", key);
    } else if (authorities != NULL && SSL_CTX_load_verify_locations(tls, authorities, NULL) != 1) {
        st = fail_tls(err, "file of authorities", authorities);
    }
    if (st != ST_OK) {
        SSL_CTX_free(tls);
        return st;
    }
    if (authorities != NULL && context->role == TLS_SERVER) {
        SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(authorities));
    }
    *ret_tls = tls;
    return ST_OK;
}

static void
look(const struct tls_context *context, struct file_mark marks[FILE_COUNT])
{
    memset(marks, 0, FILE_COUNT * sizeof(marks[0]));
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct stat info;

        if (context->files[i] != NULL && stat(context->files[i], &info) == 0) {
            marks[i].device = info.st_dev;
            marks[i].inode = info.st_ino;
            marks[i].size_bytes = info.st_size;
            marks[i].modified = info.st_mtim;
        }
    }
}

enum status
tls_context_reload(struct tls_context *context, struct error *err)
{
    struct file_mark marks[FILE_COUNT];
    SSL_CTX *old = NULL;
    SSL_CTX *tls;
    enum status st;

    /* Before they are read: what changes meanwhile is found at the next look. */
    look(context, marks);
    st = load(context, &tls, err);
    if (st != ST_OK) {
        return st;
    }
    WITH_LOCK (&context->lock) {
        old = context->current;
        context->current = tls;
        memcpy(context->marks, marks, sizeof(marks));
    }
    SSL_CTX_free(old);
    return ST_OK;
}

bool
tls_context_is_outdated(struct tls_context *context)
{
    struct file_mark marks[FILE_COUNT];
    bool is_outdated = false;

    look(context, marks);
    WITH_LOCK (&context->lock) {
        is_outdated = memcmp(marks, context->marks, sizeof(marks)) != 0;
    }
    return is_outdated;
}

enum status
tls_context_create(enum tls_role role, const struct tls_files *files,
                   struct tls_context **ret_context, struct error *err)
{
    const char *names[FILE_COUNT] = {files->certificate, files->key, files->authorities};
    struct tls_context *context;
    enum status st;

    if (files->certificate == NULL || files->key == NULL) {
        return fail(err, ST_INVALID, "a certificate was given without its private key");
    }
    context = xcalloc(1, sizeof(*context));
    context->role = role;
    CHECK(pthread_mutex_init(&context->lock, NULL) == 0);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        context->files[i] = names[i] != NULL ? xstrdup(names[i]) : NULL;
    }
    st = tls_context_reload(context, err);
    if (st != ST_OK) {
        tls_context_destroy(&context);
        return st;
    }
    *ret_context = context;
    return ST_OK;
}

void
tls_context_destroy(struct tls_context **take_context)
{
    struct tls_context *context = *take_context;

    if (context == NULL) {
        return;
    }
    *take_context = NULL;
    SSL_CTX_free(context->current);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        free(context->files[i]);
    }
    pthread_mutex_destroy(&context->lock);
    free(context);
}

struct ssl_ctx_st *
tls_context_get(struct tls_context *context)
{
    SSL_CTX *tls = NULL;

    WITH_LOCK (&context->lock) {
        tls = context->current;
        CHECK(SSL_CTX_up_ref(tls) == 1);
    }
    return tls;
}
