/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rebalance of open uploads (rule 7): those that belong to another target go there, with their
 * parts.
 *
 *   OPEN -> most parts, while the upload is in use -> closed, requests in progress end -> LEAVING
 *        -> the other target has the rest, and says that it is its own -> MOVED, parts freed
 *
 * From LEAVING on nothing changes here, so the other one has all of it.  A stop in between leaves
 * LEAVING, with the destination: under the same placement the upload is sent again; under another
 * one the destination is asked first whether it has had it since, and if not it is OPEN again.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/field_codec.h"
#include "base/lock.h"
#include "object/key_claim.h"
#include "object/object_cluster.h"
#include "object/rebalance_internal.h"
#include "object/upload_arrive.h"
#include "object/upload_current.h"
#include "object/upload_find.h"
#include "object/upload_item.h"
#include "object/upload_location.h"
#include "object/upload_remove.h"

#include "base/banned.h"

/* One request fetches up to UPLOAD_ARRIVE_BYTES_MAX. */
#define TAKE_TIMEOUT_MS (10 * 60 * 1000)
/* The rest that is sent while requests are turned away: a tenth of a second on a slow network. */
#define REST_BYTES_MAX (UINT64_C(16) << 20)
/* Times that parts are sent while others come; then the rest is what it is. */
#define ROUND_COUNT 8
/* Requests in progress have so long to end while new ones are turned away; shorter than those are
 * repeated inside (OBJECT_MOVED_PATIENCE_MS). */
#define CLOSE_TIMEOUT_MS 5000

struct leaving {
    struct rebalance_scan *scan;
    struct arena arena;
    struct bucket bucket;
    struct upload_ref ref;
    struct meta_key key;
    struct upload_record record;
    struct upload_location location;
    const struct cluster_node *to;
    uint64_t byte_count;
};

/* ---- states ---- */

struct change {
    struct leaving *leaving;
    enum upload_state from;
    enum upload_state to;
    struct bytes destination;
};

static enum status
decide_change(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct change *change = arg;
    const struct upload_ref *ref = &change->leaving->ref;
    struct buffer encoded = BUFFER_INIT;
    struct upload_record record;
    struct bytes value;
    enum status st =
        upload_current_get(commit, view, ref->bucket_id, ref->key, ref->id, &record, &value, err);

    if (st == ST_OK && record.state != change->from) {
        st = fail(err, ST_CONFLICT, "the upload is in another state by now");
    }
    if (st != ST_OK) {
        return st;
    }
    record.state = change->to;
    record.destination = change->destination;
    if (change->to == UPLOAD_OPEN) {
        record.generation = 0;
    } else if (change->from == UPLOAD_OPEN || record.generation == 0) {
        record.generation = change->leaving->scan->map->placement_version;
    }
    upload_record_encode(&record, &encoded);
    commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&change->leaving->key),
               buffer_bytes(&encoded)); /* under its seq */
    buffer_release(&encoded);
    return ST_OK;
}

/* Only under the placement by which it was decided. */
static enum status
admit_change(const void *arg, struct error *err)
{
    const struct leaving *leaving = arg;
    struct cluster_map *map = ownership_map(leaving->scan->rebalance->store->ownership);
    enum status st =
        map->placement_version == leaving->scan->map->placement_version && map->is_placing
            ? ST_OK
            : fail(err, ST_MOVED, "the placement is another one by now");

    cluster_map_unref(map);
    return st;
}

static enum status
change_state(struct leaving *leaving, enum upload_state from, enum upload_state to,
             struct bytes destination, struct error *err)
{
    struct change change = {leaving, from, to, destination};

    return commit_run(&(struct commit_options){.home = leaving->scan->home,
                                               .durability = DURABILITY_STRICT,
                                               .decide = decide_change,
                                               .arg = &change,
                                               .admit = admit_change,
                                               .admit_arg = leaving},
                      NULL, err);
}

/* ---- requests ---- */

