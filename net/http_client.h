/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to foreign HTTP services that are few and small (etcd, tokens): blocking, each with a
 * deadline and a bound on its answer, over connections that are kept.  TLS 1.2 or newer, peers
 * verified, no redirects, no proxy, HTTP/1.1 only.  Bulk data between nodes has its own client.
 * One client serves any number of threads that may wait.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/affinity.h"
#include "base/bytes.h"
#include "base/status.h"

/* Connections that are kept beside those in use. */
#define HTTP_CLIENT_IDLE_MAX 8
/* A peer that does not take a connection (and its TLS handshake) in this time is tried no longer
 * (ms); the request's own deadline may be nearer. */
#define HTTP_CLIENT_CONNECT_TIMEOUT_MS 3000

struct http_client;
struct http_client_stopper;

struct http_client_options {
    const char *ca_file;          /* PEM; NULL: the system's authorities */
    const char *certificate_file; /* PEM; NULL: this end shows none */
    const char *key_file;         /* PEM */
};

/* Bytes of the body as they come; a status other than ST_OK ends the request with it. */
typedef enum status http_client_part_fn(struct bytes part, void *arg, struct error *err);
/* On the thread of the request; false ends it with ST_CANCELLED. */
typedef bool http_client_tick_fn(void *arg);

struct http_client_request {
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* "Name: value", header_count of them */
    size_t header_count;
    struct bytes body;         /* POSTed; data NULL: GET */
    int64_t timeout_ms;        /* for the whole exchange; 0: without end */
    size_t answer_bytes_max;   /* of a body that is gathered */
    http_client_part_fn *part; /* NULL: the body is gathered.  Only bodies of 200 are given to it */
    http_client_tick_fn *tick; /* about every tick_ms; NULL: none */
    int64_t tick_ms;
    void *arg;
    struct http_client_stopper *stopper; /* NULL: none */
};

struct http_client_answer {
    long code;          /* of the answer */
    struct buffer body; /* gathered; the caller releases it, whatever the status */
    /* The request failed before a connection was there: it had no effect. */
    bool was_never_sent;
};

#define HTTP_CLIENT_ANSWER_INIT ((struct http_client_answer){.body = BUFFER_INIT})

/* ST_INVALID: a file cannot be read. */
MUST_USE enum status http_client_create(const struct http_client_options *options,
                                        struct http_client **ret_client, struct error *err);
/* No request is in progress. */
void http_client_destroy(struct http_client **take_client);

/*
 * ST_OK: there is an answer, whatever its code.  ST_UNAVAILABLE: no connection.  ST_DENIED: TLS
 * did not verify.  ST_TIMEOUT, ST_CLOSED: broke off.  ST_TOO_LARGE: the answer.  ST_CANCELLED: by
 * tick or stopper.
 */
MUST_USE ON_WORKER enum status http_client_run(struct http_client *client,
                                               const struct http_client_request *request,
                                               struct http_client_answer *answer,
                                               struct error *err);

/* Ends requests from another thread; once stopped, those that begin later end at once. */
struct http_client_stopper *http_client_stopper_create(void);
void http_client_stopper_destroy(struct http_client_stopper **take_stopper);
void http_client_stopper_stop(struct http_client_stopper *stopper);

#endif
