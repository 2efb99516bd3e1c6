/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One address that the server listens on: a socket per loop on the same port (SO_REUSEPORT), the
 * handler of its requests, and its TLS context.  Read-only once the server has started, but for
 * what its TLS reads again; lives until its destruction.
 */
#ifndef NET_HTTP_LISTENER_H
#define NET_HTTP_LISTENER_H

#include "base/list.h"
#include "net/http_limits.h"
#include "net/http_server.h"
#include "net/tls_context.h"

struct http_listener {
    struct list node;
    http_handler_fn *handler;
    void *arg;
    struct tls_context *tls; /* NULL: clear text */
    bool is_reserved;
    bool is_mutual; /* clients have to show a certificate */
    uint16_t port;
    size_t socket_count;
    int sockets[HTTP_LOOPS_MAX]; /* -1: given to a loop */
};

MUST_USE enum status http_listener_create(const struct http_listen_options *options,
                                          size_t loop_count, struct http_listener **ret_listener,
                                          struct error *err);
void http_listener_destroy(struct http_listener **take_listener);

static inline void
http_listener_handle(const struct http_listener *listener, struct http_exchange *exchange)
{
    listener->handler(exchange, listener->arg);
}

#endif
