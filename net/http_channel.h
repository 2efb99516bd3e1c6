/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a peer on one loop, and the one request on it: the client's side of HTTP/1.1 for
 * net/http_relay.c.  Kept open between requests, in a pool of its loop.
 *
 *   open -> [RESOLVING] -> CONNECTING -> [HANDSHAKE] -> SENDING (head, prefix)
 *        -> WAITING (100 Continue; write*; body_sent) -> ANSWERING (read*)
 *        -> leave: IDLE in the pool if both sides are at the end of a message, else closed
 *
 * The payload is withheld until the peer has sent 100 Continue; if its answer comes without one, no
 * byte of the payload was sent and none will be: both sides know, and the connection stays usable.
 * Failure modes: CLOSED with `failure` (ST_CLOSED, ST_TIMEOUT, ST_UNAVAILABLE: not connected,
 * ST_INVALID: no HTTP).  `changed` comes from events of the loop only, never inside a call.
 * All of it ON_LOOP.
 */
#ifndef NET_HTTP_CHANNEL_H
#define NET_HTTP_CHANNEL_H

#include <sys/uio.h>

#include "net/http_answer_head.h"
#include "net/http_chunked.h"
#include "net/http_loop.h"
#include "net/wire.h"

enum http_channel_state {
    HTTP_CHANNEL_RESOLVING, /* the name of the node */
    HTTP_CHANNEL_CONNECTING,
    HTTP_CHANNEL_HANDSHAKE, /* of TLS */
    HTTP_CHANNEL_SENDING,
    HTTP_CHANNEL_WAITING,
    HTTP_CHANNEL_ANSWERING,
    HTTP_CHANNEL_IDLE,
    HTTP_CHANNEL_CLOSED,
    HTTP_CHANNEL_STATE_COUNT
};

struct http_channel;
typedef void http_channel_fn(struct http_channel *channel, void *arg);

struct http_channel_options {
    struct wire_options wire;
    struct bytes head;   /* lives until leave, as prefix and arena do */
    struct bytes prefix; /* first bytes of the body */
    bool has_payload;    /* more of it follows after 100 Continue */
    bool is_head;        /* the answer is one to HEAD */
    bool is_fresh;       /* not over a connection that was kept */
    struct arena *arena; /* for the head of the answer */
    http_channel_fn *changed;
    void *arg;
};

#define HTTP_CHANNEL_MAGIC UINT32_C(0x6863686E)

struct http_channel {
    uint32_t magic;
    struct list node; /* of the loop's pool, in IDLE */
    struct http_loop *loop;
    h2o_socket_t *socket;
    struct wire wire; /* of socket, which only tells when */
    h2o_timeout_entry_t timer;
    struct loop_task failed_task;
    enum http_channel_state state;
    struct host_question *question; /* in RESOLVING */
    struct host_addresses addresses;
    size_t address_next; /* to be tried if this one cannot be reached */
    struct http_channel_options options;
    bool is_reused;
    bool is_reading;
    bool has_continue; /* 100 Continue has come */
    bool is_body_sent;
    bool has_heard; /* some byte of an answer has come */
    struct iovec parts[2];
    size_t part_first;
    size_t head_seen;
    struct http_answer_head answer;
    struct http_chunked chunked;
    uint64_t left;       /* of the answer's body, unless chunked */
    bool is_answer_over; /* all of it was read */
    enum status failure;
    const char *sentence; /* static, or in the arena */
};

/* Never fails here: `changed` comes. */
struct http_channel *http_channel_open(struct http_loop *loop,
                                       const struct http_channel_options *options);
/* ST_OK: *ret_size of the parts were taken; ST_WOULD_WAIT: `changed` comes; else CLOSED. */
MUST_USE enum status http_channel_write(struct http_channel *channel, const struct iovec *parts,
                                        size_t count, size_t *ret_size);
/* The last byte of the payload was written. */
void http_channel_body_sent(struct http_channel *channel);
/* Bytes of the answer's body: 0 at its end.  ST_WOULD_WAIT: `changed` comes; else it was cut. */
MUST_USE enum status http_channel_read(struct http_channel *channel, char *out, size_t capacity,
                                       size_t *ret_size);
/* Back to the pool, or closed.  NULL is allowed. */
void http_channel_leave(struct http_channel **take_channel);

/* The end of the loop: close what is kept. */
void http_channel_close_kept(struct http_loop *loop);

#endif
