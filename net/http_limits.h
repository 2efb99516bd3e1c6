/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the connection layer, with its unit and the reason for its value.  Durations are
 * also in struct http_limits, so that tests can shorten them; the programs use HTTP_LIMITS_DEFAULT.
 */
#ifndef NET_HTTP_LIMITS_H
#define NET_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Request line and headers.  S3 keys take 3 KiB in percent form, metadata 2 KiB, a presigned URL
 * with a session token about 4 KiB; the rest is room. */
#define HTTP_HEAD_BYTES_MAX ((size_t)32 * 1024)
/* SDKs send 10 to 25 headers; metadata of 2 KiB in tiny pieces can need about 100. */
#define HTTP_HEADER_COUNT_MAX ((size_t)128)
/* The longest registered method has 18 letters. */
#define HTTP_METHOD_BYTES_MAX ((size_t)32)
/* One recv while a head is awaited.  Bounds what of a body passes through the small buffer. */
#define HTTP_HEAD_READ_BYTES ((size_t)8 * 1024)

/* Capacity of a fresh input buffer of h2o; what is larger, or waits for the rest of a head, counts
 * against the budget of inputs ... */
#define HTTP_INPUT_BYTES_FREE ((size_t)8 * 1024)
/* ... which is this part of body_memory_bytes, apart from it (so that half heads do not take the
 * memory of bodies), and at least the second. */
#define HTTP_INPUT_BUDGET_PART 2
#define HTTP_INPUT_BUDGET_BYTES_MIN ((size_t)64 * 1024)

/* One body buffer: large enough that a hash or a disk write outweighs the hand-over. */
#define BODY_BUFFER_BYTES ((size_t)256 * 1024)
/* The same for bodies known to be small, and where no large one is left. */
#define BODY_BUFFER_SMALL_BYTES ((size_t)16 * 1024)
/* Buffers that one request may hold: two with a worker, two being filled. */
#define HTTP_BODY_BUFFERS_MAX ((size_t)4)
/* Buffers written by one job, so that the loop can fill the others meanwhile. */
#define HTTP_BODY_BATCH_MAX ((size_t)2)
/* What one connection may receive or send per turn of the loop; then the others have theirs. */
#define HTTP_BYTES_PER_TURN ((size_t)1024 * 1024)
/* The same for pipelined requests. */
#define HTTP_REQUESTS_PER_TURN 16
/* TLS keeps a copy of the ciphertext until it is sent. */
#define HTTP_TLS_WRITE_BYTES ((size_t)128 * 1024)
/* OpenSSL's largest record; small ones cost CPU. */
#define HTTP_TLS_RECORD_BYTES 16384
/* Kernel receive buffer of TLS connections: one turn takes in all that it holds. */
#define HTTP_TLS_RECEIVE_BUFFER_BYTES (256 * 1024)

/* RFC 9112 7.1.1: extensions are ignored, so nobody needs more than a few bytes of them. */
#define HTTP_CHUNK_LINE_BYTES_MAX ((size_t)256)
/* Trailers are discarded here (aws-chunked ones are inside the body). */
#define HTTP_CHUNK_TRAILER_BYTES_MAX ((size_t)4 * 1024)
/* Framing of all chunks together may not outweigh the data by more than this: clients that send
 * single bytes cost more than they carry.  Allowed: 64 KiB + 8 bytes per byte of data. */
#define HTTP_CHUNK_OVERHEAD_BYTES ((uint64_t)64 * 1024)
#define HTTP_CHUNK_OVERHEAD_RATIO 8

/* Kernel queue of connections that were not accepted yet. */
#define HTTP_LISTEN_BACKLOG 4096
/* Accepted per turn and listener. */
#define HTTP_ACCEPTS_PER_TURN 16
/* After EMFILE and the like the listener rests, instead of spinning. */
#define HTTP_ACCEPT_PAUSE_MS 100
/* Connections beyond connection_max that are kept for the moment of answering 503; more are closed
 * unanswered. */