static enum status
call(struct leaving *leaving, const struct upload_item *item, uint64_t *ret_arrival,
     struct error *err)
{
    struct object_store *store = leaving->scan->rebalance->store;
    const struct cluster_node *to = leaving->to;
    struct peer_call_result result = {.payload = NULL};
    struct arena arena = ARENA_INIT;
    struct buffer body = BUFFER_INIT;
    enum status st = to->is_down || to->peer_address.size == 0
                         ? fail(err, ST_UNAVAILABLE, "node %.*s is down", BYTES_ARGS(to->id))
                         : ST_OK;

    if (st == ST_OK) {
        upload_item_write(item, &body);
        st = peer_call(
            store->cluster.peers,
            &(struct peer_call_options){.node_id = to->id,
                                        .address = to->peer_address,
                                        .verb = "upload-take",
                                        .head = {.map_version = leaving->scan->map->version},
                                        .body = buffer_bytes(&body),
                                        .timeout_ms = TAKE_TIMEOUT_MS},
            &arena, &result, err);
    }
    if (st == ST_OK && !field_number(result.answer.fields, UPLOAD_ARRIVAL_DECIDED, ret_arrival)) {
        st = fail(err, ST_INVALID, "what a node says of an upload cannot be read");
    }
    source_release(&result.payload);
    buffer_release(&body);
    arena_release(&arena);
    return st;
}

static enum status
read_parts(struct leaving *leaving, struct upload_item *item, struct error *err)
{
    const struct upload_ref *ref = &leaving->ref;
    bool is_truncated;

    return upload_parts_read(leaving->scan->home, ref->bucket_id, ref->key, ref->id, 0,
                             PART_NUMBER_MAX, &leaving->arena, &item->parts, &item->part_count,
                             &is_truncated, err);
}

/* A resilver may move the upload to another home of this node; of what it leaves behind, the record
 * goes first (object/home_move.c).  So where the record still is, the parts that were read before
 * are all of them. */
static enum status
require_record(struct leaving *leaving, struct error *err)
{
    const struct upload_ref *ref = &leaving->ref;
    struct upload_record record;
    enum status st = upload_get(leaving->scan->home, ref->bucket_id, ref->key, ref->id, true,
                                &leaving->arena, &record, err);

    return st == ST_OK && record.state == UPLOAD_LEAVING
               ? ST_OK
               : fail(err, ST_BUSY, "an upload that leaves moves between mountpaths");
}

/* Everything that stands here now. */
static enum status
send_parts(struct leaving *leaving, bool is_last, struct error *err)
{
    struct upload_item item = {.bucket_id = leaving->ref.bucket_id,
                               .key = leaving->ref.key,
                               .id = leaving->ref.id,
                               .record = leaving->record,
                               .is_last = is_last};
    uint64_t arrival = UPLOAD_ARRIVAL_MORE;
    enum status st = read_parts(leaving, &item, err);

    if (st == ST_OK && is_last) {
        st = require_record(leaving, err);
    }
    item.record.origin = leaving->location.origin;
    while (st == ST_OK && arrival == UPLOAD_ARRIVAL_MORE) {
        st = rebalance_check(leaving->scan->rebalance, leaving->scan->map, err);
        if (st == ST_OK) {
            st = call(leaving, &item, &arrival, err);
        }
    }
    if (st == ST_OK && is_last && arrival != UPLOAD_ARRIVAL_DECIDED) {
        st = fail(err, ST_INVALID, "node %.*s did not take an upload", BYTES_ARGS(leaving->to->id));
    }
    return st;
}

/* Bytes of parts that came behind that seq. */
static enum status
count_new_bytes(struct leaving *leaving, struct seq *seq, bool is_first, uint64_t *ret_bytes,
                struct error *err)
{
    struct upload_item item = {.part_count = 0};
    struct seq greatest = *seq;
    enum status st = read_parts(leaving, &item, err);

    *ret_bytes = 0;
    for (size_t i = 0; i < item.part_count && st == ST_OK; i++) {
        if (is_first || seq_compare(item.parts[i].seq, *seq) > 0) {
            *ret_bytes += item.parts[i].size;
        }
        if (seq_compare(item.parts[i].seq, greatest) > 0) {
            greatest = item.parts[i].seq;
        }
    }
    *seq = greatest;
    return st;
}

