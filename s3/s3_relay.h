/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the flow of a request (s3/s3_dialect.c): which node runs the operation.  A request on an
 * upload of this node pins it until the answer.
 */
#ifndef S3_S3_RELAY_H
#define S3_S3_RELAY_H

#include "s3/s3_request.h"

/* Under the map of now: here, or at the node that has the key or the upload.  ST_OK: it goes on. */
MUST_USE ON_LOOP enum status s3_relay_or_run(struct s3_request *request, struct error *err);

/* ---- s3/s3_dialect.c ---- */

ON_LOOP void s3_start_operation(struct s3_request *request);
/* Why the network layer could not give us the body. */
void s3_answer_body_failure(struct s3_request *request, enum status st);

#endif
