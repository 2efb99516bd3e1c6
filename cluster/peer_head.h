/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes say to each other in front of a payload: the head of a request and of an answer.
 * Foreign bytes, so a fuzz target; unknown critical fields are refused, unknown plain ones passed
 * over.  Pure.
 */
#ifndef CLUSTER_PEER_HEAD_H
#define CLUSTER_PEER_HEAD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "net/http_exchange.h"

/* A relayed S3 request has a head of up to 32 KiB; the rest is room. */
#define PEER_HEAD_BYTES_MAX ((size_t)64 * 1024)
#define PEER_PATH_PREFIX "/peer/v1/"

/* A whole request of a client, as it was received. */
struct peer_relayed {
    struct bytes method;
    struct bytes path;
    struct bytes query; /* data NULL: none */
    struct bytes host;
    struct bytes client_address;
    bool is_tls;
    const struct http_header *headers;
    size_t header_count;
};

/* bucket_revision of a bucket that was deleted meanwhile: nothing is sent. */
#define PEER_BUCKET_GONE UINT64_MAX

struct peer_head {
    struct bytes to;          /* id of the node that is meant */
    uint64_t map_version;     /* G that the sender works by */
    uint64_t bucket_revision; /* of the bucket value it was decided under; 0: none */
    struct bytes principal;   /* access key; empty: the program itself */
    struct bytes request_id;
    uint64_t deadline_ms; /* from now, the sender's patience */
    bool has_payload;
    struct bytes bucket; /* uname, "ais/@#/name/" */
    struct bytes key;
    uint64_t seq_version; /* where it matters, else 0 */
    uint64_t seq_counter;
    struct bytes arguments; /* the verb's own fields */
    bool is_relay;
    struct peer_relayed relayed;
};

/* The answer of a verb; of a relay only where it refuses. */
struct peer_answer {
    enum status status;
    uint64_t map_version;     /* that the answering node works by */
    uint64_t bucket_revision; /* ST_MOVED for the sake of the bucket: catch up with it; else 0 */
    struct bytes dialect_code;
    struct bytes sentence;
    struct bytes fields; /* the verb's own */
};

void peer_head_write(const struct peer_head *head, struct buffer *out);
/* Views into bytes, arrays in arena.  ST_INVALID, ST_NOT_IMPLEMENTED (a critical field that only
 * newer releases know). */
MUST_USE enum status peer_head_read(struct bytes bytes, struct arena *arena,
                                    struct peer_head *ret_head, struct error *err);

void peer_answer_write(const struct peer_answer *answer, struct buffer *out);
MUST_USE enum status peer_answer_read(struct bytes bytes, struct peer_answer *ret_answer,
                                      struct error *err);

#endif
