/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request and its response, as the dialects see them.
 *
 * Life: the server parses a head and calls the handler (ON_LOOP, must not wait).  From then on the
 * exchange belongs to the handler, which may ask for the body, hop to a worker, and must answer
 * exactly once with http_exchange_respond().  A client that goes away does not end the exchange:
 * the handler still answers, and the answer is dropped.  After respond the exchange must not be
 * touched.
 *
 *   handler (loop) -> [read_body | stream_body] -> [run_on_worker] -> respond
 */
#ifndef NET_HTTP_EXCHANGE_H
#define NET_HTTP_EXCHANGE_H

#include "base/affinity.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/load.h"
#include "base/status.h"
#include "stream/sink.h"
#include "stream/source.h"

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

struct http_header {
    struct bytes name;  /* lower case in requests; written as given in responses */
    struct bytes value; /* without white space around it */
};

struct http_request {
    struct bytes method;
    struct bytes path;  /* as sent, neither decoded nor normalised; absolute form is stripped */
    struct bytes query; /* after the first '?', as sent; data is NULL if there was none */
    struct bytes host;  /* value of Host, with its port */
    const struct http_header *headers; /* all of them in order of arrival, also host and the like */
    size_t header_count;
    bool is_tls;
    bool has_body;
    bool expects_continue;
    uint64_t content_length;   /* HTTP_LENGTH_UNKNOWN: chunked */
    struct bytes peer_address; /* "192.0.2.1:1234" */
    char id[24];               /* request id: 16 upper-case hex digits and a NUL */
    bool is_from_peer;         /* a verified peer passed it on (http_exchange_substitute) */
    int64_t received_ns;       /* monotonic */
};

/* Value of the first header of that lower-case name; BYTES_NONE (data NULL) if there is none. */
struct bytes http_request_header(const struct http_request *request, const char *name);
/* How often that header was sent. */
size_t http_request_header_count(const struct http_request *request, const char *name);

/* Answer: a status line, headers, and a body from memory or from a source.  The server adds Date,
 * Server, Connection and Content-Length (or chunked coding where the length is unknown). */
struct http_response {
    int status;
    const struct http_header *headers; /* in the exchange's arena */
    size_t header_count;
    struct bytes body;       /* in the exchange's arena; ignored if source is set */
    struct source *source;   /* taken */
    uint64_t content_length; /* with source; HTTP_LENGTH_UNKNOWN: chunked.  For HEAD (no body is
                                sent): what GET would have sent */
    const char *operation;   /* for the access log and metrics: "GetObject"; static */
    const char *error_code;  /* for the access log: "NoSuchKey"; static, or NULL */
    struct bytes user;       /* for the access log, in the arena */
    bool must_close;         /* close the connection after this answer */
    bool is_relayed;         /* set by http_exchange_respond_relayed: the body comes from a peer */
};

struct http_exchange;

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* Memory that lives until the answer is sent.  One thread at a time: the one that owns the
 * exchange. */
struct arena *http_exchange_arena(struct http_exchange *exchange);
/* The handler's own pointer, kept for it. */
void http_exchange_set_data(struct http_exchange *exchange, void *data);
void *http_exchange_data(const struct http_exchange *exchange);
/* True once the client is known to be gone; long operations may look.  Any thread. */
bool http_exchange_is_abandoned(const struct http_exchange *exchange);

/*
 * Collect the whole body.  Sends 100 Continue if it was asked for.  done runs on the loop, never
 * inside this call, with ST_OK and the body (in memory that lives until the answer);
 * ST_TOO_LARGE: more than size_max; ST_BUSY: no memory left for bodies; ST_INCOMPLETE, ST_CLOSED,
 * ST_TIMEOUT, ST_INVALID (bad chunk).  The handler must respond after any of them.
 */
typedef void http_body_fn(struct http_exchange *exchange, enum status st, struct bytes body);
ON_LOOP void http_exchange_read_body(struct http_exchange *exchange, size_t size_max,
                                     http_body_fn *done);

/*
 * Push the body through sink: write on workers, one buffer at a time, then finish.  Sends 100
 * Continue first.  done runs ON_WORKER (the same thread right after finish, or after the failure
 * that ended it) with the first failure of the sink or of the connection (as above); the handler
 * then responds from there.  The sink is borrowed and must live until done.  If a status is not
 * ST_OK the rest of the body is not read.
 */
typedef void http_streamed_fn(struct http_exchange *exchange, enum status st,
                              const struct error *err);
ON_LOOP void http_exchange_stream_body(struct http_exchange *exchange, struct sink *sink,
                                       http_streamed_fn *done);

/*
 * The first size bytes of the body apart from the rest, before any 100 Continue: what a peer puts
 * in front of a payload that it withholds until it is asked.  done as of read_body; with ST_OK the
 * rest may then be asked for, and if it is not, its sender never sends it.  ST_INVALID: the body is
 * shorter.
 */
ON_LOOP void http_exchange_read_prefix(struct http_exchange *exchange, size_t size,
                                       http_body_fn *done);

/* After the prefix: go on as if this request had come, whose body is the rest.  Copies *request;
 * what it points to lives in the exchange's arena. */
ON_LOOP void http_exchange_substitute(struct http_exchange *exchange,
                                      const struct http_request *request);

/* Run fn on a worker. */
typedef void http_work_fn(struct http_exchange *exchange);
void http_exchange_run_on_worker(struct http_exchange *exchange, http_work_fn *fn);

/* Run fn on the loop of the exchange, never inside this call.  Any thread. */
void http_exchange_run_on_loop(struct http_exchange *exchange, http_work_fn *fn);

/*
 * Admission by load (net/http_gate.h): go on with handler, now, later or never.  classify says what
 * kind of work the request asks for, and is only called where that matters; refuse answers that the
 * client has to slow down and when it may come back.  Both ON_LOOP, and handler too.
 */
typedef enum load_class http_classify_fn(struct http_exchange *exchange, void *arg);
typedef void http_refuse_fn(struct http_exchange *exchange, unsigned retry_after_s,
                            const char *sentence, void *arg);
struct http_admission {
    http_classify_fn *classify;
    void (*handler)(struct http_exchange *exchange, void *arg);
    http_refuse_fn *refuse;
    void *arg;
};
ON_LOOP void http_exchange_admit(struct http_exchange *exchange,
                                 const struct http_admission *admission);
/* The class is known: the workers of LOAD_CONTROL are urgent ones from now on. */
void http_exchange_set_class(struct http_exchange *exchange, enum load_class load_class);

/* Any thread, once.  response is copied; what it points to must live in the exchange's arena. */
void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response);

#endif
