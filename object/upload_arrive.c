/* SPDX-License-Identifier: Apache-2.0 */
/*
 * begin (ARRIVING) -> which parts are not here as they are there -> their bytes as one stream, a
 * commit for each -> open.  Each step is synced, and repeated after a stop at any point: the sender
 * has everything until this target says DECIDED.
 */
#include "object/upload_arrive.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/fetch_place.h"
#include "object/home_move.h"
#include "object/key_claim.h"
#include "object/key_former.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/upload_current.h"
#include "object/upload_item.h"
#include "object/upload_location.h"
#include "object/upload_publish.h"
#include "store/layout_writer.h"

#include "base/banned.h"

/* Read and written at a time. */
#define ARRIVE_BUFFER_BYTES ((size_t)256 << 10)
/* Turns of uploads, apart from those of keys. */
#define ARRIVE_TURN_SALT UINT64_C(0xa441ea441ea441e5)

struct arrival {
    struct object_store *store;
    struct cluster_map *map;
    const struct cluster_node *from;
    struct arena arena;
    struct upload_item item;
    struct bucket bucket;
    enum upload_state state; /* as decide_begin found it, or made it */
    uint64_t left_at;        /* of that record: when it left this target, 0: never */
    const struct part_record **wanted;
    size_t wanted_count;
    bool has_more;
};

/* One part, between its bytes and its commit. */
struct part_arrival {
    struct arrival *arrival;
    const struct part_record *part;
    struct layout_writer *writer;
    struct layout layout;
    struct buffer encoded;
};

/* ---- commits ---- */

/* Exactly the placement of the sender, unfinished: then the upload belongs here. */
static enum status
admit_arrival(const void *arg, struct error *err)
{
    const struct arrival *arrival = arg;
    struct cluster_map *map = ownership_map(arrival->store->ownership);
    enum status st = map->placement_version == arrival->map->placement_version && map->is_placing
                         ? ST_OK
                         : fail(err, ST_MOVED, "the placement of an upload is not the present one");

    cluster_map_unref(map);
    return st;
}

static void
put_record(struct commit *commit, const struct arrival *arrival, enum upload_state state)
{
    struct upload_record record = arrival->item.record;
    struct buffer encoded = BUFFER_INIT;
    struct meta_key key;

    record.state = state;
    record.destination = BYTES_NONE;
    record.generation = state == UPLOAD_ARRIVING ? arrival->left_at : 0;
    upload_record_encode(&record, &encoded);
    meta_key_upload(&key, arrival->bucket.id, arrival->item.key, arrival->item.id);
    commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&encoded));
    buffer_release(&encoded);
}

static enum status
get_state(struct commit *commit, struct commit_view *view, struct arrival *arrival, bool *ret_has,
          struct error *err)
{
    struct upload_record record;
    struct bytes value;
    enum status st = upload_current_get(commit, view, arrival->bucket.id, arrival->item.key,
                                        arrival->item.id, &record, &value, err);

    *ret_has = st == ST_OK;
    arrival->left_at = 0;
    if (st == ST_OK) {
        arrival->state = record.state;
        arrival->left_at = record.generation;
    }
    return st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
}

/* What is sent again is what this target took once, and has given away since. */
static bool
has_gone_on(const struct arrival *arrival)
{
    uint64_t sent_at = arrival->item.record.generation; /* 0: it was OPEN there just now */

    return (arrival->state == UPLOAD_MOVED || arrival->state == UPLOAD_ARRIVING) && sent_at != 0 &&
           arrival->left_at > sent_at;
}

static enum status
decide_begin(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct arrival *arrival = arg;
    bool has;
    enum status st = get_state(commit, view, arrival, &has, err);

    if (st == ST_OK && has && has_gone_on(arrival)) {
        arrival->state = UPLOAD_MOVED; /* also if it is about to return */
    } else if (st == ST_OK && (!has || arrival->state == UPLOAD_MOVED)) {
        put_record(commit, arrival, UPLOAD_ARRIVING);
        arrival->state = UPLOAD_ARRIVING;
    }
    return st;
}

