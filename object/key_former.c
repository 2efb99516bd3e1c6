/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_former.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/field_codec.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/home_move.h"
#include "object/key_holding.h"
#include "object/object_cluster.h"
#include "object/object_get_own.h"
#include "object/object_internal.h"
#include "object/part_table.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* In front of the bytes that are fetched: an item with a part table of PART_NUMBER_MAX entries. */
#define FETCH_ITEM_BYTES_MAX ((size_t)2 << 20)
/* Completed uploads of one key within 24 h that one answer tells of; beyond them a repeated
 * Complete may be refused. */
#define NOTE_COUNT_MAX 64

/* ---- notes ---- */

static enum status
add_note(struct meta_iterator *iterator, struct arena *arena, struct key_note *notes, size_t *count,
         struct error *err)
{
    struct upload_record upload;
    struct upload_id id;
    struct bytes name;
    uint64_t bucket_id;
    uint32_t number;
    struct bytes value;
    enum status st =
        meta_key_parse_upload(meta_iterator_key(iterator), &bucket_id, &name, &id, &number);

    if (st != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of an upload is malformed");
    }
    if (number != 0) {
        return ST_OK;
    }
    value = arena_copy(arena, meta_iterator_value(iterator));
    st = upload_record_decode(value, arena, &upload, err);
    if (st == ST_OK && upload.state == UPLOAD_COMPLETED) {
        notes[(*count)++] = (struct key_note){id, value};
    }
    return st;
}

static enum status
read_notes(struct home *home, uint64_t bucket_id, struct bytes key, struct arena *arena,
           struct key_item *item, struct error *err)
{
    struct key_note *notes = arena_calloc(arena, NOTE_COUNT_MAX, sizeof(*notes));
    struct meta_iterator *iterator;
    struct meta_key lower;
    struct meta_key upper;
    size_t count = 0;
    enum status st = ST_OK;

    meta_key_object(&lower, bucket_id, key);
    lower.data[lower.size++] = 0;
    upper = lower;
    upper.data[upper.size - 1] = 1;
    iterator =
        meta_iterator_open(home_db(home), &(struct meta_scan){.family = FAMILY_UPLOAD,
                                                              .lower = meta_key_bytes(&lower),
                                                              .upper = meta_key_bytes(&upper)});
    for (meta_iterator_seek(iterator, meta_key_bytes(&lower));
         st == ST_OK && meta_iterator_is_valid(iterator) && count < NOTE_COUNT_MAX;
         meta_iterator_next(iterator)) {
        st = add_note(iterator, arena, notes, &count, err);
    }
    if (st == ST_OK && !meta_iterator_is_valid(iterator)) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    item->notes = notes;
    item->note_count = count;
    return st;
}

/* ---- who is asked ---- */

static enum status
read_item(const struct bucket *bucket, struct bytes key, struct arena *arena, struct key_item *item,
          struct home **ret_home, struct key_holding *ret_holding, struct error *err)
{
    struct cluster_map *map = ownership_map(object_store_ownership(bucket->store));
    enum status st = ST_OK;

    if (map == NULL) {
        return fail(err, ST_UNAVAILABLE, "this node has no map of its cluster yet");
    }
    st = home_move_settle(bucket->store, bucket->id, key, ret_home, NULL, err);
    if (st == ST_OK) {
        st = key_holding_read(*ret_home, bucket->id, key, map, arena, ret_holding, err);
    }
    if (st == ST_OK) {
        *item = (struct key_item){.bucket_id = bucket->id,
                                  .key = key,
                                  .record = ret_holding->record_value,
                                  .mark = ret_holding->mark_value};
    }
    cluster_map_unref(map);
    return st;
}

enum status
key_former_tell(const struct bucket *bucket, struct bytes key, struct buffer *out,
                struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct key_holding holding;
    struct key_item item;
    struct home *home;
    enum status st;

    assert_on_worker();
    store_enter(bucket->store->store);
    st = read_item(bucket, key, &arena, &item, &home, &holding, err);
    if (st == ST_OK) {
        st = read_notes(home, bucket->id, key, &arena, &item, err);
    }
    store_leave(bucket->store->store);
    if (st == ST_OK) {
        key_item_write(&item, out);
    }
    arena_release(&arena);
    return st;
}

static enum status
open_bytes(const struct bucket *bucket, const struct object_record *record, struct home_pin *pin,
           struct source **ret_source, struct error *err)
{
    if (record->stored_size == 0) {
        *ret_source = NULL;
        return ST_OK;
    }
    return layout_reader_open(&(struct layout_reader_options){.layout = &record->layout,
                                                              .size = record->stored_size,
                                                              .length = record->stored_size,
                                                              .what = "a key on its way"},
                              READ_MAY_WAIT, pin, ret_source, err);
}

enum status
key_former_open(const struct bucket *bucket, struct bytes key, struct seq seq, struct buffer *out,
                struct source **ret_source, uint64_t *ret_size, struct error *err)
{
    struct store *store = bucket->store->store;
    struct arena arena = ARENA_INIT;
    struct home_pin pin = {.home = NULL};
    struct key_holding holding;
    struct key_item item;
    struct part_entry *parts = NULL;
    struct home *home;
    bool is_truncated;
    enum status st;

