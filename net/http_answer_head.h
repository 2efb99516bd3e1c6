/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer that a peer sent us, split by picohttpparser and then judged: the mirror of
 * net/http_head.h.  A pure function of foreign bytes, and as such a fuzz target.  An answer whose
 * end is not told by its framing is refused: it could be cut without anyone noticing.
 *
 * SPEC: RFC 9112 4 (status line), 6.3 (body length); RFC 9110 15.2 (100).
 */
#ifndef NET_HTTP_ANSWER_HEAD_H
#define NET_HTTP_ANSWER_HEAD_H

#include "net/http_exchange.h"
#include "net/http_head.h"

struct http_answer_head {
    int status; /* 100: go on with the body, an answer still comes */
    const struct http_header *headers;
    size_t header_count;
    size_t size;             /* bytes of input that the head took */
    bool has_body;           /* bytes follow */
    uint64_t content_length; /* HTTP_LENGTH_UNKNOWN: chunked, or not said.  Of an answer to HEAD:
                                what GET would have sent */
    bool wants_close;
    const char *refusal; /* why HTTP_HEAD_REFUSED */
};

/* previous_size: how much of input an earlier call found incomplete, 0 at first.  The head is
 * copied into arena (names as they were sent), and only if it is complete. */
enum http_head_result http_answer_head_parse(struct bytes input, size_t previous_size, bool is_head,
                                             struct arena *arena,
                                             struct http_answer_head *ret_head);

/* Value of the first header of that name, in any case; BYTES_NONE if there is none. */
struct bytes http_answer_header(const struct http_answer_head *head, const char *name);

#endif
