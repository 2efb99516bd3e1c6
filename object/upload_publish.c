/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_publish.h"

#include "base/check.h"
#include "base/field_codec.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/home_move.h"
#include "object/key_former.h"
#include "object/key_receive.h"
#include "object/key_settle.h"
#include "object/object_cluster.h"
#include "object/object_internal.h"
#include "object/upload_current.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* The owner fetches up to 50 TiB meanwhile; a client waits for less. */
#define PUBLISH_TIMEOUT_MS (60 * 60 * 1000)

/* Arguments of both verbs: numbers never change. */
enum argument {
    ARGUMENT_UPLOAD = 1 | FIELD_CRITICAL,
    ARGUMENT_IF_MATCH = 2 | FIELD_CRITICAL,
    ARGUMENT_IF_NONE_MATCH = 3 | FIELD_CRITICAL,
    ARGUMENT_PARTS = 4 | FIELD_CRITICAL, /* numbers */
    ARGUMENT_MD5S = 5 | FIELD_CRITICAL   /* of these parts; none: whatever is here */
};

struct arguments {
    struct upload_id id;
    bool has_id;
    struct object_conditions conditions;
    struct bytes parts;
    struct bytes md5s;
};

static enum status
read_arguments(struct bytes text, struct arguments *arguments, struct error *err)
{
    struct field field;
    enum status st;

    *arguments = (struct arguments){.has_id = false};
    while ((st = field_next(&text, &field)) == ST_OK) {
        if (field.tag == ARGUMENT_UPLOAD && field.payload.size == sizeof(arguments->id)) {
            memcpy(&arguments->id, field.payload.data, sizeof(arguments->id));
            arguments->has_id = true;
        } else if (field.tag == ARGUMENT_IF_MATCH) {
            arguments->conditions.if_match = field.payload;
        } else if (field.tag == ARGUMENT_IF_NONE_MATCH) {
            arguments->conditions.if_none_match = field.payload;
        } else if (field.tag == ARGUMENT_PARTS) {
            arguments->parts = field.payload;
        } else if (field.tag == ARGUMENT_MD5S) {
            arguments->md5s = field.payload;
        } else if ((field.tag & FIELD_CRITICAL) != 0) {
            return fail(err, ST_INVALID, "an argument about an upload cannot be read");
        }
    }
    return st == ST_NOT_FOUND && arguments->has_id
               ? ST_OK
               : fail(err, ST_INVALID, "the arguments about an upload are cut");
}

/* ---- the target of the upload ---- */

enum status
upload_publish(struct completion *completion, bool is_here, struct upload_record *ret_upload,
               struct error *err)
{
    const struct bucket *bucket = completion->bucket;
    const struct object_cluster *cluster = object_store_cluster(bucket->store);
    struct cluster_map *map = ownership_map(object_store_ownership(bucket->store));
    const struct cluster_node *owner =
        cluster_map_owner_of(map, key_claim_digest(bucket->name, completion->ref.key));
    struct key_note note = {completion->ref.id, buffer_bytes(&completion->encoded_upload)};
    struct key_item item = {.bucket_id = bucket->id, .key = completion->ref.key};
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    struct buffer body = BUFFER_INIT;
    enum status st = owner != NULL && !owner->is_down
                         ? ST_OK
                         : fail(err, ST_UNAVAILABLE, "the node that has this key now is down");

    if (is_here) {
        buffer_clear(&completion->encoded);
        object_record_encode(&completion->record, &completion->encoded);
        item.record = buffer_bytes(&completion->encoded);
        item.parts = completion->entries;
        item.part_count = completion->options->part_count;
        item.notes = &note;
        item.note_count = 1;
    }
    key_item_write(&item, &body);
    field_put(&arguments, ARGUMENT_UPLOAD, bytes_of(&completion->ref.id, sizeof(note.id)));
    field_put_text(&arguments, ARGUMENT_IF_MATCH, completion->options->conditions.if_match);
    field_put_text(&arguments, ARGUMENT_IF_NONE_MATCH,
                   completion->options->conditions.if_none_match);
    if (st == ST_OK) {
        st = peer_call(
            cluster->peers,
            &(struct peer_call_options){.node_id = owner->id,
                                        .address = owner->peer_address,
                                        .verb = "complete",
                                        .head = {.map_version = map->version,
                                                 .bucket = bucket->name,
                                                 .bucket_revision = bucket_revision(bucket),
                                                 .key = completion->ref.key,
                                                 .arguments = buffer_bytes(&arguments)},
                                        .body = buffer_bytes(&body),
                                        .timeout_ms = PUBLISH_TIMEOUT_MS},
            &completion->arena, &result, err);
        if (st == ST_OK) {
            st = upload_record_decode(result.answer.fields, &completion->arena, ret_upload, err);
        } else if (st == ST_BUSY) {
            st = fail(err, ST_MOVED, "too many requests wait for the key's owner");
        } else if (st == ST_TIMEOUT || st == ST_CLOSED || st == ST_INVALID) {
            st = fail(err, ST_UNAVAILABLE, "the key's owner did not answer, ask again");
        }
    }
    source_release(&result.payload);
    buffer_release(&arguments);
    buffer_release(&body);
    cluster_map_unref(map);
    return st;
}

