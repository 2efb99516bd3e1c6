/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's SDK over HTTPS sends a PUT's head first, with the length of a body that it withholds,
 * and sends the body only to where it is redirected.  Such a probe is answered on its head.
 * SPEC: python/aistore/sdk/request_client.py.
 */
#ifndef NATIVE_NATIVE_REDIRECT_H
#define NATIVE_NATIVE_REDIRECT_H

#include "native/native_call.h"

bool native_redirect_is_probe(const struct native_call *call);
/* 307 to this node itself, with the marks of a gateway: pid= and utm=. */
void native_redirect_answer(struct native_call *call);

#endif
