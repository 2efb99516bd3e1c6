/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of keys at a source: which of them are others' under the map -> their records with small
 * bytes, and tombstones, in one request for each owner -> those that the owner took are marked
 * moved here, and their bytes freed.
 */

#include "base/check.h"
#include "base/fault.h"
#include "base/field_codec.h"
#include "base/lock.h"
#include "base/memory.h"
#include "object/client_rest.h"
#include "object/key_claim.h"
#include "object/key_holding.h"
#include "object/key_item.h"
#include "object/key_move.h"
#include "object/object_cluster.h"
#include "object/object_current.h"
#include "object/rebalance_internal.h"
#include "object/rebalance_metrics.h"
#include "object/upload_remove.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* A request with large objects waits until the owner has fetched them. */
#define SEND_TIMEOUT_MS (10 * 60 * 1000)

struct departure {
    struct rebalance_scan *scan;
    struct bytes name;
    uint64_t bucket_id;
    const struct cluster_node *owner;
    struct meta_key meta_key;
    struct seq seq; /* that is sent */
    uint64_t byte_count;
    struct commit *commit;
};

struct page {
    struct rebalance_scan *scan;
    struct cluster_map *map; /* of scan's placement; of now, else owners refuse it */
    struct arena arena;
    struct bucket bucket; /* of the last key */
    struct departure *list;
    size_t count;
    size_t sent_count; /* records and tombstones that went into a request */
    uint64_t sent_bytes;
};

static enum status
page_open(struct page *page, struct rebalance_scan *scan, struct error *err)
{
    *page = (struct page){.scan = scan, .map = ownership_map(scan->rebalance->store->ownership)};
    return page->map->placement_version == scan->map->placement_version &&
                   page->map->stage == scan->map->stage
               ? ST_OK
               : fail(err, ST_CANCELLED, "the map is another one by now");
}

static void
page_close(struct page *page)
{
    if (page->bucket.entry != NULL) {
        bucket_close(&page->bucket);
    }
    arena_release(&page->arena);
    cluster_map_unref(page->map);
}

static void
leave(struct page *page, const struct departure *departure, const struct error *why)
{
    rebalance_note_left(page->scan, meta_key_bytes(&departure->meta_key), why);
}

/* ---- which keys ---- */

/* NULL: it stays, or its bucket is gone. */
static const struct cluster_node *
other_owner(struct page *page, uint64_t bucket_id, struct bytes name)
{
    struct object_store *store = page->scan->rebalance->store;
    const struct cluster_node *owner;

    if (page->bucket.entry == NULL || page->bucket.id != bucket_id) {
        if (page->bucket.entry != NULL) {
            bucket_close(&page->bucket);
        }
        if (bucket_open_id(store, bucket_id, &page->bucket, NULL) != ST_OK) {
            return NULL;
        }
    }
    owner = cluster_map_owner_of(page->map, key_claim_digest(page->bucket.name, name));
    return owner == NULL || bytes_equal(owner->id, store->cluster.node_id) ? NULL : owner;
}

static enum status
choose_keys(struct page *page, const struct bytes *keys, size_t count, struct error *err)
{
    page->list = arena_calloc(&page->arena, count, sizeof(*page->list));
    for (size_t i = 0; i < count; i++) {
        struct departure *departure = &page->list[page->count];
        uint64_t bucket_id;
        struct bytes name;

        if (meta_key_parse_object(keys[i], &bucket_id, &name) != ST_OK) {
            return fail(err, ST_CORRUPT, "the key of a record is malformed");
        }
        departure->owner = other_owner(page, bucket_id, name);
        if (departure->owner != NULL) {
            departure->scan = page->scan;
            departure->name = name;
            departure->bucket_id = bucket_id;
            meta_key_object(&departure->meta_key, bucket_id, name);
            page->count++;
        }
    }
    return ST_OK;
}

/* ---- what is sent ---- */

static enum status
read_bytes(struct page *page, const struct object_record *record, struct home_pin *take_pin,
           struct bytes *ret_bytes, struct error *err)
{
    struct source *source = NULL;
    char *out = arena_alloc(&page->arena, (size_t)record->stored_size);
    size_t at = 0;
    enum status st =
        layout_reader_open(&(struct layout_reader_options){.layout = &record->layout,
                                                           .size = record->stored_size,
                                                           .length = record->stored_size,
                                                           .what = "a key on its way"},
                           READ_MAY_WAIT, take_pin, &source, err);