/* ---- its parts' bytes ---- */

struct parts_source {
    struct source source;
    struct arena arena;
    struct home_pin pin;
    struct part_record *parts;
    size_t count;
    size_t next;
    struct source *current;
};

static enum status
open_part(struct parts_source *parts, enum read_mode mode, struct error *err)
{
    const struct part_record *part = &parts->parts[parts->next];
    struct home_pin pin;
    enum status st;

    if (mode == READ_NO_WAIT) {
        return fail(err, ST_WOULD_WAIT, "the next part is opened on a worker");
    }
    pin = home_pin(parts->pin.home);
    st = layout_reader_open(&(struct layout_reader_options){.layout = &part->layout,
                                                            .size = part->size,
                                                            .length = part->size,
                                                            .what = "a part on its way"},
                            mode, &pin, &parts->current, err);
    home_unpin(&pin);
    parts->next += st == ST_OK;
    return st;
}

static enum status
parts_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
           struct error *err)
{
    struct parts_source *parts = CONTAINER_OF(struct parts_source, source, source);
    enum status st = ST_OK;

    for (;;) {
        if (parts->current != NULL) {
            st = source_read(parts->current, mode, out, capacity, ret_size, err);
            if (st != ST_OK || *ret_size > 0) {
                return st;
            }
            source_release(&parts->current);
        }
        while (parts->next < parts->count && parts->parts[parts->next].size == 0) {
            parts->next++;
        }
        if (parts->next == parts->count) {
            *ret_size = 0;
            return ST_OK;
        }
        st = open_part(parts, mode, err);
        if (st != ST_OK) {
            return st;
        }
    }
}

static void
parts_release(struct source *source)
{
    struct parts_source *parts = CONTAINER_OF(struct parts_source, source, source);

    source_release(&parts->current);
    home_unpin(&parts->pin);
    arena_release(&parts->arena);
    free(parts);
}

static const struct source_ops PARTS_OPS = {parts_read, NULL, parts_release};

/* Of the parts that are here, those that were named. */
static enum status
choose_parts(struct parts_source *parts, struct bytes numbers, struct bytes md5s,
             uint64_t *ret_size, struct error *err)
{
    static const size_t MD5_BYTES = sizeof(parts->parts->md5);
    size_t kept = 0;
    size_t at = 0;
    uint64_t number;

    *ret_size = 0;
    while (numbers.size != 0) {
        if (!field_cut_varint(&numbers, &number)) {
            return fail(err, ST_INVALID, "the numbers of parts cannot be read");
        }
        while (at < parts->count && parts->parts[at].number < number) {
            at++;
        }
        if (at == parts->count || parts->parts[at].number != number) {
            return fail(err, ST_NO_SUCH_KEY, "a part is not here any more");
        }
        if (md5s.data != NULL &&
            (md5s.size < (kept + 1) * MD5_BYTES ||
             memcmp(md5s.data + kept * MD5_BYTES, parts->parts[at].md5, MD5_BYTES) != 0)) {
            return fail(err, ST_NO_SUCH_KEY, "a part is another one by now");
        }
        *ret_size += parts->parts[at].size;
        parts->parts[kept++] = parts->parts[at++];
    }
    parts->count = kept;
    return ST_OK;
}

enum status
upload_publish_open(const struct bucket *bucket, struct bytes key, struct bytes text,
                    struct buffer *out, struct source **ret_source, uint64_t *ret_size,
                    struct error *err)
{
    struct key_item item = {.bucket_id = bucket->id, .key = key};
    struct parts_source *parts = xcalloc(1, sizeof(*parts));
    struct source *source = &parts->source;
    struct arguments arguments;
    struct home *home = NULL;
    bool is_truncated;
    enum status st = read_arguments(text, &arguments, err);

    parts->source.ops = &PARTS_OPS;
    store_enter(bucket->store->store);
    if (st == ST_OK) {
        st = home_move_settle(bucket->store, bucket->id, key, &home, NULL, err);
    }
    if (st == ST_OK) {
        parts->pin = home_pin(home);
        st = upload_parts_read(home, bucket->id, key, arguments.id, 0, PART_NUMBER_MAX,
                               &parts->arena, &parts->parts, &parts->count, &is_truncated, err);
    }
    store_leave(bucket->store->store);
    if (st == ST_OK) {
        st = choose_parts(parts, arguments.parts, arguments.md5s, ret_size, err);
    }
    if (st == ST_OK) {
        key_item_write(&item, out);
        *ret_source = source;
        source = NULL;
    }
    source_release(&source);
    return st;
}

void
upload_publish_want(struct upload_id id, const struct part_record *const *parts, size_t count,
                    struct buffer *out)
{
    struct buffer numbers = BUFFER_INIT;
    struct buffer md5s = BUFFER_INIT;

