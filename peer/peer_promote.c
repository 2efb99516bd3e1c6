/* SPDX-License-Identifier: Apache-2.0 */
/* "promote": what this node sees of a path, and that it promotes it. */
#include "jobs/promote_cluster.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_promote(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    enum status st = peer_require_keys(request, err);

    if (st == ST_OK && request->server->jobs == NULL) {
        st = fail(err, ST_UNAVAILABLE, "This node runs no jobs yet");
    }
    if (st == ST_OK) {
        st = promote_serve(request->server->jobs, request->server->store, request->head.arguments,
                           &out, err);
    }
    if (st == ST_OK) {
        request->payload = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    return st;
}
