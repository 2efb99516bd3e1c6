/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts the connections of one listener on one loop.  Failure modes: no descriptors or memory
 * left (it rests for HTTP_ACCEPT_PAUSE_MS instead of spinning), too many connections (answered 503,
 * and beyond HTTP_REFUSED_CONNECTIONS_MAX of those closed at once).
 */
#ifndef NET_HTTP_ACCEPTOR_H
#define NET_HTTP_ACCEPTOR_H

#include "net/http_listener.h"
#include "net/http_loop.h"

#define HTTP_ACCEPTOR_MAGIC UINT32_C(0x68616363)

struct http_acceptor {
    uint32_t magic;
    struct list node;
    struct http_loop *loop;
    struct http_listener *listener;
    size_t index; /* of the socket in listener */
    h2o_socket_t *socket;
    h2o_timeout_entry_t pause_timer;
    bool is_short; /* of descriptors or memory, since the last accept; logged once */
};

/* Before the loop starts. */
void http_acceptor_create(struct http_loop *loop, struct http_listener *listener, size_t index);
/* ON_LOOP */
void http_acceptor_open(struct http_acceptor *acceptor);
/* Accepts what the kernel has queued, then closes. */
void http_acceptor_close(struct http_acceptor *acceptor);
void http_acceptor_destroy(struct http_acceptor **take_acceptor);

#endif