    while (st == ST_OK && at < record->stored_size) {
        size_t part = 0;

        st = source_read(source, READ_MAY_WAIT, out + at, (size_t)record->stored_size - at, &part,
                         err);
        if (st == ST_OK && part == 0) {
            st = fail(err, ST_CORRUPT, "an object has fewer bytes than its record says");
        }
        at += part;
    }
    source_release(&source);
    *ret_bytes = bytes_of(out, at);
    return st;
}

/* Appends the item of the key; *ret_is_sent false: there is nothing that counts. */
static enum status
append_item(struct page *page, struct departure *departure, struct buffer *body, bool *ret_is_sent,
            struct error *err)
{
    struct key_item item = {.bucket_id = departure->bucket_id, .key = departure->name};
    struct home_pin pin = home_pin(page->scan->home); /* before the record is read */
    struct buffer text = BUFFER_INIT;
    struct key_holding holding;
    enum status st = key_holding_read(page->scan->home, departure->bucket_id, departure->name,
                                      page->map, &page->arena, &holding, err);

    *ret_is_sent = st == ST_OK && placement_seq(&holding.holding, &departure->seq);
    if (!*ret_is_sent) {
        home_unpin(&pin);
        return st;
    }
    if (placement_shows_record(&holding.holding, 0)) {
        item.record = holding.record_value;
        departure->byte_count = holding.record.stored_size;
        item.has_bytes =
            holding.record.stored_size <= KEY_MOVE_BYTES_MAX && holding.record.part_count == 0;
        if (item.has_bytes && holding.record.stored_size > 0) {
            st = read_bytes(page, &holding.record, &pin, &item.bytes, err);
        }
    } else {
        item.mark = holding.mark_value;
    }
    if (st == ST_OK) {
        key_item_write(&item, &text);
        field_put_counted(body, buffer_bytes(&text));
    }
    home_unpin(&pin); /* unless the source took it */
    buffer_release(&text);
    return st;
}

/* ---- marks ---- */

static enum status
decide_moved(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct departure *departure = arg;
    struct former_record mark;
    struct key_holding own;
    struct buffer value = BUFFER_INIT;
    struct seq seq;
    enum status st = key_holding_get(commit, view, departure->bucket_id, departure->name,
                                     departure->scan->map, &own, err);

    if (st != ST_OK || !placement_seq(&own.holding, &seq) ||
        seq_compare(seq, departure->seq) != 0) {
        return st; /* something else by now: another pass sees it */
    }
    if (own.holding.has_record) {
        st = object_current_drop(commit, view, &own.record, err);
        if (st != ST_OK) {
            return st;
        }
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&departure->meta_key));
        object_current_count(commit, departure->bucket_id, &own.record, NULL);
    }
    placement_mark_moved(departure->seq, departure->scan->map->placement_version,
                         departure->owner->id, &mark);
    former_record_encode(&mark, &value);
    commit_put(commit, FAMILY_FORMER, meta_key_bytes(&departure->meta_key), buffer_bytes(&value));
    buffer_release(&value);
    return ST_OK;
}

/* Only while the placement is this one: then the key is not this target's. */
static enum status
admit_moved(const void *arg, struct error *err)
{
    const struct departure *departure = arg;
    struct cluster_map *map = ownership_map(departure->scan->rebalance->store->ownership);
    enum status st =
        map->placement_version == departure->scan->map->placement_version && map->is_placing
            ? ST_OK
            : fail(err, ST_MOVED, "the placement is another one by now");

    cluster_map_unref(map);
    return st;
}

static void
mark_submit(struct departure *departure)
{
    departure->commit = commit_create(&(struct commit_options){.home = departure->scan->home,
                                                               .durability = DURABILITY_STRICT,
                                                               .decide = decide_moved,
                                                               .arg = departure,
                                                               .admit = admit_moved,
                                                               .admit_arg = departure});
    commit_submit(departure->commit);
}

static enum status
mark_finish(struct departure *departure, struct error *err)
{
    struct rebalance *rebalance = departure->scan->rebalance;
    enum status st = commit_wait(departure->commit, err);

    commit_destroy(&departure->commit);
    if (st == ST_OK) {
        WITH_LOCK (&rebalance->lock) {
            rebalance->progress.sent_count++;
            rebalance->progress.sent_bytes += departure->byte_count;
        }
        metric_add(&rebalance_sent_metric, 1);
        metric_add(&rebalance_sent_bytes_metric, (int64_t)departure->byte_count);
    }
    return st;
}

/* ---- requests ---- */

