/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking connection of net/http_caller.c to a peer: every wait ends at its deadline.  One
 * thread at a time, ON_WORKER.
 */
#ifndef NET_CALL_CONNECTION_H
#define NET_CALL_CONNECTION_H

#include <sys/uio.h>

#include "base/affinity.h"
#include "base/list.h"
#include "net/wire.h"

struct call_connection {
    struct list node;    /* of the pool, while it is kept */
    struct wire wire;    /* of the socket */
    int64_t kept_ns;     /* monotonic, since when it is kept */
    int64_t deadline_ns; /* monotonic */
    struct buffer input; /* received and not used */
};

/* ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status call_connection_open(const struct wire_options *options,
                                                    int64_t timeout_ms,
                                                    struct call_connection **ret_connection,
                                                    struct error *err);
void call_connection_close(struct call_connection *connection); /* NULL is allowed */
void call_connection_set_deadline(struct call_connection *connection, int64_t timeout_ms);
/* All parts, which are used up.  ST_CLOSED, ST_TIMEOUT. */
MUST_USE ON_WORKER enum status call_connection_send(struct call_connection *connection,
                                                    struct iovec *parts, size_t count,
                                                    struct error *err);
/* At least one byte, past `input`.  ST_CLOSED, ST_TIMEOUT. */
MUST_USE ON_WORKER enum status call_connection_receive(struct call_connection *connection,
                                                       char *out, size_t capacity, size_t *ret_size,
                                                       struct error *err);

#endif