/* Until little is left to send; clients go on meanwhile. */
static enum status
send_most(struct leaving *leaving, struct error *err)
{
    struct seq seq = {0, 0};
    uint64_t bytes = 0;
    enum status st = ST_OK;

    for (int i = 0; i < ROUND_COUNT && st == ST_OK; i++) {
        st = count_new_bytes(leaving, &seq, i == 0, &bytes, err);
        leaving->byte_count += bytes;
        if (st != ST_OK || bytes <= REST_BYTES_MAX) {
            break;
        }
        st = send_parts(leaving, false, err);
    }
    return st;
}

/* ---- one upload ---- */

static void
count_sent(struct leaving *leaving)
{
    struct rebalance *rebalance = leaving->scan->rebalance;

    WITH_LOCK (&rebalance->lock) {
        rebalance->progress.upload_count++;
        rebalance->progress.sent_bytes += leaving->byte_count;
    }
}

/* It is LEAVING, to where it belongs. */
static enum status
send_rest(struct leaving *leaving, struct error *err)
{
    enum status st = send_parts(leaving, true, err);

    FAULT_KILL("upload_before_moved");
    if (st == ST_OK) {
        st = change_state(leaving, UPLOAD_LEAVING, UPLOAD_MOVED, leaving->to->id, err);
    }
    FAULT_KILL("upload_after_moved");
    if (st == ST_OK) {
        count_sent(leaving);
        st = upload_remove(&leaving->ref, DURABILITY_STRICT, false, err);
    }
    return st;
}

static enum status
hand_over(struct leaving *leaving, struct error *err)
{
    struct object_store *store = leaving->scan->rebalance->store;
    enum status st = send_most(leaving, err);

    if (st != ST_OK) {
        return st;
    }
    if (!upload_pin_close(store, leaving->ref.id, CLOSE_TIMEOUT_MS)) {
        return fail(err, ST_BUSY, "requests on an upload that leaves are still in progress");
    }
    FAULT_KILL("upload_before_leaving");
    st = change_state(leaving, UPLOAD_OPEN, UPLOAD_LEAVING, leaving->to->id, err);
    FAULT_KILL("upload_after_leaving");
    if (st == ST_OK) {
        st = send_rest(leaving, err);
    } else if (st == ST_CONFLICT || st == ST_NO_SUCH_UPLOAD) {
        st = ST_OK; /* it was ended meanwhile */
    }
    upload_pin_open(store, leaving->ref.id);
    return st;
}

/* It was about to go somewhere under an older placement: is it there?  Nothing can come there under
 * that placement any more, because the one that is asked works by this map. */
static enum status
settle_leaving(struct leaving *leaving, bool *ret_is_open, struct error *err)
{
    const struct cluster_map *map = leaving->scan->map;
    struct bytes destination = arena_copy(&leaving->arena, leaving->record.destination);
    const struct cluster_node *node = cluster_map_find(map, destination);
    struct upload_find_subject subject = {leaving->ref.id, leaving->record.generation};
    enum upload_word word = UPLOAD_WORD_NONE;
    enum status st = node == NULL ? ST_OK /* removed, and what it had is given up */
                                  : upload_find_ask(&leaving->bucket, leaving->ref.key, &subject,
                                                    map, node, &word, err);

    *ret_is_open = st == ST_OK && word == UPLOAD_WORD_NONE;
    if (st == ST_OK && *ret_is_open) {
        return change_state(leaving, UPLOAD_LEAVING, UPLOAD_OPEN, BYTES_NONE, err);
    }
    if (st == ST_OK) {
        st = change_state(leaving, UPLOAD_LEAVING, UPLOAD_MOVED, destination, err);
    }
    return st == ST_OK ? upload_remove(&leaving->ref, DURABILITY_STRICT, false, err) : st;
}

