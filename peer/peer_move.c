/* SPDX-License-Identifier: Apache-2.0 */
/* "move": records, tombstones and notes of keys that this node owns now. */
#include "object/key_move.h"
#include "object/ownership.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_move(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    enum status st = peer_require_keys(request, err);

    if (st == ST_OK) {
        st = key_move_receive(request->server->store, request->head.map_version, request->from,
                              request->body, &out, err);
    }
    if (st == ST_OK) {
        request->fields = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    return st;
}
