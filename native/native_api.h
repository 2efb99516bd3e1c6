/* SPDX-License-Identifier: Apache-2.0 */
/* The flow of a native request, from its head to its answer; see native_api.c. */
#ifndef NATIVE_NATIVE_API_H
#define NATIVE_NATIVE_API_H

#include "native/native_handler.h"

ON_LOOP void native_api_handle(struct http_exchange *exchange, struct native *native);

#endif