static enum status
require_arriving(struct commit *commit, struct commit_view *view, struct arrival *arrival,
                 struct error *err)
{
    bool has;
    enum status st = get_state(commit, view, arrival, &has, err);

    if (st == ST_OK && (!has || arrival->state != UPLOAD_ARRIVING)) {
        st = fail(err, ST_CONFLICT, "the upload was ended while it came");
    }
    return st;
}

static enum status
decide_open(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct arrival *arrival = arg;
    enum status st = require_arriving(commit, view, arrival, err);

    if (st == ST_OK) {
        put_record(commit, arrival, UPLOAD_OPEN);
    }
    return st;
}

static enum status
decide_part(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct part_arrival *part = arg;
    struct arrival *arrival = part->arrival;
    struct meta_key key;
    enum status st = require_arriving(commit, view, arrival, err);

    if (st == ST_OK) {
        layout_writer_put_pages(part->writer, commit); /* naming reads them */
        st = commit_name_layout(commit, view, &part->layout, false, err);
    }
    if (st != ST_OK) {
        return st;
    }
    meta_key_part(&key, arrival->bucket.id, arrival->item.key, arrival->item.id,
                  part->part->number);
    st = upload_drop_part(commit, view, meta_key_bytes(&key), err);
    if (st == ST_OK) {
        commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&part->encoded));
    }
    return st;
}

/* The caller has entered. */
static enum status
find_home(const struct arrival *arrival, struct home **ret_home, struct error *err)
{
    enum status st = home_move_settle(arrival->store, arrival->bucket.id, arrival->item.key,
                                      ret_home, NULL, err);

    return st == ST_OK ? home_require_writable(*ret_home, err) : st;
}

static enum status
run_decision(struct arrival *arrival, commit_decide_fn *decide, struct error *err)
{
    struct home *home;
    enum status st;

    store_enter(arrival->store->store);
    st = find_home(arrival, &home, err);
    if (st == ST_OK) {
        st = commit_run(&(struct commit_options){.home = home,
                                                 .durability = DURABILITY_STRICT,
                                                 .decide = decide,
                                                 .arg = arrival,
                                                 .is_refused = arrival->bucket.is_refusing_writes,
                                                 .admit = admit_arrival,
                                                 .admit_arg = arrival},
                        NULL, err);
    }
    store_leave(arrival->store->store);
    return st;
}

/* ---- parts ---- */

/* Pairs of map version and counter are unique on one node only. */
static bool
is_same_part(const struct part_record *own, const struct part_record *other)
{
    return own->number == other->number && own->size == other->size &&
           own->created_ns == other->created_ns && seq_compare(own->seq, other->seq) == 0 &&
           memcmp(own->md5, other->md5, sizeof(own->md5)) == 0;
}

static enum status
choose_parts(struct arrival *arrival, struct error *err)
{
    const struct upload_item *item = &arrival->item;
    struct part_record *own = NULL;
    size_t own_count = 0;
    size_t at = 0;
    uint64_t bytes = 0;
    struct home *home;
    bool is_truncated;
    enum status st;

    store_enter(arrival->store->store);
    st = find_home(arrival, &home, err);
    if (st == ST_OK) {
        st = upload_parts_read(home, arrival->bucket.id, item->key, item->id, 0, PART_NUMBER_MAX,
                               &arrival->arena, &own, &own_count, &is_truncated, err);
    }
    store_leave(arrival->store->store);
    if (st != ST_OK) {
        return st;
    }
    arrival->wanted = arena_calloc(&arrival->arena, item->part_count, sizeof(struct part_record *));
    for (size_t i = 0; i < item->part_count; i++) {
        const struct part_record *part = &item->parts[i];

        while (at < own_count && own[at].number < part->number) {
            at++;
        }
        if (at < own_count && is_same_part(&own[at], part)) {
            continue;
        }
        if (bytes >= UPLOAD_ARRIVE_BYTES_MAX) {
            arrival->has_more = true;
            break;
        }
        bytes += part->size;
        arrival->wanted[arrival->wanted_count++] = part;
    }
    return ST_OK;
}

