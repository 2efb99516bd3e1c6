/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the head of a response, by hand: this is on the hot path of every request.  Values come
 * from handlers and may hold what clients chose, so control characters (a line end would forge a
 * header) become spaces.  A pure function.
 */
#ifndef NET_HTTP_REPLY_HEAD_H
#define NET_HTTP_REPLY_HEAD_H

#include "base/arena.h"
#include "net/http_exchange.h"

enum http_connection_header { HTTP_SAY_NOTHING, HTTP_SAY_CLOSE, HTTP_SAY_KEEP_ALIVE };

struct http_reply_head {
    int status;
    struct bytes date;
    struct bytes server;
    enum http_connection_header connection;
    bool is_chunked;
    bool has_length;
    uint64_t length;
    const struct http_header *headers;
    size_t header_count;
};

struct bytes http_reply_head_write(const struct http_reply_head *head, struct arena *arena);

#endif
