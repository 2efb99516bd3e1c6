/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "record": what this node has of a key.  "fetch": the record of one seq, its part table and bytes.
 * Asked by the key's owner, of a node that owned it before, or of one that sends it.
 */
#include "base/encode.h"
#include "base/memory.h"
#include "object/key_former.h"
#include "object/upload_publish.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

enum status
peer_record(struct peer_request *request, struct error *err)
{
    struct bucket bucket;
    struct buffer out = BUFFER_INIT;
    enum status st = peer_require_keys(request, err);

    if (st == ST_OK) {
        st = peer_bucket_open(request, &bucket, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = key_former_tell(&bucket, request->head.key, &out, err);
    if (st == ST_OK) {
        request->fields = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    bucket_close(&bucket);
    return st;
}

/* A size and the item, then the bytes of another source. */
struct fetch_source {
    struct source source;
    struct source *bytes; /* NULL: none */
    size_t sent;
    size_t size;
    char text[];
};

static enum status
fetch_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
           struct error *err)
{
    struct fetch_source *fetch = CONTAINER_OF(struct fetch_source, source, source);
    size_t left = fetch->size - fetch->sent;

    if (left == 0 && fetch->bytes != NULL) {
        return source_read(fetch->bytes, mode, out, capacity, ret_size, err);
    }
    *ret_size = left < capacity ? left : capacity;
    memcpy(out, fetch->text + fetch->sent, *ret_size);
    fetch->sent += *ret_size;
    return ST_OK;
}

static void
fetch_release(struct source *source)
{
    struct fetch_source *fetch = CONTAINER_OF(struct fetch_source, source, source);

    source_release(&fetch->bytes);
    free(fetch);
}

static const struct source_ops FETCH_OPS = {fetch_read, NULL, fetch_release};

enum status
peer_fetch(struct peer_request *request, struct error *err)
{
    struct seq seq = {request->head.seq_version, request->head.seq_counter};
    struct fetch_source *fetch;
    struct source *bytes = NULL;
    struct bucket bucket;
    struct buffer out = BUFFER_INIT;
    uint64_t size = 0;
    enum status st = peer_require_keys(request, err);

    if (st == ST_OK) {
        st = peer_bucket_open(request, &bucket, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = request->head.arguments.size != 0
             ? upload_publish_open(&bucket, request->head.key, request->head.arguments, &out,
                                   &bytes, &size, err)
             : key_former_open(&bucket, request->head.key, seq, &out, &bytes, &size, err);
    if (st == ST_OK) {
        fetch = xcalloc(1, sizeof(*fetch) + 8 + out.size);
        fetch->source.ops = &FETCH_OPS;
        fetch->bytes = bytes;
        fetch->size = 8 + out.size;
        encode_u64_be(fetch->text, out.size);
        memcpy(fetch->text + 8, out.data, out.size);
        request->source = &fetch->source;
        request->source_size = fetch->size + size;
    }
    buffer_release(&out);
    bucket_close(&bucket);
    return st;
}
