/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outgoing pump: head and body of one response to the socket.
 *
 * Happy path: head and body (or the first piece of the source) leave in one write; a source is read
 * without waiting on the loop, again on a worker where it would wait, into one buffer that the
 * reply holds until it ends.  Failure modes: before the first byte has left, a source that fails or
 * a used up budget turns into a 500 or 503; later there is only the cut, which the client notices
 * by the missing bytes or the missing last chunk.
 */
#ifndef NET_HTTP_REPLY_H
#define NET_HTTP_REPLY_H

#include "net/http_connection.h"

enum http_reply_step {
    HTTP_REPLY_STEP_SENT,  /* all of it is with the kernel */
    HTTP_REPLY_STEP_WAIT,  /* for the socket or a worker */
    HTTP_REPLY_STEP_YIELD, /* more could be done in the next turn */
    HTTP_REPLY_STEP_CUT    /* the connection must end */
};

/* Takes exchange->response. */
void http_reply_begin(struct http_connection *connection);
enum http_reply_step http_reply_pump(struct http_connection *connection);
/* Body bytes given to the kernel. */
uint64_t http_reply_body_bytes(const struct http_reply *reply);
/* Not while a worker reads. */
void http_reply_release(struct http_connection *connection);

/* Fill exchange->response with an answer of the server's own. */
void http_reply_set_error(struct http_connection *connection, int status, const char *error_code,
                          const char *sentence);

#endif
