/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that go on at another node.  AIStore's clients follow 301 and 307 to the target that
 * has the key; what this node says about the client travels in the URL, signed
 * (cluster/redirect_signature.h), beside AIStore's own marks of a gateway, pid= and utm=.
 *
 * Its SDK over HTTPS sends a PUT's head first, with the length of a body that it withholds, and
 * sends the body only to where it is redirected.  Such a probe is answered on its head, by a node
 * that has the key with a redirect to itself.
 * SPEC: AIStore ais/proxy.go; python/aistore/sdk/request_client.py.
 */
#ifndef NATIVE_NATIVE_REDIRECT_H
#define NATIVE_NATIVE_REDIRECT_H

#include "native/native_call.h"

/* In the query: what redirect_sign made. */
#define NATIVE_REDIRECT_PARAMETER "lode"

bool native_redirect_is_probe(const struct native_call *call);

/* Has a node sent the client here? */
bool native_redirect_is_marked(const struct native_call *call);
/* Then: who the client is, as that node found.  ST_INVALID, ST_DENIED; err may say that the key is
 * missed (auth/authenticate.h). */
MUST_USE enum status native_redirect_admit(struct native_call *call, struct error *err);

/* The answer: to the node of this id, where clients reach it by url; under this version of the map.
 */
struct native_redirect_target {
    struct bytes node_id;
    struct bytes url;
    uint64_t map_version;
};
void native_redirect_answer(struct native_call *call, const struct native_redirect_target *target);
void native_redirect_answer_self(struct native_call *call);

#endif
