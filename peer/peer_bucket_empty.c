/* SPDX-License-Identifier: Apache-2.0 */
/* bucket-empty: a step of DeleteBucket on this target. */
#include "object/bucket_empty.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_bucket_empty(struct peer_request *request, struct error *err)
{
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    /* This node has the value that its sender has put: it refuses writes. */
    st = bucket_empty_serve(&bucket, request->head.bucket_revision, request->head.arguments, err);
    bucket_close(&bucket);
    return st;
}