#define HTTP_REFUSED_CONNECTIONS_MAX ((size_t)256)
/* Loops of one server; also the most sockets that share a port. */
#define HTTP_LOOPS_MAX ((size_t)64)
/* Unused buffers that a loop keeps ready, per size. */
#define BODY_BUFFERS_KEPT_MAX ((size_t)64)
/* Kept buffers that nobody needed for this long are given back to the system. */
#define BODY_BUFFERS_TRIM_MS 1000

/* Lines of the log in a second, and for each loop, about connections that a listener for nodes
 * refused: enough for all nodes of a small cluster, and no flood. */
#define HTTP_REFUSED_LINES_MAX 10

/* Connections to peers that a loop keeps open, of all peers together. */
#define HTTP_CHANNELS_KEPT_MAX ((size_t)1024)
/* Bytes that a peer's kernel does not acknowledge for so long: the network is gone, or the machine.
 */
#define HTTP_PEER_UNACKNOWLEDGED_MS (15 * 1000)

/* While requests wait for admission: how often somebody looks whether they may go on.  As often as
 * the load is read. */
#define HTTP_GATE_LOOK_MS 250
/* How long a request waits for admission: clients that have 5 s of patience are still answered in
 * time.  This, not their number, says how many wait, because it follows what the node can do ... */
#define HTTP_GATE_PATIENCE_MS 2000
/* ... and a refusal costs nearly as much CPU as a small PUT: who waits costs none.  The bound for
 * each that may go in: with 72 workers about connection_max. */
#define HTTP_GATE_WAITING_PER_PLACE 256
/* Body buffers in use from which on requests for data wait for their turn: three quarters of the
 * budget, so that those who are in find some. */
#define HTTP_GATE_BODIES_PART 4
#define HTTP_GATE_BODIES_PART_OF 3
/* Small requests in progress while something is critical: what a loop answers in some ms. */
#define HTTP_GATE_SMALL_RESERVE ((size_t)128)
/* Connections that have sent no request for so long are closed when descriptors are critical. */
#define HTTP_SHED_AFTER_MS 2000

struct http_limits {
    uint32_t handshake_ms;      /* accept to the end of the TLS handshake */
    uint32_t head_ms;           /* first byte (or accept) to the end of the head, in total */
    uint32_t idle_ms;           /* keep-alive; SDKs keep pools, retrying a closed one costs them */
    uint32_t rate_window_ms;    /* in each such window a client must take or send ... */
    uint64_t rate_window_bytes; /* ... so much: 1 KiB/s, slower than any modem */
    uint32_t linger_ms;         /* draining after an early answer, so that it can be read */
    uint64_t linger_bytes;      /* the same in bytes: what clients send before they look */
    uint32_t watch_ms;          /* how soon a vanished client is noticed by a working handler */
    uint32_t connect_ms;        /* to a peer: same data centre */
    uint32_t silence_ms;        /* of a peer that has to act; the longest operation on one node */
    uint32_t kept_ms;           /* idle connections to peers, well below their idle_ms */
    uint32_t gate_ms;           /* waiting for admission; HTTP_GATE_PATIENCE_MS */
    uint32_t gate_waiting;      /* so many for each place; HTTP_GATE_WAITING_PER_PLACE */
};

#define HTTP_LIMITS_DEFAULT                                                                        \
    ((struct http_limits){.handshake_ms = 10 * 1000,                                               \
                          .head_ms = 30 * 1000,                                                    \
                          .idle_ms = 120 * 1000,                                                   \
                          .rate_window_ms = 30 * 1000,                                             \
                          .rate_window_bytes = 30 * 1024,                                          \
                          .linger_ms = 10 * 1000,                                                  \
                          .linger_bytes = 64 * 1024 * 1024,                                        \
                          .watch_ms = 5 * 1000,                                                    \
                          .connect_ms = 2 * 1000,                                                  \
                          .silence_ms = 60 * 1000,                                                 \
                          .kept_ms = 30 * 1000,                                                    \
                          .gate_ms = HTTP_GATE_PATIENCE_MS,                                        \
                          .gate_waiting = HTTP_GATE_WAITING_PER_PLACE})

#endif
