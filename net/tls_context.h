/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one side of TLS connections needs: certificate, key and authorities, read from PEM files and
 * read again on demand.  Connections that exist keep what they began with.  TLS 1.2 and 1.3.
 *
 *   TLS_SERVER   shows the certificate; with authorities it demands one of the client, too
 *   TLS_CLIENT   verifies the server by the authorities; shows the certificate if asked
 *
 * Any thread.  A reload that fails (a certificate without its key, as between two copies) changes
 * nothing.
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <stdbool.h>

#include "base/status.h"

struct ssl_ctx_st;
struct tls_context;

enum tls_role { TLS_SERVER, TLS_CLIENT };

struct tls_files {
    const char *certificate; /* chain */
    const char *key;
    const char *authorities; /* NULL: a server that takes any client */
};

/* ST_INVALID: a file cannot be used. */
MUST_USE enum status tls_context_create(enum tls_role role, const struct tls_files *files,
                                        struct tls_context **ret_context, struct error *err);
void tls_context_destroy(struct tls_context **take_context); /* NULL is allowed */
/* A reference, for SSL_CTX_free. */
struct ssl_ctx_st *tls_context_get(struct tls_context *context);
/* Is one of the files another one than that which was read last? */
bool tls_context_is_outdated(struct tls_context *context);
/* Read the files again: for connections from now on.  ST_INVALID: nothing has changed. */
MUST_USE enum status tls_context_reload(struct tls_context *context, struct error *err);

#endif
