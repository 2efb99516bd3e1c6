/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the native dialect, in AIStore's form. */
#ifndef NATIVE_NATIVE_ANSWER_H
#define NATIVE_NATIVE_ANSWER_H

#include "net/http_exchange.h"

/* {"status":404,"message":"...","method":"GET","url_path":"/v1/..."} */
void native_answer_error(struct http_exchange *exchange, int http_status,
                         const struct error *error);

struct native_failure {
    int http_status;
    const char *tcode; /* name of AIStore's error type; NULL: none */
    struct bytes message;
    const char *node_id;
    const char *operation; /* static */
    enum status code;
    unsigned retry_after_s;            /* with 429 and 503; 0: the usual */
    const struct http_header *headers; /* more of them, in the exchange's arena */
    size_t header_count;
};
/* SPEC: AIStore cmn/err.go: the JSON of an error, as the body; for HEAD as header Hdr-Error.
 * 429 and 503 also say when to come back: Retry-After. */
void native_answer_failure(struct http_exchange *exchange, const struct native_failure *failure);

/* 400, 401, 403, 404, 409, 416, 429, 500, 501, 503, 507 by the kind of failure. */
int native_http_status(enum status st);
/* AIStore's name for it, or NULL. */
const char *native_error_type(enum status st);

#endif
