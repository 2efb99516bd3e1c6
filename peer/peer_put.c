/* SPDX-License-Identifier: Apache-2.0 */
/* "put": a PUT that came to this node's predecessor as the key's owner, and its bytes from there.
 */
#include "object/object_put_forward.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_put_open(struct peer_request *request, struct error *err)
{
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = object_put_take_open(&bucket, request->head.key, request->head.arguments, &request->put,
                              err);
    bucket_close(&bucket);
    return st;
}

enum status
peer_put(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    enum status st = object_put_take_commit(request->put, &out, err);

    if (st == ST_OK) {
        request->fields = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    return st;
}
