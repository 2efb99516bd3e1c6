/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that a peer answers: its body goes to the peer and the peer's answer to the client,
 * each through one buffer, pulled as fast as the receiver takes it.  No worker is held, nothing
 * touches a disk.
 *
 *   http_exchange_relay -> done, once:
 *     the answer's head has come  -> http_exchange_respond_relayed (its body follows) or an own
 *                                    answer (then the peer's is dropped)
 *     the peer or the client failed -> an own answer, or, if may_relay_again, another peer
 * 100 Continue goes to the client only when the peer asks for the body.  A peer that is lost later
 * cuts the client's connection: an answer never ends cleanly before its end.  ON_LOOP.
 */
#ifndef NET_HTTP_RELAY_H
#define NET_HTTP_RELAY_H

#include "net/http_answer_head.h"
#include "net/wire.h"

/* Everything borrowed lives in the exchange's arena. */
struct http_relay_options {
    struct wire_options wire; /* its host is the value of Host */
    struct bytes path;        /* of POST */
    const struct http_header *headers;
    size_t header_count;
    struct bytes prefix; /* first bytes of the body, in front of the client's */
    bool is_fresh;       /* over a new connection */
    void *arg;
};

/* Never inside http_exchange_relay.  st ST_OK: answer is the peer's.  Else err says why: of the
 * client's body ST_INVALID, ST_INCOMPLETE, ST_CLOSED or ST_TIMEOUT with is_client_at_fault; of the
 * peer ST_UNAVAILABLE (no connection), ST_CLOSED, ST_TIMEOUT, ST_INVALID. */
struct http_relay_result {
    enum status status;
    const char *sentence;
    bool is_client_at_fault;
    const struct http_answer_head *answer;
    void *arg; /* of the options */
};
typedef void http_relay_fn(struct http_exchange *exchange, const struct http_relay_result *result);

ON_LOOP void http_exchange_relay(struct http_exchange *exchange,
                                 const struct http_relay_options *options, http_relay_fn *done);
/* In done: status and headers are the response's, length and body those of the answer. */
ON_LOOP void http_exchange_respond_relayed(struct http_exchange *exchange,
                                           const struct http_response *response);
/* In done: the peer has not asked for the body, so the request is still whole. */
bool http_exchange_may_relay_again(const struct http_exchange *exchange);

/* ---- for the connection of the client (net/http_body.c, net/http_reply.c, net/http_run.c) ---- */

/* Send what was framed.  ST_OK: nothing is left; ST_WOULD_WAIT: the connection is run again;
 * ST_CANCELLED: no more is wanted. */
MUST_USE enum status http_relay_push(struct http_exchange *exchange);
/* Bytes of the body, borrowed until a push has answered ST_OK. */
void http_relay_frame(struct http_exchange *exchange, const char *data, size_t size, bool is_last);
/* The body has ended or failed. */
void http_relay_settle(struct http_exchange *exchange);
/* Bytes of the answer; as http_channel_read. */
MUST_USE enum status http_relay_read(struct http_exchange *exchange, char *out, size_t capacity,
                                     size_t *ret_size);
void http_relay_release(struct http_exchange *exchange);

#endif
