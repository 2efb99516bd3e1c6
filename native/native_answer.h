/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the native dialect: JSON, text, and errors in AIStore's form. */
#ifndef NATIVE_NATIVE_ANSWER_H
#define NATIVE_NATIVE_ANSWER_H

#include "net/http_exchange.h"

/* body is copied. */
void native_answer(struct http_exchange *exchange, const char *content_type, struct bytes body);
/* {"status":404,"message":"...","method":"GET","url_path":"/v1/..."} */
void native_answer_error(struct http_exchange *exchange, int http_status,
                         const struct error *error);
/* 400, 401, 403, 404, 409, 429, 500, 501, 503 by the kind of failure. */
int native_http_status(enum status st);

#endif
