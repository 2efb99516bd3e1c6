/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_move.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/field_codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/fetch_place.h"
#include "object/home_move.h"
#include "object/key_former.h"
#include "object/key_receive.h"
#include "object/object_internal.h"
#include "object/rebalance.h"
#include "object/upload_current.h"

#include "base/banned.h"

struct arrival {
    struct key_item item;
    struct bucket bucket;
    struct source *source;
    struct key_receive *receive; /* NULL: not submitted */
    enum status status;
    struct error error;
};

struct arrivals {
    struct object_store *store;
    struct cluster_map *map;
    const struct cluster_node *from;
    struct arena arena;
    struct arrival *list;
    size_t count;
};

static enum status
read_items(struct arrivals *arrivals, struct bytes body, struct error *err)
{
    struct bytes text;

    while (body.size != 0) {
        enum status st;

        if (arrivals->count == KEY_MOVE_ITEM_COUNT_MAX || !field_cut_counted(&body, &text)) {
            return fail(err, ST_INVALID, "the keys that a node sends cannot be told apart");
        }
        st = key_item_read(text, &arrivals->arena, &arrivals->list[arrivals->count].item, err);
        if (st != ST_OK) {
            return st;
        }
        arrivals->count++;
    }
    return ST_OK;
}

/* ---- notes ---- */

struct note_move {
    struct meta_key key;
    struct bytes value;
};

static enum status
decide_note(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct note_move *note = arg;
    struct bytes value;
    bool yields = true;
    enum status st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&note->key), &value, err);

    if (st == ST_OK) {
        st = upload_yields_to_note(value, commit_arena(commit), &yields, err);
    } else if (st == ST_NOT_FOUND) {
        st = ST_OK;
    }
    if (st == ST_OK && yields) {
        commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&note->key), note->value);
    }
    return st;
}

static enum status
take_note(struct arrival *arrival, const struct key_note *note, struct error *err)
{
    struct note_move move = {.value = note->value};
    struct key_claim claim;
    struct upload_record upload;
    struct arena arena = ARENA_INIT;
    struct store *store = arrival->bucket.store->store;
    struct home *home;
    struct seq seq;
    enum status st = upload_record_decode(note->value, &arena, &upload, err);

    if (st == ST_OK && upload.state != UPLOAD_COMPLETED) {
        st = fail(err, ST_INVALID, "an upload that is not completed came as a note");
    }
    arena_release(&arena);
    if (st == ST_OK) {
        st = key_claim_admit(&arrival->bucket, arrival->item.key, READ_MAY_WAIT, &claim, err);
    }
    if (st != ST_OK) {
        return st;
    }
    meta_key_upload(&move.key, arrival->bucket.id, arrival->item.key, note->id);
    store_enter(store);
    st = home_move_settle(arrival->bucket.store, arrival->bucket.id, arrival->item.key, &home, NULL,
                          err);
    FAULT_KILL("receive_before_note");
    if (st == ST_OK) {
        st = key_claim_commit(
            &claim,
            &(struct commit_options){.home = home,
                                     .durability = DURABILITY_STRICT,
                                     .decide = decide_note,
                                     .arg = &move,
                                     .is_refused = arrival->bucket.is_refusing_writes},
            &seq, err);
    }
    store_leave(store);
    return st;
}

/* ---- records and tombstones ---- */

static enum status
write_item(struct arrivals *arrivals, struct arrival *arrival, struct error *err)
{
    struct key_item *item = &arrival->item;
    struct key_receive_options options = {
        .bucket = &arrival->bucket,
        .mode = RECEIVE_MOVE,
        .map = arrivals->map,
        .item = item,
    };
    enum status st = ST_OK;

    if (item->record.size != 0 && !item->has_bytes) {
        struct key_former_ask ask = {&arrival->bucket, item->key, arrivals->map, arrivals->from,
                                     BYTES_NONE};
        struct object_record record;

        st = object_record_decode(item->record, &arrivals->arena, &record, err);
        if (st == ST_OK) {
            st = key_former_fetch(&ask, record.seq, &arrivals->arena, item, &arrival->source, err);
        }
        options.source = arrival->source;
    }
    return st == ST_OK ? key_receive_begin(&options, &arrival->receive, err) : st;
}