    for (size_t i = 0; i < count; i++) {
        field_put_varint(&numbers, parts[i]->number);
        buffer_append(&md5s, parts[i]->md5, sizeof(parts[i]->md5));
    }
    field_put(out, ARGUMENT_UPLOAD, bytes_of(&id, sizeof(id)));
    field_put(out, ARGUMENT_PARTS, buffer_bytes(&numbers));
    field_put(out, ARGUMENT_MD5S, buffer_bytes(&md5s));
    buffer_release(&numbers);
    buffer_release(&md5s);
}

/* ---- the owner ---- */

static enum status
find_own_note(const struct bucket *bucket, struct bytes key, struct upload_id id,
              struct arena *arena, struct upload_record *ret_upload, struct error *err)
{
    struct home *home;
    enum status st;

    store_enter(bucket->store->store);
    st = home_move_settle(bucket->store, bucket->id, key, &home, NULL, err);
    if (st == ST_OK) {
        st = upload_get(home, bucket->id, key, id, true, arena, ret_upload, err);
    }
    store_leave(bucket->store->store);
    if (st == ST_OK && ret_upload->state != UPLOAD_COMPLETED) {
        st = ret_upload->state == UPLOAD_OPEN || ret_upload->state == UPLOAD_LEAVING
                 ? fail(err, ST_MOVED, "the upload is this node's by now")
                 : fail(err, ST_NO_SUCH_UPLOAD, "the upload was not completed here");
    }
    return st;
}

static enum status
fetch_and_commit(const struct key_claim *claim, const struct bucket *bucket,
                 const struct key_item *item, const struct arguments *arguments,
                 const struct cluster_map *map, const struct cluster_node *from,
                 struct arena *arena, struct error *err)
{
    struct buffer wanted = BUFFER_INIT;
    struct buffer numbers = BUFFER_INIT;
    struct source *source = NULL;
    struct key_item fetched;
    struct key_former_ask ask = {bucket, item->key, map, from, BYTES_NONE};
    enum status st;

    for (size_t i = 0; i < item->part_count; i++) {
        field_put_varint(&numbers, item->parts[i].number);
    }
    field_put(&wanted, ARGUMENT_UPLOAD, bytes_of(&arguments->id, sizeof(arguments->id)));
    field_put(&wanted, ARGUMENT_PARTS, buffer_bytes(&numbers));
    ask.arguments = buffer_bytes(&wanted);
    st = key_former_fetch(&ask, (struct seq){0, 0}, arena, &fetched, &source, err);
    if (st == ST_OK) {
        st = key_receive_run(&(struct key_receive_options){.bucket = bucket,
                                                           .mode = RECEIVE_PUBLISH,
                                                           .map = map,
                                                           .claim = claim,
                                                           .item = item,
                                                           .source = source,
                                                           .conditions = &arguments->conditions},
                             err);
    }
    source_release(&source);
    buffer_release(&wanted);
    buffer_release(&numbers);
    return st == ST_NO_SUCH_KEY && source == NULL && item->record.size == 0
               ? fail(err, ST_NO_SUCH_UPLOAD, "the upload is not there any more")
               : st;
}

enum status
upload_publish_take(const struct bucket *bucket, struct bytes from, uint64_t map_version,
                    struct bytes text, struct bytes body, struct buffer *out, struct error *err)
{
    struct cluster_map *map = ownership_map(object_store_ownership(bucket->store));
    const struct cluster_node *sender = map != NULL ? cluster_map_find(map, from) : NULL;
    struct arena arena = ARENA_INIT;
    struct upload_record upload;
    struct arguments arguments;
    struct key_claim claim;
    struct key_item item;
    enum status st = sender != NULL && map->version == map_version
                         ? read_arguments(text, &arguments, err)
                         : fail(err, ST_MOVED, "the map of the sender is not the present one");

    if (st == ST_OK) {
        st = key_item_read(body, &arena, &item, err);
    }
    if (st == ST_OK) {
        st = key_claim_admit(bucket, item.key, READ_MAY_WAIT, &claim, err);
    }
    if (st == ST_OK) {
        st = find_own_note(bucket, item.key, arguments.id, &arena, &upload, err);
        if (st == ST_NO_SUCH_UPLOAD) {
            st = key_settle_note(&claim, bucket, item.key, arguments.id, &arena, &upload, err);
        }
        if (st == ST_NO_SUCH_UPLOAD && item.record.size != 0 && item.note_count == 1) {
            st = object_conditions_are_given(&arguments.conditions)
                     ? key_settle(&claim, bucket, item.key, err)
                     : ST_OK;
            if (st == ST_OK) {
                st = fetch_and_commit(&claim, bucket, &item, &arguments, map, sender, &arena, err);
            }
            st = st == ST_OK ? find_own_note(bucket, item.key, arguments.id, &arena, &upload, err)
                             : st;
        }
    }
    if (st == ST_OK) {
        upload_record_encode(&upload, out);
    }
    arena_release(&arena);
    cluster_map_unref(map);
    return st;
}
