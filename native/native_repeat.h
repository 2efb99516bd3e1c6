/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write that a node sent here counts once.  A client whose answer was lost may use the URL again:
 * it is told the answer of the first time, and nothing is done.  Between the body and the handler
 * of native_api.c; the memory is cluster/redirect_outcomes.h.
 */
#ifndef NATIVE_NATIVE_REPEAT_H
#define NATIVE_NATIVE_REPEAT_H

#include "native/native_call.h"

/* In an answer that is told again. */
#define NATIVE_REPEAT_HEADER "Lode-Answered-Before"

/* Before a write begins to count; ST_OK at once for all others.  *ret_is_told: it has counted
 * before, and call->reply is the answer of then.  ST_UNAVAILABLE: the same is being carried out;
 * ST_DENIED: its redirect came before with another body or from another address, or may have. */
MUST_USE ON_WORKER enum status native_repeat_take(struct native_call *call, bool *ret_is_told,
                                                  struct error *err);
/* With each answer, all of it filled in: what was taken is kept with it, or given back. */
void native_repeat_end(struct native_call *call, bool is_success);

#endif
