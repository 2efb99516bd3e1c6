/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first steps of a request: may it come in under the present load, and whose is it?  For the
 * public listener, and for what other nodes pass on.  A struct dispatch outlives the server.
 */
#ifndef GATEWAY_DISPATCH_H
#define GATEWAY_DISPATCH_H

#include "gateway/membership.h"
#include "iam/iam_handler.h"
#include "native/native_handler.h"
#include "s3/s3_dialect.h"

/* All borrowed; filled in before the first request. */
struct dispatch {
    struct s3 *s3;
    struct native *native;
    struct iam *iam;
    struct membership *membership;
};

/* http_handler_fn; arg is the struct dispatch. */
ON_LOOP void dispatch_public(struct http_exchange *exchange, void *arg);
ON_LOOP void dispatch_relayed(struct http_exchange *exchange, void *arg);

#endif
