/* SPDX-License-Identifier: Apache-2.0 */
/* copy: this node's share of copies that a job makes. */
#include "object/object_copy_split.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_copy(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = object_copy_serve(&bucket, request->head.arguments, request->body, &out, err);
    if (st == ST_OK) {
        request->payload = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    bucket_close(&bucket);
    return st;
}
