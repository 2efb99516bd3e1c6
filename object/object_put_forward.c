/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_put_forward.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/field_codec.h"
#include "object/key_claim.h"
#include "object/key_item.h"
#include "object/object_checksum.h"
#include "object/object_cluster.h"
#include "object/object_put_internal.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* Arguments of the verb: numbers never change. */
enum argument {
    ARGUMENT_IF_MATCH = 1 | FIELD_CRITICAL,
    ARGUMENT_IF_NONE_MATCH = 2 | FIELD_CRITICAL
};

/* ---- who had the key ---- */

static enum status
read_back(struct object_put *put, struct arena *arena, struct bytes *ret_bytes, struct error *err)
{
    struct home_pin pin = home_pin(put->home);
    struct source *source = NULL;
    char *out = arena_alloc(arena, (size_t)put->size + 1);
    size_t at = 0;
    enum status st = ST_OK;

    if (put->size > 0) {
        st = layout_reader_open(&(struct layout_reader_options){.layout = &put->layout,
                                                                .size = put->size,
                                                                .length = put->size,
                                                                .what = "a body on its way"},
                                READ_MAY_WAIT, &pin, &source, err);
    }
    while (st == ST_OK && at < put->size) {
        size_t part = 0;

        st = source_read(source, READ_MAY_WAIT, out + at, (size_t)put->size - at, &part, err);
        if (st == ST_OK && part == 0) {
            st = fail(err, ST_CORRUPT, "a body that was written is shorter now");
        }
        at += part;
    }
    source_release(&source);
    home_unpin(&pin);
    *ret_bytes = bytes_of(out, at);
    return st;
}

static enum status
call_owner(struct object_put *put, const struct cluster_map *map, const struct cluster_node *owner,
           const struct buffer *body, struct arena *arena, struct seq *ret_seq, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(put->bucket.store);
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    enum status st;

    field_put_text(&arguments, ARGUMENT_IF_MATCH, put->conditions.if_match);
    field_put_text(&arguments, ARGUMENT_IF_NONE_MATCH, put->conditions.if_none_match);
    st = peer_call(cluster->peers,
                   &(struct peer_call_options){.node_id = owner->id,
                                               .address = owner->peer_address,
                                               .verb = "put",
                                               .head = {.map_version = map->version,
                                                        .bucket = put->bucket.name,
                                                        .key = put->key,
                                                        .arguments = buffer_bytes(&arguments)},
                                               .body = buffer_bytes(body)},
                   arena, &result, err);
    buffer_release(&arguments);
    source_release(&result.payload);
    if (st == ST_OK && result.answer.fields.size != 16) {
        st = fail(err, ST_UNAVAILABLE, "the owner's answer cannot be read, the outcome is unknown");
    }
    if (st == ST_OK) {
        *ret_seq = (struct seq){decode_u64_be(result.answer.fields.data),
                                decode_u64_be(result.answer.fields.data + 8)};
    }
    if (st == ST_TIMEOUT || st == ST_CLOSED || st == ST_INVALID || st == ST_BUSY) {
        st = fail(err, ST_UNAVAILABLE, "the key's new owner did not answer as it should");
    }
    return st;
}

enum status
object_put_forward(struct object_put *put, struct seq *ret_seq, struct error *err)
{
    struct cluster_map *map = ownership_map(object_store_ownership(put->bucket.store));
    const struct cluster_node *owner =
        cluster_map_owner_of(map, key_claim_digest(put->bucket.name, put->key));
    struct key_item item = {.bucket_id = put->bucket.id, .key = put->key, .has_bytes = true};
    struct arena arena = ARENA_INIT;
    struct buffer body = BUFFER_INIT;
    enum status st = ST_OK;

    if (put->size > OBJECT_FORWARD_BYTES_MAX || put->is_rehomed || put->is_native) {
        st = fail(err, ST_UNAVAILABLE, "the key went to another node while its body came");
    } else if (owner == NULL || owner->is_down) {
        st = fail(err, ST_UNAVAILABLE, "the node that has this key now is down");
    } else if (bytes_equal(owner->id,
                           ownership_node_id(object_store_ownership(put->bucket.store)))) {
        st = fail(err, ST_MOVED, "the key is back");
    } else {
        st = read_back(put, &arena, &item.bytes, err);
    }
    if (st == ST_OK) {
        buffer_clear(&put->encoded);
        object_record_encode(&put->record, &put->encoded);
        item.record = buffer_bytes(&put->encoded);
        key_item_write(&item, &body);
        st = call_owner(put, map, owner, &body, &arena, ret_seq, err);
    }
    buffer_release(&body);
    arena_release(&arena);
    cluster_map_unref(map);
    return st;
}

/* ---- who has it ---- */

static enum status
read_conditions(struct bytes arguments, struct object_conditions *conditions, struct error *err)
{
    struct field field;
    enum status st;

    while ((st = field_next(&arguments, &field)) == ST_OK) {
        if (field.tag == ARGUMENT_IF_MATCH) {
            conditions->if_match = field.payload;
        } else if (field.tag == ARGUMENT_IF_NONE_MATCH) {
            conditions->if_none_match = field.payload;
        } else if ((field.tag & FIELD_CRITICAL) != 0) {
            return fail(err, ST_NOT_IMPLEMENTED, "a condition is of a newer release");
        }
    }
    return st == ST_NOT_FOUND ? ST_OK : fail(err, ST_INVALID, "the conditions of a PUT are cut");
}

static enum status
write_body(struct object_put *put, struct bytes body, struct error *err)
{
    enum status st = body.size > 0 ? sink_write(object_put_sink(put), body, err) : ST_OK;

    return st == ST_OK ? sink_finish(object_put_sink(put), err) : st;
}

enum status
object_put_take(const struct bucket *bucket, struct bytes arguments, struct bytes body,
                struct seq *ret_seq, struct error *err)
{
    struct object_put_options options = {.is_forwarded = true};
    struct object_put_result result;
    struct object_put *put = NULL;
    struct object_record record;
    struct arena arena = ARENA_INIT;
    struct key_item item;
    enum status st = key_item_read(body, &arena, &item, err);

    if (st == ST_OK) {
        st = bucket_check_id(bucket, item.bucket_id, err);
    }
    if (st == ST_OK) {
        st = object_record_decode(item.record, &arena, &record, err);
    }
    if (st == ST_OK) {
        st = read_conditions(arguments, &options.conditions, err);
    }
    if (st == ST_OK) {
        options.key = item.key;
        options.size = item.bytes.size;
        options.attributes = record.attributes;
        options.expectation.checksum = record.checksum;
        options.owner = record.owner.data != NULL ? record.owner : BYTES_LITERAL("");
        st = object_put_open(bucket, &options, &put, err);
    }
    if (st == ST_OK) {
        st = write_body(put, item.bytes, err);
    }
    if (st == ST_OK) {
        st = object_put_commit(put, &result, err);
    }
    if (st == ST_OK) {
        *ret_seq = result.seq;
    }
    object_put_release(&put);
    arena_release(&arena);
    return st;
}
