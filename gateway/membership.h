/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process as a node of a cluster: which roles it has, how it joins, and what its listeners
 * answer when it may not serve.  Without --etcd there is no cluster and every check passes.
 */
#ifndef GATEWAY_MEMBERSHIP_H
#define GATEWAY_MEMBERSHIP_H

#include "cluster/cluster.h"
#include "gateway/config.h"
#include "net/http_exchange.h"
#include "object/object_store.h"

struct membership {
    bool is_expected; /* --etcd was given */
    bool is_gateway;
    bool is_target;
    int64_t started_ns;                /* monotonic */
    _Atomic(struct cluster *) cluster; /* NULL: alone, or not opened yet */
};

/* ST_INVALID: an unknown role, or one that needs --etcd. */
MUST_USE enum status membership_init(struct membership *membership, const struct config *config,
                                     struct error *err);
/* After the object store and the credentials were opened. */
MUST_USE enum status membership_open(struct membership *membership, const struct config *config,
                                     struct object_store *objects, struct error *err);
/* When the listeners serve.  peer_address: "host:port", or empty.  Blocks until the map has this
 * node; ST_CANCELLED: a signal to end is waiting. */
MUST_USE enum status membership_join(struct membership *membership, const struct config *config,
                                     const char *public_address, uint16_t public_port,
                                     const char *peer_address, struct error *err);
void membership_close(struct membership *membership);

/* An address to listen on that says nothing to others, such as 0.0.0.0. */
bool membership_is_wildcard(const char *address);
/* May this node serve now?  ST_UNAVAILABLE with the reason. */
MUST_USE enum status membership_check(struct membership *membership, struct error *err);
/* True: the request was answered, because this node may not serve yet or any more, because it is
 * GET /v1/health, or because it is S3's and this is a target only. */
ON_LOOP bool membership_answers(struct membership *membership, struct http_exchange *exchange,
                                bool is_s3);
/* A request of the public listener that claims to come from another node. */
ON_LOOP void membership_refuse_peer(struct http_exchange *exchange, bool is_s3);
/* Appends members of the object that /healthz/{ready,cluster} answers; false: not healthy. */
bool membership_describe(struct membership *membership, bool is_whole_cluster, struct buffer *out);

#endif
