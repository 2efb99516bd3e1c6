/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request: split by picohttpparser, then judged by us.  A pure function of bytes that
 * a stranger sent, and as such a fuzz target.  What two implementations could read differently is
 * refused and the connection closed, never repaired: request smuggling lives of repairs.
 *
 * SPEC: RFC 9112 (2.2 line ends, 3 request line, 5.2 folding, 6 body length), RFC 9110 7.2 (Host).
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "net/http_exchange.h"

enum http_head_result {
    HTTP_HEAD_INCOMPLETE, /* more bytes are needed */
    HTTP_HEAD_READY,      /* head is filled */
    HTTP_HEAD_REFUSED     /* answer refusal_status, then close */
};

struct http_head {
    struct http_request request; /* without what the connection knows: TLS, peer, id, time */
    size_t size;                 /* bytes of input that the head took */
    bool is_http_1_0;
    bool wants_close; /* the client does not want (or cannot have) another exchange */
    int refusal_status;
    const char *refusal_sentence;
};

/* previous_size: how much of input an earlier call found incomplete, 0 at first.  The head is
 * copied into arena (names become lower case), and only if it is complete.  When refused, method
 * and path are set as far as they were understood. */
enum http_head_result http_head_parse(struct bytes input, size_t previous_size, struct arena *arena,
                                      struct http_head *ret_head);

#endif