    assert_on_worker();
    store_enter(store);
    st = home_move_settle(bucket->store, bucket->id, key, &home, NULL, err);
    if (st == ST_OK) {
        pin = home_pin(home); /* before the record is read */
        st = read_item(bucket, key, &arena, &item, &home, &holding, err);
    }
    if (st == ST_OK && (!holding.holding.has_record || seq_compare(holding.record.seq, seq) != 0)) {
        st = fail(err, ST_NO_SUCH_KEY, "the record that was asked for is not here any more");
    }
    if (st == ST_OK && holding.record.part_count > 0) {
        st = part_table_read(home, holding.record.layout.write_id, 0, PART_NUMBER_MAX, &arena,
                             &parts, &item.part_count, &is_truncated, err);
        item.parts = parts;
    }
    if (st == ST_OK) {
        st = open_bytes(bucket, &holding.record, &pin, ret_source, err);
    }
    store_leave(store);
    if (st == ST_OK) {
        key_item_write(&item, out);
        *ret_size = holding.record.stored_size;
    }
    home_unpin(&pin);
    arena_release(&arena);
    return st;
}

/* ---- ranges ---- */

/* Numbers never change. */
enum argument {
    ARGUMENT_OFFSET = 1 | FIELD_CRITICAL,
    ARGUMENT_LENGTH = 2 | FIELD_CRITICAL,
    ARGUMENT_HAS_PARTS = 3 | FIELD_CRITICAL
};

void
key_former_range_write(const struct key_former_range *range, struct buffer *out)
{
    field_put_number(out, ARGUMENT_OFFSET, range->offset);
    field_put_number(out, ARGUMENT_LENGTH, range->length);
    field_put_number(out, ARGUMENT_HAS_PARTS, range->has_parts);
}

static bool
read_argument(const struct field *field, struct key_former_range *range)
{
    uint64_t flag = 0;

    switch (field->tag) {
    case ARGUMENT_OFFSET:
        return field_number(field->payload, UINT64_MAX, &range->offset);
    case ARGUMENT_LENGTH:
        return field_number(field->payload, UINT64_MAX, &range->length);
    case ARGUMENT_HAS_PARTS:
        if (!field_number(field->payload, 1, &flag)) {
            return false;
        }
        range->has_parts = flag != 0;
        return true;
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
key_former_range_read(struct bytes text, struct key_former_range *ret_range, struct error *err)
{
    struct key_former_range range = {.length = 0};
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!read_argument(&field, &range)) {
            return fail(err, ST_INVALID, "an argument of a range of a key cannot be read");
        }
    }
    if (st != ST_NOT_FOUND) {
        return fail(err, ST_INVALID, "the arguments of a range of a key are malformed");
    }
    *ret_range = range;
    return ST_OK;
}

static enum status
open_range(const struct bucket *bucket, const struct object_record *record,
           const struct key_former_range *range, struct home_pin *pin, struct source **ret_source,
           struct error *err)
{
    if (range->offset > record->size || range->length > record->size - range->offset) {
        return fail(err, ST_INVALID, "a range of a key ends behind its object");
    }
    if (range->length == 0) {
        *ret_source = NULL;
        return ST_OK;
    }
    return layout_reader_open(
        &(struct layout_reader_options){.layout = &record->layout,
                                        .size = record->size,
                                        .offset = range->offset,
                                        .length = range->length,
                                        .is_unverified = !bucket->properties.verify_read,
                                        .what = "a key on its way"},
        READ_MAY_WAIT, pin, ret_source, err);
}

enum status
key_former_open_range(const struct bucket *bucket, struct bytes key, struct seq seq,
                      struct bytes arguments, struct buffer *out, struct source **ret_source,
                      uint64_t *ret_size, struct error *err)
{
    struct object_get_options find = {.key = key, .mode = READ_MAY_WAIT};
    struct arena arena = ARENA_INIT;
    struct home_pin pin = {.home = NULL};
    struct key_item item = {.bucket_id = bucket->id, .key = key};
    struct object_record record;
    struct part_entry *parts = NULL;
    struct key_former_range range;
    bool is_truncated;
    enum status st = key_former_range_read(arguments, &range, err);

    assert_on_worker();
    if (st == ST_OK) { /* where it stands: between homes nothing is moved for it */
        st = object_get_find(bucket, &find, &arena, &pin, &record, err);
    }
    if (st == ST_OK && seq_compare(record.seq, seq) != 0) {
        st = fail(err, ST_NO_SUCH_KEY, "the record that was asked for is not here any more");
    }
    if (st == ST_OK && range.has_parts && record.part_count > 0) {
        st = part_table_read(pin.home, record.layout.write_id, 0, PART_NUMBER_MAX, &arena, &parts,
                             &item.part_count, &is_truncated, err);
        item.parts = parts;
    }
    if (st == ST_OK) {
        st = open_range(bucket, &record, &range, &pin, ret_source, err);
    }
    if (st == ST_OK) {
        key_item_write(&item, out);
        *ret_size = range.length;
    }
    home_unpin(&pin);
    arena_release(&arena);
    return st;
}

