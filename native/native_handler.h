/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native dialect: AIStore's REST API under /v1, and what operators ask of this node and its
 * cluster, which we name lode-... there.  Each request is a row in a table of native_route.h;
 * docs/openapi.yaml shows them all.
 */
#ifndef NATIVE_NATIVE_HANDLER_H
#define NATIVE_NATIVE_HANDLER_H

#include "auth/credential_store.h"
#include "cluster/cluster.h"
#include "cluster/redirect_signature.h"
#include "jobs/job.h"
#include "net/http_exchange.h"

/* An action message is some hundred bytes; lists of objects are longer. */
#define NATIVE_BODY_BYTES_MAX ((size_t)4 << 20)

struct native {
    struct credential_store *credentials; /* borrowed */
    struct job_registry *jobs;            /* borrowed */
    struct object_store *objects;         /* borrowed */
    struct control *control;              /* borrowed */
    struct cluster *cluster;              /* borrowed; NULL: this node is alone */
    struct redirect_signer *redirects;    /* borrowed; NULL: this node is alone */
    bool is_gateway;                      /* else it answers what gateways send here */
    const char *node_id;                  /* borrowed */
    int64_t started_ns;                   /* monotonic */
    bool is_anonymous_allowed;            /* requests without credentials are native-anonymous's */
};

bool native_accepts(const struct http_request *request); /* /v1 and what is below it */
/* Does it say that a node has sent it here? */
bool native_is_redirected(struct http_exchange *exchange);
ON_LOOP void native_handle(struct http_exchange *exchange, struct native *native);

#endif
