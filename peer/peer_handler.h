/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's end of what nodes ask of each other: the handler of the peer listener.
 *
 *   head of HTTP -> binary head (prefix of the body) -> signature -> is this node meant? -> map
 *     s3      -> the S3 dialect, as if the client had come here
 *     others  -> [body] -> worker: the verb -> binary answer, payload
 *
 * Nothing is done for a request that is not signed with the cluster key, was seen before, is for
 * another node, or was decided under another map than this node's: a newer one is fetched first, an
 * older one is refused with ST_MOVED.  A struct peer_server is read-only and outlives the server.
 */
#ifndef PEER_PEER_HANDLER_H
#define PEER_PEER_HANDLER_H

#include "cluster/peer_signature.h"
#include "jobs/job.h"
#include "net/http_server.h"
#include "object/object_store.h"

struct peer_server {
    struct object_store *store; /* with a cluster */
    struct job_registry *jobs;  /* NULL: none can be asked for */
    struct peer_identity *identity;
    http_handler_fn *s3; /* for relayed requests */
    void *s3_arg;
};

/* An http_handler_fn; arg is the struct peer_server. */
ON_LOOP void peer_handle(struct http_exchange *exchange, void *arg);

/* Does a request of the public listener claim to come from a node?  It is refused. */
bool peer_is_claimed(const struct http_request *request);

/* Registers the metrics at its first call. */
void peer_handler_init(void);

#endif
