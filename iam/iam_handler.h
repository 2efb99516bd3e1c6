/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IAM query API: POST / with a form whose Action names one of the operations in
 * iam/iam_call.h.  The gateway asks iam_accepts() and then hands the exchange over.
 * SPEC: AWS IAM API 2010-05-08.
 */
#ifndef IAM_IAM_HANDLER_H
#define IAM_IAM_HANDLER_H

#include "auth/credential_store.h"
#include "net/http_exchange.h"

/* A form; AWS's own limit for IAM requests is of that order. */
#define IAM_BODY_BYTES_MAX ((size_t)64 << 10)

struct iam {
    struct credential_store *credentials; /* borrowed */
};

/* POST / whose credential scope names the service iam or, unsigned, whose body is a form. */
bool iam_accepts(const struct http_request *request);
/* Answers the exchange.  iam is borrowed until then. */
ON_LOOP void iam_handle(struct http_exchange *exchange, struct iam *iam);

#endif
