/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this node says to others and hears from them: the identity it signs with, whose keys follow
 * the control values, the client, and the listener for peers.  Opened after the cluster, before the
 * first operation; closed after the object store.
 */
#ifndef GATEWAY_PEERING_H
#define GATEWAY_PEERING_H

#include "cluster/cluster.h"
#include "cluster/redirect_signature.h"
#include "gateway/config.h"
#include "net/http_server.h"
#include "object/object_store.h"
#include "peer/peer_handler.h"

struct peering {
    struct cluster *cluster; /* NULL: this node is alone */
    struct control *control;
    struct peer_identity *identity;
    struct redirect_signer *redirects; /* of clients; NULL: this node is alone */
    struct peer_client *client;
    struct peer_server server;
    char *address;           /* "host:port" as others reach it; NULL: it does not listen */
    struct tls_context *tls; /* of connections to others; NULL: clear text */
};

struct peering_options {
    const struct config *config;
    struct cluster *cluster;
    struct object_store *objects;
    size_t worker_count;
    http_handler_fn *relayed; /* requests of clients that other nodes pass on */
    void *relayed_arg;
};

/* The operations of objects see the cluster from now on.  ST_INVALID: a file of --peer-tls-...
 * cannot be used. */
MUST_USE enum status peering_open(struct peering *peering, const struct peering_options *options,
                                  struct error *err);
/* ST_INVALID: an address that others cannot reach, or only in clear text. */
MUST_USE enum status peering_listen(struct peering *peering, const struct config *config,
                                    struct http_server *server, struct error *err);
/* As those of struct http_server, for what this node shows to others. */
bool peering_has_new_certificates(const struct peering *peering);
MUST_USE enum status peering_reload_certificates(struct peering *peering, struct error *err);
/* While the control values are still open, and the server is not any more. */
void peering_stop(struct peering *peering);
void peering_close(struct peering *peering);

#endif
