/* SPDX-License-Identifier: Apache-2.0 */
/* "put": a PUT that came to this node's predecessor as the key's owner. */
#include "base/encode.h"
#include "object/object_put_forward.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_put(struct peer_request *request, struct error *err)
{
    struct bucket bucket;
    struct seq seq;
    char *fields;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = object_put_take(&bucket, request->head.arguments, request->body, &seq, err);
    if (st == ST_OK) {
        fields = arena_alloc(request->arena, 16);
        encode_u64_be(fields, seq.map_version);
        encode_u64_be(fields + 8, seq.counter);
        request->fields = bytes_of(fields, 16);
    }
    bucket_close(&bucket);
    return st;
}
