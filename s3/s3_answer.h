/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a request: everything it held is given back, then the exchange is answered.  After
 * either call neither the request nor the exchange may be touched.  Any thread.
 */
#ifndef S3_S3_ANSWER_H
#define S3_S3_ANSWER_H

#include "s3/s3_request.h"

/* With request->reply. */
void s3_answer(struct s3_request *request);
/* With the error document; 304 with the headers of request->reply. */
void s3_answer_error(struct s3_request *request, const struct error *err);

/* With the answer of the node that has the key: its status, headers and body. */
struct http_answer_head;
ON_LOOP void s3_answer_relayed(struct s3_request *request, const struct http_answer_head *answer);
/* A relayed request whose key is not this node's. */
void s3_answer_moved(struct s3_request *request);

/* Of its bucket and upload, before the same request is decided anew. */
void s3_answer_let_go(struct s3_request *request);

/* Registers the metrics of all operations. */
void s3_answer_register_metrics(void);

#endif