static enum status
call_owner(struct page *page, const struct cluster_node *owner, const struct buffer *body,
           struct arena *arena, struct bytes *ret_answers, struct error *err)
{
    struct object_store *store = page->scan->rebalance->store;
    struct peer_call_result result = {.payload = NULL};
    const struct peer_call_options options = {
        .node_id = owner->id,
        .address = owner->peer_address,
        .verb = "move",
        .head = {.map_version = page->map->version},
        .body = buffer_bytes(body),
        .timeout_ms = SEND_TIMEOUT_MS,
        .is_apart = true,
    };
    enum status st = owner->is_down || owner->peer_address.size == 0
                         ? fail(err, ST_UNAVAILABLE, "node %.*s is down", BYTES_ARGS(owner->id))
                         : ST_OK;

    FAULT_KILL("rebalance_before_send");
    if (st == ST_OK) {
        st = peer_call(store->cluster.peers, &options, arena, &result, err);
    }
    if (st == ST_OK) {
        *ret_answers = result.answer.fields;
    }
    source_release(&result.payload);
    return st;
}

/* The owner has them: marked here, so that they are not sent again. */
static void
mark_taken(struct page *page, struct departure **sent, size_t count, struct bytes answers)
{
    struct error refusal = ERROR_INIT;
    bool is_home = rebalance_enter(page->scan, &refusal) == ST_OK;

    FAULT_KILL("rebalance_before_mark");
    for (size_t i = 0; i < count; i++) {
        bool is_taken = i < answers.size && answers.data[i] == KEY_MOVE_TAKEN;

        if (is_taken && is_home) {
            mark_submit(sent[i]);
            continue;
        }
        if (!is_taken) {
            (void)fail(&refusal, ST_BUSY, "node %.*s does not take a key yet",
                       BYTES_ARGS(sent[i]->owner->id));
        }
        leave(page, sent[i], &refusal);
    }
    for (size_t i = 0; i < count; i++) {
        struct error failure = ERROR_INIT;

        if (sent[i]->commit != NULL && mark_finish(sent[i], &failure) != ST_OK) {
            leave(page, sent[i], &failure);
        }
    }
    if (is_home) {
        store_leave(page->scan->rebalance->store->store);
    }
    FAULT_KILL("rebalance_after_mark");
}

static void
send_body(struct page *page, const struct cluster_node *owner, struct departure **sent,
          size_t count, const struct buffer *body)
{
    struct arena arena = ARENA_INIT;
    struct bytes answers = BYTES_NONE;
    struct error failure = ERROR_INIT;

    if (count > 0 && call_owner(page, owner, body, &arena, &answers, &failure) == ST_OK) {
        mark_taken(page, sent, count, answers);
    } else {
        for (size_t i = 0; i < count; i++) {
            leave(page, sent[i], &failure);
        }
    }
    arena_release(&arena);
}

/* All keys of the page that belong to that owner. */
static enum status
send_to(struct page *page, const struct cluster_node *owner, struct error *err)
{
    struct departure *sent[KEY_MOVE_ITEM_COUNT_MAX];
    struct buffer body = BUFFER_INIT;
    uint64_t fetched_bytes = 0;
    size_t count = 0;
    enum status st = ST_OK;

    for (size_t i = 0; i < page->count && st == ST_OK; i++) {
        struct departure *departure = &page->list[i];
        bool is_sent = false;

        if (departure->owner != owner) {
            continue;
        }
        if (count == KEY_MOVE_ITEM_COUNT_MAX || body.size > KEY_MOVE_BODY_BYTES_MAX / 2 ||
            fetched_bytes >= KEY_MOVE_FETCH_BYTES_MAX) {
            send_body(page, owner, sent, count, &body);
            buffer_clear(&body);
            fetched_bytes = 0;
            count = 0;
        }
        st = append_item(page, departure, &body, &is_sent, err);
        if (is_sent) {
            sent[count++] = departure;
            fetched_bytes += departure->byte_count > KEY_MOVE_BYTES_MAX ? departure->byte_count : 0;
            page->sent_count++;
            page->sent_bytes += departure->byte_count;
        }
    }
    if (st == ST_OK) {
        send_body(page, owner, sent, count, &body);
    }
    buffer_release(&body);
    return st;
}

static bool
is_over(void *arg)
{
    struct rebalance_scan *scan = arg;

    return rebalance_check(scan->rebalance, scan->map, NULL) != ST_OK;
}

