/* SPDX-License-Identifier: Apache-2.0 */
/* delete: this node's share of a DeleteObjects. */
#include "object/object_delete.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_delete(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = object_delete_serve(&bucket, request->body, &out, err);
    if (st == ST_OK) {
        request->payload = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    bucket_close(&bucket);
    return st;
}
