/* SPDX-License-Identifier: Apache-2.0 */
/* "complete": an upload of the sender becomes an object of this node, which owns its key. */
#include "object/upload_publish.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_complete(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = upload_publish_take(&bucket, request->from, request->head.map_version,
                             request->head.arguments, request->body, &out, err);
    if (st == ST_OK) {
        request->fields = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    bucket_close(&bucket);
    return st;
}
