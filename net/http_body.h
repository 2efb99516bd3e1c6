/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The incoming pump: body bytes from the socket into memory or through a sink.
 *
 * Happy path of a stream: fill a buffer -> job on a worker: write -> message back -> refill; the
 * job of the last batch also finishes and calls done, so that a small body costs one hop.  At most
 * HTTP_BODY_BUFFERS_MAX buffers per request; beyond that nothing is received and the TCP window
 * closes.  Failure modes: the connection fails (a last job reports it), the sink fails (done is
 * called from the job at once; the rest is not read), no memory (ST_BUSY).
 */
#ifndef NET_HTTP_BODY_H
#define NET_HTTP_BODY_H

#include "net/http_connection.h"

enum http_body_step {
    HTTP_BODY_STEP_INPUT, /* waits for the client */
    HTTP_BODY_STEP_ROOM,  /* waits for the sink */
    HTTP_BODY_STEP_YIELD, /* more could be done in the next turn */
    HTTP_BODY_STEP_ENDED  /* complete, failed, or no longer wanted */
};

void http_body_begin(struct http_exchange *exchange);
/* The handler wants it, in that mode, whose members of the body are set. */
void http_body_ask(struct http_connection *connection, enum http_body_mode mode);
enum http_body_step http_body_pump(struct http_connection *connection);
/* The body will not be completed.  Does nothing after its end. */
void http_body_fail(struct http_exchange *exchange, enum status st, const char *sentence);
/* After the end: tell the handler, once.  May run its callback. */
void http_body_settle(struct http_connection *connection);
/* The answer comes, and nobody asked for the body: if all of it is there already, discard it, so
 * that the connection need not end. */
void http_body_skip_received(struct http_connection *connection);
/* Are there bytes of it that nobody will read? */
bool http_body_is_unread(const struct http_body *body);
/* With the answer of now: is it unclear where the next request begins? */
bool http_body_spoils_connection(const struct http_body *body);
void http_body_release(struct http_connection *connection);

#endif
