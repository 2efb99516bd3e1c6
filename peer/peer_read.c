/* SPDX-License-Identifier: Apache-2.0 */
/* read: the record and the bytes of one version of a key, for a copy whose destination is another
 * node's. */
#include "base/memory.h"
#include "object/object_pull.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

/* The bytes; the bucket stays open as long as they are read. */
struct pulled_source {
    struct source source;
    struct source *inner;
    struct bucket bucket;
};

static enum status
pulled_read(struct source *source, enum read_mode mode, char *out, size_t capacity,
            size_t *ret_size, struct error *err)
{
    return source_read(((struct pulled_source *)source)->inner, mode, out, capacity, ret_size, err);
}

static void
pulled_release(struct source *source)
{
    struct pulled_source *pulled = (struct pulled_source *)source;

    source_release(&pulled->inner);
    bucket_close(&pulled->bucket);
    free(pulled);
}

static const struct source_ops PULLED_OPS = {pulled_read, NULL, pulled_release};

enum status
peer_read(struct peer_request *request, struct error *err)
{
    struct object_pulled pulled = {.source = NULL};
    struct pulled_source *source;
    struct bucket bucket;
    enum status st = peer_bucket_open(request, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    st = object_pull_serve(&bucket, request->head.key, request->head.arguments, request->arena,
                           &pulled, err);
    if (st != ST_OK) {
        bucket_close(&bucket);
        return st;
    }
    source = xcalloc(1, sizeof(*source));
    source->source.ops = &PULLED_OPS;
    source->inner = pulled.source;
    source->bucket = bucket;
    request->fields = pulled.record;
    request->source = &source->source;
    request->source_size = pulled.length;
    return ST_OK;
}
