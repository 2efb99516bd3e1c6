/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin listener: /metrics in Prometheus' text form and /healthz/{live,ready,cluster}.  Answers
 * from memory on the loop.
 *   live      the process runs its loops
 *   ready     every home is present and writable; 503 names those that are not
 *   cluster   the same, on one node
 */
#ifndef GATEWAY_ADMIN_HANDLER_H
#define GATEWAY_ADMIN_HANDLER_H

#include "net/http_server.h"
#include "object/object_store.h"

/* An http_handler_fn; arg is the struct object_store. */
ON_LOOP void admin_handle(struct http_exchange *exchange, void *arg);
/* Metrics of the process and the store, exported with the others. */
void admin_register_metrics(struct object_store *objects);

#endif
