/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that signs, keeps its connections, and takes what comes: an answer, or that none came
 * (the node is being started anew, the connection broke).  One thread each.
 */
#ifndef TESTS_UNIT_PEER_MODEL_HTTP_H
#define TESTS_UNIT_PEER_MODEL_HTTP_H

#include "base/arena.h"
#include "base/bytes.h"

#define MODEL_HTTP_NODES_MAX 3

struct model_http {
    int fds[MODEL_HTTP_NODES_MAX]; /* -1: not connected */
    uint16_t ports[MODEL_HTTP_NODES_MAX];
    struct buffer answer;
    struct arena arena; /* of one request */
    /* the answer: */
    int status; /* 0: none came */
    struct bytes head;
    struct bytes body;
};

void model_http_init(struct model_http *http);
void model_http_release(struct model_http *http);
/* One request to node number `node`, which listens on port now.  headers: "name: value",
 * NULL-terminated, or NULL.  The answer is valid until the next one. */
void model_http_ask(struct model_http *http, size_t node, uint16_t port, const char *method,
                    const char *target, const char *const *headers, struct bytes body);
/* Value of a header of the answer, BYTES_NONE if there is none. */
struct bytes model_http_header(const struct model_http *http, const char *name);

#endif
