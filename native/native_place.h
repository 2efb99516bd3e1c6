/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a native request belongs in a cluster: which node decides its key, and what this node's
 * role lets it take.  A node alone takes everything.  Any thread, does not wait.
 */
#ifndef NATIVE_NATIVE_PLACE_H
#define NATIVE_NATIVE_PLACE_H

#include "native/native_redirect.h"

/* May a request that no gateway sent come to this node?  ST_INVALID names a gateway.
 * SPEC: AIStore targets take reads of objects from clients, and writes only from gateways. */
MUST_USE enum status native_place_check_role(const struct native_call *call, struct error *err);
/* Is the request about one key?  Those with a message are told apart by it: before it is there,
 * false for what depends on it. */
bool native_place_has_key(const struct native_call *call);
/* The node that decides it.  *ret_is_local, else *ret_target in the call's arena.  An upload that
 * this node has is pinned for the call.  ST_INVALID; ST_UNAVAILABLE: it is down, or unknown;
 * ST_WOULD_WAIT: native_place_search. */
MUST_USE enum status native_place_find(struct native_call *call, bool *ret_is_local,
                                       struct native_redirect_target *ret_target,
                                       struct error *err);
MUST_USE ON_WORKER enum status native_place_search(struct native_call *call, bool *ret_is_local,
                                                   struct native_redirect_target *ret_target,
                                                   struct error *err);
/* Is the map by which the request was sent here newer than this node's? */
bool native_place_is_behind(const struct native_call *call);
/* Has this node not heard of the bucket? */
bool native_place_lacks_bucket(const struct native_call *call);

#endif