/* What is refused because too many are fetched is sent again. */
static enum status
take_bytes(struct arrivals *arrivals, struct arrival *arrival, struct error *err)
{
    bool is_fetched = arrival->item.record.size != 0 && !arrival->item.has_bytes;
    enum status st = is_fetched ? fetch_place_take(arrivals->store, err) : ST_OK;

    if (st == ST_OK) {
        st = write_item(arrivals, arrival, err);
        if (is_fetched) {
            fetch_place_give_back(arrivals->store);
        }
    }
    return st;
}

static void
begin(struct arrivals *arrivals, struct arrival *arrival)
{
    struct error *err = &arrival->error;
    enum status st =
        bucket_open_id(arrivals->store, arrival->item.bucket_id, &arrival->bucket, err);

    for (size_t i = 0; i < arrival->item.note_count && st == ST_OK; i++) {
        st = take_note(arrival, &arrival->item.notes[i], err);
    }
    if (st == ST_OK && (arrival->item.record.size != 0 || arrival->item.mark.size != 0)) {
        st = take_bytes(arrivals, arrival, err);
    }
    arrival->status = st;
}

static void
end(struct arrivals *arrivals, struct arrival *arrival)
{
    struct object_record record = {.stored_size = 0};

    if (arrival->receive != NULL) {
        arrival->status = key_receive_finish(&arrival->receive, &arrival->error);
        if (arrival->status == ST_OK) {
            if (arrival->item.record.size == 0 ||
                object_record_decode_summary(arrival->item.record, &record, NULL) != ST_OK) {
                record.stored_size = 0; /* a tombstone */
            }
            rebalance_count_received(arrivals->store->rebalance, arrivals->map->placement_version,
                                     record.stored_size);
        }
    }
    source_release(&arrival->source);
    if (arrival->bucket.entry != NULL) {
        bucket_close(&arrival->bucket);
    }
}

static void
receive_all(struct arrivals *arrivals, struct buffer *out)
{
    for (size_t i = 0; i < arrivals->count; i++) {
        begin(arrivals, &arrivals->list[i]);
    }
    for (size_t i = 0; i < arrivals->count; i++) {
        if (arrivals->list[i].receive != NULL) {
            key_receive_submit(arrivals->list[i].receive);
        }
    }
    for (size_t i = 0; i < arrivals->count; i++) {
        struct arrival *arrival = &arrivals->list[i];

        end(arrivals, arrival);
        if (arrival->status != ST_OK) {
            log_debug(NULL, "move_in_refused", "%s", arrival->error.text);
        }
        buffer_append_char(out,
                           (char)(arrival->status == ST_OK ? KEY_MOVE_TAKEN : KEY_MOVE_REFUSED));
    }
}

enum status
key_move_receive(struct object_store *store, uint64_t map_version, struct bytes from,
                 struct bytes body, struct buffer *out, struct error *err)
{
    struct arrivals arrivals = {.store = store,
                                .map = ownership_map(object_store_ownership(store))};
    enum status st = ST_OK;

    assert_on_worker();
    if (arrivals.map == NULL || arrivals.map->version != map_version) {
        st = fail(err, ST_MOVED, "the map of moved keys is not the present one");
    } else {
        arrivals.from = cluster_map_find(arrivals.map, from);
        st = arrivals.from != NULL ? ST_OK : fail(err, ST_MOVED, "the sender is not in the map");
    }
    if (st == ST_OK) {
        arrivals.list =
            arena_calloc(&arrivals.arena, KEY_MOVE_ITEM_COUNT_MAX, sizeof(*arrivals.list));
        st = read_items(&arrivals, body, err);
    }
    if (st == ST_OK) {
        receive_all(&arrivals, out);
    }
    arena_release(&arrivals.arena);
    cluster_map_unref(arrivals.map);
    return st;
}