enum status
rebalance_send_page(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                    struct error *err)
{
    struct client_rest rest;
    struct page page;
    enum status st;

    client_rest_begin(&rest, scan->rebalance->store, is_over, scan);
    st = page_open(&page, scan, err);
    if (st == ST_OK) {
        st = choose_keys(&page, keys, count, err);
    }
    for (size_t i = 0; i < page.count && st == ST_OK; i++) {
        bool is_first = true;

        for (size_t k = 0; k < i; k++) {
            is_first = is_first && page.list[k].owner != page.list[i].owner;
        }
        if (is_first) {
            st = send_to(&page, page.list[i].owner, err);
        }
    }
    rebalance_fit_page(scan, page.sent_count, page.sent_bytes);
    client_rest_end(&rest, page.count == 0 || st != ST_OK);
    page_close(&page);
    return st;
}

/* ---- notes ---- */

static enum status
decide_note_gone(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct departure *departure = arg;
    struct bytes value;
    enum status st =
        commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&departure->meta_key), &value, err);

    if (st == ST_OK) {
        commit_delete(commit, FAMILY_UPLOAD, meta_key_bytes(&departure->meta_key));
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* What the completion left of its parts goes first: without the record nobody would find it. */
static enum status
remove_note(struct page *page, struct departure *departure, struct upload_id id, struct error *err)
{
    const struct upload_ref ref = {.home = page->scan->home,
                                   .bucket_id = departure->bucket_id,
                                   .key = departure->name,
                                   .id = id};
    enum status st = upload_remove(&ref, DURABILITY_STRICT, false, err);

    return st != ST_OK ? st
                       : commit_run(&(struct commit_options){.home = page->scan->home,
                                                             .durability = DURABILITY_STRICT,
                                                             .decide = decide_note_gone,
                                                             .arg = departure,
                                                             .admit = admit_moved,
                                                             .admit_arg = departure},
                                    NULL, err);
}

static enum status
send_note(struct page *page, struct departure *departure, const struct key_note *note,
          struct error *err)
{
    struct key_item item = {
        .bucket_id = departure->bucket_id, .key = departure->name, .notes = note, .note_count = 1};
    struct buffer text = BUFFER_INIT;
    struct buffer body = BUFFER_INIT;
    struct bytes answers = BYTES_NONE;
    enum status st;

    key_item_write(&item, &text);
    field_put_counted(&body, buffer_bytes(&text));
    st = call_owner(page, departure->owner, &body, &page->arena, &answers, err);
    if (st == ST_OK && (answers.size == 0 || answers.data[0] != KEY_MOVE_TAKEN)) {
        st = fail(err, ST_BUSY, "a note of an upload was not taken yet");
    }
    if (st == ST_OK) {
        st = rebalance_enter(page->scan, err);
    }
    if (st == ST_OK) {
        FAULT_KILL("rebalance_before_note_gone");
        st = remove_note(page, departure, note->id, err);
        store_leave(page->scan->rebalance->store->store);
    }
    if (st != ST_OK) {
        leave(page, departure, err);
    }
    buffer_release(&text);
    buffer_release(&body);
    return ST_OK;
}

static enum status
visit_upload(struct page *page, struct bytes key, struct error *err)
{
    struct departure departure = {.scan = page->scan};
    struct meta_value value = META_VALUE_INIT;
    struct upload_record upload;
    struct key_note note;
    uint32_t number;
    enum status st =
        meta_key_parse_upload(key, &departure.bucket_id, &departure.name, &note.id, &number);

    if (st != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of an upload is malformed");
    }
    departure.owner = number == 0 ? other_owner(page, departure.bucket_id, departure.name) : NULL;
    if (departure.owner == NULL) {
        return ST_OK;
    }
    meta_key_upload(&departure.meta_key, departure.bucket_id, departure.name, note.id);
    st = meta_db_get(home_db(page->scan->home), FAMILY_UPLOAD, meta_key_bytes(&departure.meta_key),
                     true, &value, err);
    if (st == ST_OK) {
        note.value = arena_copy(&page->arena, value.data);
        st = upload_record_decode(note.value, &page->arena, &upload, err);
    }
    meta_value_release(&value);
    if (st == ST_OK && upload.state == UPLOAD_COMPLETED) {
        st = send_note(page, &departure, &note, err);
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status
rebalance_send_notes(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                     struct error *err)
{
    struct page page;
    enum status st = page_open(&page, scan, err);

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        st = visit_upload(&page, keys[i], err);
    }
    page_close(&page);
    return st;
}