static enum status
write_bytes(struct part_arrival *part, struct source *source, struct error *err)
{
    struct buffer buffer = BUFFER_INIT;
    char *room = buffer_reserve(&buffer, ARRIVE_BUFFER_BYTES);
    uint64_t left = part->part->size;
    enum status st = ST_OK;

    while (st == ST_OK && left > 0) {
        size_t size = 0;

        st = source_read(source, READ_MAY_WAIT, room,
                         left < ARRIVE_BUFFER_BYTES ? (size_t)left : ARRIVE_BUFFER_BYTES, &size,
                         err);
        if (st == ST_OK && size == 0) {
            st = fail(err, ST_CLOSED, "the bytes of a part were cut on their way");
        }
        if (st == ST_OK) {
            left -= size;
            st = layout_writer_write(part->writer, bytes_of(room, size), err);
        }
    }
    buffer_release(&buffer);
    return st;
}

static enum status
write_part(struct part_arrival *part, struct home *home, struct source *source, struct error *err)
{
    const struct arrival *arrival = part->arrival;
    struct layout_writer_options options = {
        .home = home,
        .bucket_id = arrival->bucket.id,
        .key = arrival->item.key,
        .upload = &arrival->item.id,
        .part_number = part->part->number,
        .is_piece = true,
        .chunk_bytes = bucket_chunk_piece(&arrival->bucket.properties, part->part->size),
        .chunk_spread = arrival->bucket.properties.chunk_spread,
        .durability = DURABILITY_STRICT,
        .size = part->part->size,
    };
    enum status st = layout_writer_create(&options, &part->writer, err);

    if (st == ST_OK) {
        st = write_bytes(part, source, err);
    }
    return st;
}

static enum status
commit_part(struct part_arrival *part, struct home *home, struct error *err)
{
    struct arrival *arrival = part->arrival;
    struct part_record record = *part->part;
    enum status st;

    record.layout = part->layout;
    part_record_encode(&record, &part->encoded);
    FAULT_KILL("upload_before_part");
    st = commit_run(&(struct commit_options){.home = home,
                                             .durability = DURABILITY_STRICT,
                                             .decide = decide_part,
                                             .arg = part,
                                             .is_refused = arrival->bucket.is_refusing_writes,
                                             .writer = part->writer,
                                             .admit = admit_arrival,
                                             .admit_arg = arrival},
                    NULL, err);
    if (st == ST_OK || object_commit_is_doubtful(st)) {
        layout_writer_disown(part->writer);
    }
    return st;
}

static enum status
take_part(struct arrival *arrival, const struct part_record *wanted, struct source *source,
          struct error *err)
{
    struct part_arrival part = {.arrival = arrival, .part = wanted, .encoded = BUFFER_INIT};
    struct store *store = arrival->store->store;
    struct arena arena = ARENA_INIT;
    struct home *home = NULL;
    struct home *now = NULL;
    enum status st;

    store_enter(store);
    st = find_home(arrival, &home, err);
    store_leave(store); /* a change of mountpaths does not wait for the bytes */
    if (st == ST_OK) {
        st = write_part(&part, home, source, err);
    }
    if (st == ST_OK) {
        st = layout_writer_finish(part.writer, &arena, &part.layout, err);
    }
    store_enter(store);
    if (st == ST_OK) {
        st = find_home(arrival, &now, err);
    }
    if (st == ST_OK && now != home) {
        st = fail(err, ST_BUSY, "the key's home changed while a part came");
    }
    if (st == ST_OK) {
        st = commit_part(&part, home, err);
    }
    store_leave(store);
    layout_writer_destroy(&part.writer);
    buffer_release(&part.encoded);
    arena_release(&arena);
    return st;
}

/* With a place for it. */
static enum status
fetch_wanted(struct arrival *arrival, struct error *err)
{
    struct key_former_ask ask = {&arrival->bucket, arrival->item.key, arrival->map, arrival->from,
                                 BYTES_NONE};
    struct buffer arguments = BUFFER_INIT;
    struct source *source = NULL;
    struct key_item fetched;
    enum status st;

    upload_publish_want(arrival->item.id, arrival->wanted, arrival->wanted_count, &arguments);
    ask.arguments = buffer_bytes(&arguments);
    st = key_former_fetch(&ask, (struct seq){0, 0}, &arrival->arena, &fetched, &source, err);
    for (size_t i = 0; i < arrival->wanted_count && st == ST_OK; i++) {
        st = take_part(arrival, arrival->wanted[i], source, err);
    }
    source_release(&source);
    buffer_release(&arguments);
    return st;
}

