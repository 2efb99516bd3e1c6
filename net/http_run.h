/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens on a connection, in steps: head, handler, body, reply, and again.  Every event ends
 * in http_run(), the one place where requests follow each other and where a connection is freed.
 * It never recurses: called from inside itself (a handler that answers at once) it returns, and the
 * outer run goes on.
 */
#ifndef NET_HTTP_RUN_H
#define NET_HTTP_RUN_H

#include "net/http_connection.h"

/* The connection may be gone afterwards. */
void http_run(struct http_connection *connection);
/* The handler asked for the body; what follows happens after it has returned. */
void http_run_receive_body(struct http_connection *connection);
/* The head did not come in time. */
void http_run_answer_timeout(struct http_connection *connection);

#endif
