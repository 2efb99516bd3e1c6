/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin listener: /metrics in Prometheus' text form and /healthz/{live,ready,cluster}.  Answers
 * from memory on the loop.
 *   live      the process runs its loops
 *   ready     every home is present and writable, and the node has joined its cluster and confirmed
 *             its lease; 503 says what is not so
 *   cluster   the same, and the cluster has a leader and no target of it is down
 */
#ifndef GATEWAY_ADMIN_HANDLER_H
#define GATEWAY_ADMIN_HANDLER_H

#include "gateway/membership.h"
#include "net/http_server.h"
#include "object/object_store.h"

struct admin {
    struct object_store *objects;
    struct membership *membership;
};

/* An http_handler_fn; arg is the struct admin. */
ON_LOOP void admin_handle(struct http_exchange *exchange, void *arg);
/* Metrics of the process and the store, exported with the others. */
void admin_register_metrics(struct object_store *objects);

#endif