static enum status
fetch_parts(struct arrival *arrival, struct error *err)
{
    enum status st = ST_OK;

    if (arrival->wanted_count > 0) {
        st = fetch_place_take(arrival->store, err);
        if (st == ST_OK) {
            st = fetch_wanted(arrival, err);
            fetch_place_give_back(arrival->store);
        }
    }
    return st;
}

/* ---- the flow ---- */

static enum status
take(struct arrival *arrival, enum upload_arrival *ret_arrival, struct error *err)
{
    enum status st = run_decision(arrival, decide_begin, err);

    if (st != ST_OK) {
        return st;
    }
    if (arrival->state == UPLOAD_LEAVING) {
        return fail(err, ST_BUSY, "the upload is about to leave this node");
    }
    if (arrival->state != UPLOAD_ARRIVING) {
        *ret_arrival = UPLOAD_ARRIVAL_DECIDED;
        return ST_OK;
    }
    st = choose_parts(arrival, err);
    if (st == ST_OK) {
        st = fetch_parts(arrival, err);
    }
    if (st == ST_OK && arrival->item.is_last && !arrival->has_more) {
        FAULT_KILL("upload_before_open");
        st = run_decision(arrival, decide_open, err);
        FAULT_KILL("upload_after_open");
    }
    if (st == ST_OK) {
        *ret_arrival = arrival->has_more       ? UPLOAD_ARRIVAL_MORE
                       : arrival->item.is_last ? UPLOAD_ARRIVAL_DECIDED
                                               : UPLOAD_ARRIVAL_ALL;
    }
    return st;
}

static enum status
check_item(struct arrival *arrival, struct error *err)
{
    const struct upload_item *item = &arrival->item;
    struct upload_location location = {.origin = item->record.origin};
    const struct cluster_node *place;
    enum status st = bucket_open_id(arrival->store, item->bucket_id, &arrival->bucket, err);

    if (st != ST_OK) {
        return st;
    }
    if (!cluster_id_is_valid(location.origin) || object_key_check(item->key, NULL) != ST_OK) {
        return fail(err, ST_INVALID, "an upload came without its origin, or with no key");
    }
    location.digest = key_claim_digest(arrival->bucket.name, item->key);
    place = upload_location_of(arrival->map, &location);
    return place != NULL && bytes_equal(place->id, arrival->store->cluster.node_id)
               ? ST_OK
               : fail(err, ST_MOVED, "the upload belongs to another node");
}

enum status
upload_arrive(struct object_store *store, uint64_t map_version, struct bytes from,
              struct bytes body, enum upload_arrival *ret_arrival, struct error *err)
{
    struct arrival arrival = {.store = store, .map = ownership_map(store->ownership)};
    enum status st = ST_OK;

    assert_on_worker();
    if (arrival.map == NULL || arrival.map->version != map_version) {
        st = fail(err, ST_MOVED, "the map of an upload is not the present one");
    } else {
        arrival.from = cluster_map_find(arrival.map, from);
        st = arrival.from != NULL ? ST_OK : fail(err, ST_MOVED, "the sender is not in the map");
    }
    if (st == ST_OK) {
        st = upload_item_read(body, &arrival.arena, &arrival.item, err);
    }
    if (st == ST_OK) {
        st = check_item(&arrival, err);
    }
    if (st == ST_OK) {
        uint64_t turn = decode_u64_be((const char *)arrival.item.id.bytes + 8) ^ ARRIVE_TURN_SALT;

        key_turn_take(store->turns, turn);
        st = take(&arrival, ret_arrival, err);
        key_turn_give_back(store->turns, turn);
    }
    if (arrival.bucket.entry != NULL) {
        bucket_close(&arrival.bucket);
    }
    arena_release(&arrival.arena);
    cluster_map_unref(arrival.map);
    return st;
}
