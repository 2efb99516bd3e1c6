/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of our own to a peer, from threads that may wait: one call after the other over blocking
 * connections that are kept for the next.  Requests of clients go over net/http_relay.h instead.
 *
 *   call -> (payload, once the peer asks for it) -> head of the answer -> body, read by the caller
 *
 * Failure modes: ST_UNAVAILABLE (no connection), ST_TIMEOUT, ST_CLOSED, ST_INVALID (no HTTP/1.1);
 * what the payload's source answers.  The peer may have acted unless it was ST_UNAVAILABLE.
 */
#ifndef NET_HTTP_CALLER_H
#define NET_HTTP_CALLER_H

#include "net/http_answer_head.h"
#include "net/wire.h"
#include "stream/source.h"

/* Idle connections, of all peers together. */
#define HTTP_CALLER_KEPT_MAX ((size_t)256)

struct http_caller;

struct http_caller *http_caller_create(void);
/* After the last call and the release of the last body. */
void http_caller_destroy(struct http_caller **take_caller);

struct http_call_options {
    struct wire_options wire; /* its host is the value of Host */
    struct bytes path;        /* of POST */
    const struct http_header *headers;
    size_t header_count;
    struct bytes prefix;    /* first bytes of the body */
    struct bytes rest;      /* the others, sent at once; not with a payload */
    struct source *payload; /* what follows; borrowed; NULL: nothing */
    uint64_t payload_size;  /* HTTP_LENGTH_UNKNOWN: chunked */
    int64_t timeout_ms;     /* to the head of the answer in total, then for each wait */
};

struct http_call_result {
    struct http_answer_head head; /* in arena */
    struct source *body;          /* the caller's; NULL: none.  Must be released before the arena */
};

/* Send it, and come back for the answer: so that several peers work at the same time.  A payload is
 * sent by finish.  One of finish and cancel must follow. */
struct http_call;
MUST_USE ON_WORKER enum status http_caller_begin(struct http_caller *caller,
                                                 const struct http_call_options *options,
                                                 struct arena *arena, struct http_call **ret_call,
                                                 struct error *err);
MUST_USE ON_WORKER enum status http_caller_finish(struct http_call **take_call, struct arena *arena,
                                                  struct http_call_result *ret_result,
                                                  struct error *err);
void http_caller_cancel(struct http_call **take_call); /* NULL is allowed */

/* Both. */
MUST_USE ON_WORKER enum status
http_caller_call(struct http_caller *caller, const struct http_call_options *options,
                 struct arena *arena, struct http_call_result *ret_result, struct error *err);

#endif
