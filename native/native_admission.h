/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a native request costs, from its head alone, and how one is refused because of the load: for
 * struct http_admission, before anything of the request is looked at.  arg is the struct native.
 */
#ifndef NATIVE_NATIVE_ADMISSION_H
#define NATIVE_NATIVE_ADMISSION_H

#include "native/native_handler.h"

/* An http_classify_fn: as the contract of the route says.  Of routes that only the message tells
 * apart the first counts; all with one path are of one class. */
ON_LOOP enum load_class native_classify(struct http_exchange *exchange, void *arg);
/* An http_refuse_fn: 429 with Retry-After. */
ON_LOOP void native_refuse(struct http_exchange *exchange, unsigned retry_after_s,
                           const char *sentence, void *arg);

#endif
