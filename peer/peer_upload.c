/* SPDX-License-Identifier: Apache-2.0 */
/* "upload": has this target an upload that may be on its way?  "upload-take": it comes here. */
#include "base/field_codec.h"
#include "object/bucket.h"
#include "object/ownership.h"
#include "object/upload_arrive.h"
#include "object/upload_find.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_upload(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    struct bucket bucket;
    enum status st = peer_require_keys(request, err);

    if (st == ST_OK) {
        st = peer_bucket_open(request, &bucket, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = upload_find_tell(&bucket, request->head.key, request->head.arguments,
                          request->head.map_version, &out, err);
    if (st == ST_OK) {
        request->fields = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    bucket_close(&bucket);
    return st;
}

enum status
peer_upload_take(struct peer_request *request, struct error *err)
{
    enum upload_arrival arrival = UPLOAD_ARRIVAL_MORE;
    struct buffer out = BUFFER_INIT;
    enum status st = peer_require_keys(request, err);

    if (st == ST_OK) {
        st = upload_arrive(request->server->store, request->head.map_version, request->from,
                           request->body, &arrival, err);
    }
    if (st == ST_OK) {
        field_put_varint(&out, arrival);
        request->fields = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    return st;
}
