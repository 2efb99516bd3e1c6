/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/reverse/...: a question to another node, which the header Ais-Node-Id names, passed on whole
 * and its answer back.  SPEC: AIStore ais/prxrev.go.
 */
#ifndef NATIVE_NATIVE_REVERSE_H
#define NATIVE_NATIVE_REVERSE_H

#include "native/native_call.h"

/* Does the request mean another node of this cluster? */
bool native_reverse_is_for_other(const struct native_call *call);
/* Answers, also where that node cannot be reached. */
ON_LOOP void native_reverse_pass_on(struct native_call *call);

#endif
