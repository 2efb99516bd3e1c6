/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the head of a request to a peer.  Pure.  Values are cleaned of control characters: no
 * value can become a line of its own.
 */
#ifndef NET_HTTP_REQUEST_HEAD_H
#define NET_HTTP_REQUEST_HEAD_H

#include "net/http_exchange.h"

struct http_request_head {
    struct bytes path; /* of POST */
    struct bytes host;
    const struct http_header *headers;
    size_t header_count;
    size_t prefix_size;    /* the first bytes of the body, which go out with the head */
    uint64_t payload_size; /* the rest, which waits for 100 Continue; HTTP_LENGTH_UNKNOWN: the whole
                              body is chunked */
    bool expects_continue; /* ask for 100 Continue before the payload, even of none */
};

struct bytes http_request_head_write(const struct http_request_head *head, struct arena *arena);

#endif