static enum status
move_upload(struct leaving *leaving, struct error *err)
{
    struct object_store *store = leaving->scan->rebalance->store;
    bool is_own = leaving->to == NULL || bytes_equal(leaving->to->id, store->cluster.node_id);
    bool is_open = leaving->record.state == UPLOAD_OPEN;

    if (leaving->record.state == UPLOAD_LEAVING) {
        enum status st;

        if (!is_own && bytes_equal(leaving->record.destination, leaving->to->id)) {
            return send_rest(leaving, err);
        }
        st = settle_leaving(leaving, &is_open, err);
        if (st != ST_OK) {
            return st;
        }
    }
    return is_open && !is_own ? hand_over(leaving, err) : ST_OK;
}

static enum status
read_record(struct leaving *leaving, struct error *err)
{
    struct object_store *store = leaving->scan->rebalance->store;
    const struct upload_ref *ref = &leaving->ref;
    enum status st = upload_get(leaving->scan->home, ref->bucket_id, ref->key, ref->id, true,
                                &leaving->arena, &leaving->record, err);

    if (st == ST_OK) {
        leaving->location = (struct upload_location){
            .origin =
                leaving->record.origin.size != 0 ? leaving->record.origin : store->cluster.node_id,
            .digest = key_claim_digest(leaving->bucket.name, ref->key)};
        leaving->to = upload_location_of(leaving->scan->map, &leaving->location);
    }
    return st;
}

static enum status
visit(struct rebalance_scan *scan, const struct upload_ref *ref, struct error *err)
{
    struct leaving leaving = {.scan = scan, .ref = *ref};
    struct error failure = ERROR_INIT;
    enum status st;

    /* Uploads of buckets that are gone stay, and go with the sweep of the bucket. */
    if (bucket_open_id(scan->rebalance->store, ref->bucket_id, &leaving.bucket, NULL) != ST_OK) {
        return ST_OK;
    }
    leaving.ref.home = scan->home;
    meta_key_upload(&leaving.key, ref->bucket_id, ref->key, ref->id);
    st = read_record(&leaving, &failure);
    if (st == ST_OK) {
        st = move_upload(&leaving, &failure);
    } else if (st == ST_NO_SUCH_UPLOAD) {
        st = ST_OK; /* ended meanwhile */
    }
    bucket_close(&leaving.bucket);
    arena_release(&leaving.arena);
    if (st == ST_CANCELLED) {
        *err = failure;
        return st;
    }
    if (st != ST_OK) {
        rebalance_note_left(scan, meta_key_bytes(&leaving.key), &failure);
    }
    return ST_OK;
}

typedef enum status visit_fn(struct rebalance_scan *scan, const struct upload_ref *ref,
                             struct error *err);

static enum status
visit_all(struct rebalance_scan *scan, const struct bytes *keys, size_t count, visit_fn *visit_one,
          struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct upload_ref ref = {.home = scan->home};
        uint32_t number;

        if (meta_key_parse_upload(keys[i], &ref.bucket_id, &ref.key, &ref.id, &number) != ST_OK) {
            st = fail(err, ST_CORRUPT, "the key of an upload is malformed");
        } else if (number == 0) {
            st = visit_one(scan, &ref, err);
        }
    }
    return st;
}

enum status
rebalance_send_uploads(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                       struct error *err)
{
    return visit_all(scan, keys, count, visit, err);
}

/* ---- after the end ---- */

static enum status
drop_moved(struct rebalance_scan *scan, const struct upload_ref *ref, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct upload_record record;
    enum status st =
        upload_get(scan->home, ref->bucket_id, ref->key, ref->id, true, &arena, &record, err);

    if (st == ST_OK && record.state == UPLOAD_MOVED &&
        record.generation <= scan->map->finished_version) {
        st = upload_remove(ref, DURABILITY_STRICT, true, err);
    }
    arena_release(&arena);
    return st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
}

enum status
rebalance_drop_uploads(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                       struct error *err)
{
    return visit_all(scan, keys, count, drop_moved, err);
}
