/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialect's request on a key of another node: passed on to it and back, whole.  What the other
 * node refuses because one of both has an older map is asked again under the newer one, here; what
 * broke later is not.
 *
 *   object_relay -> done, once: the answer's head -> http_exchange_respond_relayed
 *                               it may be this node's after all -> route it again
 *                               a failure -> the dialect's error
 */
#ifndef OBJECT_OBJECT_RELAY_H
#define OBJECT_OBJECT_RELAY_H

#include "net/http_relay.h"
#include "object/object_route.h"

struct object_relay_result {
    const struct http_answer_head *answer; /* NULL: none */
    bool is_local;                         /* perhaps, by the map of now: route it again */
    bool is_client_at_fault;               /* its body failed, with status */
    bool has_asked_body;
    enum status status; /* without an answer */
    struct error error;
};
typedef void object_relay_fn(struct http_exchange *exchange, struct object_relay_result *result);

/* bucket and what key and upload point to live until done.  done runs on the loop, never inside
 * this call. */
ON_LOOP void object_relay(const struct bucket *bucket, struct bytes key, struct bytes upload,
                          const struct object_route *route, struct http_exchange *exchange,
                          object_relay_fn *done);

/* Answer a relayed request that is not this node's: its sender asks again under a newer map. */
void object_relay_refuse(struct object_store *store, struct http_exchange *exchange,
                         enum status st);

/* The same for what was decided under a value of its bucket that is not the present one: known is
 * what its sender has to catch up with. */
void object_relay_refuse_bucket(struct object_store *store, struct http_exchange *exchange,
                                uint64_t known);

/* Counters "lode_cluster_...". */
void object_relay_register_metrics(void);

#endif