/* ---- who asks ---- */

static enum status
call(const struct key_former_ask *ask, const char *verb, struct seq seq, struct arena *arena,
     struct peer_call_result *ret_result, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(ask->bucket->store);
    struct peer_call_options options = {
        .node_id = ask->node->id,
        .address = ask->node->peer_address,
        .verb = verb,
        .head = {.map_version = ask->map->version,
                 .bucket = ask->bucket->name,
                 .bucket_revision = bucket_revision(ask->bucket),
                 .key = ask->key,
                 .arguments = ask->arguments,
                 .seq_version = seq.map_version,
                 .seq_counter = seq.counter},
    };
    enum status st;

    if (ask->node->peer_address.size == 0) {
        return fail(err, ST_UNAVAILABLE, "node %.*s has no address", BYTES_ARGS(ask->node->id));
    }
    st = peer_call(cluster->peers, &options, arena, ret_result, err);
    /* The way there says many things; for the key all of them are the same. */
    if (st != ST_OK && st != ST_MOVED && st != ST_BUSY && st != ST_NO_SUCH_KEY &&
        st != ST_NO_SUCH_BUCKET) {
        st = fail(err, ST_UNAVAILABLE, "a former owner of the key, %.*s, does not answer",
                  BYTES_ARGS(ask->node->id));
    }
    return st;
}

static enum status
read_told(const struct key_former_ask *ask, struct bytes text, struct arena *arena,
          struct key_item *ret_item, struct error *err)
{
    enum status st = key_item_read(text, arena, ret_item, err);

    if (st == ST_OK &&
        (ret_item->bucket_id != ask->bucket->id || !bytes_equal(ret_item->key, ask->key))) {
        st = fail(err, ST_INVALID, "node %.*s told of another key", BYTES_ARGS(ask->node->id));
    }
    return st;
}

enum status
key_former_ask(const struct key_former_ask *ask, struct arena *arena, struct key_item *ret_item,
               struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    enum status st = call(ask, "record", (struct seq){0, 0}, arena, &result, err);

    if (st == ST_OK) {
        st = read_told(ask, result.answer.fields, arena, ret_item, err);
    }
    source_release(&result.payload);
    return st;
}

static enum status
read_exactly(struct source *source, char *out, size_t size, struct error *err)
{
    size_t at = 0;
    enum status st = ST_OK;

    while (at < size && st == ST_OK) {
        size_t part = 0;

        st = source_read(source, READ_MAY_WAIT, out + at, size - at, &part, err);
        if (st == ST_OK && part == 0) {
            st = fail(err, ST_CLOSED, "what a node sent of a key was cut");
        }
        at += part;
    }
    return st;
}

static enum status
fetch(const struct key_former_ask *ask, const char *verb, struct seq seq, struct arena *arena,
      struct key_item *ret_item, struct source **ret_source, struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    char head[8];
    char *text = NULL;
    uint64_t size = 0;
    enum status st = call(ask, verb, seq, arena, &result, err);

    if (st == ST_OK && result.payload == NULL) {
        st = fail(err, ST_INVALID, "a record came without its bytes");
    }
    if (st == ST_OK) {
        st = read_exactly(result.payload, head, sizeof(head), err);
    }
    if (st == ST_OK) {
        size = decode_u64_be(head);
        st = size <= FETCH_ITEM_BYTES_MAX
                 ? ST_OK
                 : fail(err, ST_INVALID, "what a node tells of a key is too long");
    }
    if (st == ST_OK) {
        text = arena_alloc(arena, (size_t)size);
        st = read_exactly(result.payload, text, (size_t)size, err);
    }
    if (st == ST_OK) {
        st = read_told(ask, bytes_of(text, (size_t)size), arena, ret_item, err);
    }
    if (st == ST_OK) {
        *ret_source = result.payload;
        result.payload = NULL;
    }
    source_release(&result.payload);
    return st;
}

enum status
key_former_fetch(const struct key_former_ask *ask, struct seq seq, struct arena *arena,
                 struct key_item *ret_item, struct source **ret_source, struct error *err)
{
    return fetch(ask, "fetch", seq, arena, ret_item, ret_source, err);
}

enum status
key_former_fetch_range(const struct key_former_ask *ask, struct seq seq,
                       const struct key_former_range *range, struct arena *arena,
                       struct key_item *ret_item, struct source **ret_source, struct error *err)
{
    struct key_former_ask ranged = *ask;
    struct buffer arguments = BUFFER_INIT;
    struct source *source = NULL;
    enum status st;

    key_former_range_write(range, &arguments);
    ranged.arguments = buffer_bytes(&arguments);
    st = fetch(&ranged, "fetch-range", seq, arena, ret_item, &source, err);
    if (st == ST_OK && range->length == 0) {
        source_release(&source);
    }
    if (st == ST_OK) {
        *ret_source = source;
    }
    buffer_release(&arguments);
    return st;
}
