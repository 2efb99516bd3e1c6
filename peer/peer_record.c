/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "record": what this node has of a key.  "fetch": the record of one seq, its part table and bytes.
 * "fetch-range": some of these bytes, for a read that does not wait for all of them.  Asked by the
 * key's owner, of a node that owned it before, or of one that sends it.
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

/* What is sent of a key: an item into out, and a source of bytes, or NULL. */
typedef enum status fetch_open_fn(const struct bucket *bucket, const struct peer_head *head,
                                  struct buffer *out, struct source **ret_bytes, uint64_t *ret_size,
                                  struct error *err);

static enum status
open_whole(const struct bucket *bucket, const struct peer_head *head, struct buffer *out,
           struct source **ret_bytes, uint64_t *ret_size, struct error *err)
{
    struct seq seq = {head->seq_version, head->seq_counter};

    return head->arguments.size != 0
               ? upload_publish_open(bucket, head->key, head->arguments, out, ret_bytes, ret_size,
                                     err)
               : key_former_open(bucket, head->key, seq, out, ret_bytes, ret_size, err);
}

static enum status
open_range(const struct bucket *bucket, const struct peer_head *head, struct buffer *out,
           struct source **ret_bytes, uint64_t *ret_size, struct error *err)
{
    struct seq seq = {head->seq_version, head->seq_counter};

    return key_former_open_range(bucket, head->key, seq, head->arguments, out, ret_bytes, ret_size,
                                 err);
}

static enum status
send_fetched(struct peer_request *request, fetch_open_fn *open, struct error *err)
{
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
    st = open(&bucket, &request->head, &out, &bytes, &size, err);
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

enum status
peer_fetch(struct peer_request *request, struct error *err)
{
    return send_fetched(request, open_whole, err);
}

enum status
peer_fetch_range(struct peer_request *request, struct error *err)
{
    return send_fetched(request, open_range, err);
}
