/* SPDX-License-Identifier: Apache-2.0 */
/* list, uploads: one page of what this target has, for the merge of the node that lists. */
#include "base/field_codec.h"
#include "object/multipart.h"
#include "object/object_list.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

typedef enum status serve_fn(const struct bucket *bucket, struct bytes arguments,
                             uint64_t map_version, struct buffer *out, bool *ret_is_truncated,
                             struct error *err);

static enum status
serve(struct peer_request *request, serve_fn *page_of, struct error *err)
{
    struct buffer page = BUFFER_INIT;
    struct buffer fields = BUFFER_INIT;
    bool is_truncated = false;
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = page_of(&bucket, request->head.arguments, request->head.map_version, &page, &is_truncated,
                 err);
    if (st == ST_OK) {
        field_put_varint(&fields, is_truncated);
        request->fields = arena_copy(request->arena, buffer_bytes(&fields));
        request->payload = arena_copy(request->arena, buffer_bytes(&page));
    }
    buffer_release(&page);
    buffer_release(&fields);
    bucket_close(&bucket);
    return st;
}

enum status
peer_list(struct peer_request *request, struct error *err)
{
    return serve(request, object_list_serve, err);
}

enum status
peer_uploads(struct peer_request *request, struct error *err)
{
    return serve(request, multipart_list_serve, err);
}
