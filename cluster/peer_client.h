/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to other nodes: signed heads, and the rules of patience.  peer_call is for threads that
 * may wait; peer_relay passes a client's whole request on, on its loop.
 *
 *   peer_call:   head -> [payload, once the peer wants it] -> answer -> [payload of the answer]
 *   peer_relay:  head + body of the client -> answer of the peer's dialect
 *
 * With `tls` every connection is TLS, and the certificate must be for the host of the address.
 * Without, an address that is not of this machine is refused unless is_clear_allowed.
 *
 * At most `waiting_max` threads wait for one peer at a time, more are refused at once (ST_BUSY); a
 * peer that timed out is tried once a second until it answers.  Any thread but where marked.
 */
#ifndef CLUSTER_PEER_CLIENT_H
#define CLUSTER_PEER_CLIENT_H

#include "cluster/peer_head.h"
#include "cluster/peer_signature.h"
#include "net/http_relay.h"
#include "stream/source.h"

/* How long a call waits for an answer where its caller does not say. */
#define PEER_CALL_TIMEOUT_MS (30 * 1000)
/* Between two lines of the log about one peer that cannot be reached. */
#define PEER_COMPLAINT_INTERVAL_MS (30 * 1000)
/* Between two tries of a peer that timed out. */
#define PEER_RETRY_INTERVAL_MS 1000
/* In an answer: so many bytes at the front of its body are the binary one. */
#define PEER_ANSWER_HEADER "lode-peer-answer"
/* In a request: the same. */
#define PEER_HEAD_HEADER "lode-peer-head"
/* In the answer to a relay that was refused before anything was done: status, and the map version
 * of who refuses. */
#define PEER_REFUSED_HEADER "lode-peer-refused"
#define PEER_MAP_HEADER "lode-peer-map"
/* ST_MOVED for the sake of the bucket: the revision to catch up with. */
#define PEER_BUCKET_HEADER "lode-peer-bucket"

struct peer_client;

struct peer_client_options {
    struct peer_identity *identity; /* borrowed */
    size_t waiting_max;             /* a quarter of the workers */
    struct tls_context *tls;        /* borrowed; NULL: clear text */
    bool is_clear_allowed;          /* clear text also to other machines */
    /* A call was refused because this node does not know that revision of the control values: wait
     * for it.  ON_WORKER; NULL: calls carry no revisions of buckets. */
    void (*catch_up)(void *arg, uint64_t revision);
    void *arg;
};

struct peer_client *peer_client_create(const struct peer_client_options *options);
void peer_client_destroy(struct peer_client **take_client);

struct peer_call_options {
    struct bytes node_id;
    struct bytes address;
    const char *verb;
    struct peer_head head;  /* `to` and has_payload are filled in */
    struct bytes body;      /* what follows the head, small; borrowed until it was sent */
    struct source *payload; /* instead, large, sent when the peer asks; borrowed; NULL: none */
    uint64_t payload_size;  /* HTTP_LENGTH_UNKNOWN: until its end */
    int64_t timeout_ms;     /* 0: PEER_CALL_TIMEOUT_MS */
    /* The caller's thread is no worker, and there are few of its kind: clients' requests need not
     * leave it a place among those that wait for the peer. */
    bool is_apart;
};

struct peer_call_result {
    struct peer_answer answer; /* in arena */
    struct source *payload;    /* the caller's, NULL: none; released before the arena */
};

/* ST_OK: the verb succeeded.  ST_NO_SUCH_BUCKET: head.bucket_revision says so.  Else what the peer
 * answered (ret_result->answer is set, for its map version), or ST_UNAVAILABLE, ST_TIMEOUT,
 * ST_CLOSED, ST_INVALID, ST_BUSY of the way there. */
MUST_USE ON_WORKER enum status peer_call(struct peer_client *client,
                                         const struct peer_call_options *options,
                                         struct arena *arena, struct peer_call_result *ret_result,
                                         struct error *err);

/* The same in two steps, so that several peers work at the same time: a begin that succeeded is
 * followed by finish or cancel.  The payload is sent by finish. */
struct peer_pending;
MUST_USE ON_WORKER enum status
peer_call_begin(struct peer_client *client, const struct peer_call_options *options,
                struct arena *arena, struct peer_pending **ret_pending, struct error *err);
MUST_USE ON_WORKER enum status peer_call_finish(struct peer_pending **take_pending,
                                                struct arena *arena,
                                                struct peer_call_result *ret_result,
                                                struct error *err);
void peer_call_cancel(struct peer_pending **take_pending); /* NULL is allowed */
/* Appends the payload of an answer, none included.  ST_UNAVAILABLE: it is larger than size_max
 * (bytes); what source_read says. */
MUST_USE ON_WORKER enum status peer_call_read_all(struct peer_call_result *result, size_t size_max,
                                                  struct buffer *out, struct error *err);

/* What an `is_relay` head is sent with; relayed is filled from the exchange's request. */
struct peer_relay_options {
    struct bytes node_id; /* lives in the exchange's arena, as the others do */
    struct bytes address;
    struct peer_head head;
    void *arg;
};

struct peer_relay_result {
    enum status status; /* ST_OK: answer is the dialect's; ST_MOVED and others: see peer_call */
    const char *sentence;
    bool is_client_at_fault;  /* its body failed */
    bool may_repeat;          /* nothing was done, and the body is still whole */
    uint64_t map_version;     /* of who refused; 0: unknown */
    uint64_t bucket_revision; /* with ST_MOVED: to catch up with; 0: it is about the map */
    const struct http_answer_head *answer;
    void *arg;
};
typedef void peer_relay_fn(struct http_exchange *exchange, const struct peer_relay_result *result);

/* done runs on the loop, never inside this call and only after ST_OK; then
 * http_exchange_respond_relayed, or another answer.  ST_UNAVAILABLE, ST_INVALID, ST_TOO_LARGE. */
MUST_USE ON_LOOP enum status peer_relay(struct peer_client *client, struct http_exchange *exchange,
                                        const struct peer_relay_options *options,
                                        peer_relay_fn *done, struct error *err);

#endif
