/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that a gateway passed on: the S3 dialect gets it as it was received there, with the
 * client's address and the gateway's request id, and authenticates it again, body included.
 */
#include "base/clock.h"
#include "net/http_exchange.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

void
peer_relayed_s3(struct peer_request *request)
{
    const struct peer_relayed *relayed = &request->head.relayed;
    struct http_request inner = {
        .method = relayed->method,
        .path = relayed->path,
        .query = relayed->query,
        .host = relayed->host,
        .headers = relayed->headers,
        .header_count = relayed->header_count,
        .is_tls = relayed->is_tls,
        .peer_address = relayed->client_address,
        .received_ns = clock_monotonic_ns(),
    };
    struct bytes id = request->head.request_id;

    if (id.size < sizeof(inner.id)) {
        memcpy(inner.id, id.data, id.size);
    }
    http_exchange_substitute(request->exchange, &inner);
    request->server->s3(request->exchange, request->server->s3_arg);
}
