/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_find.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/field_codec.h"
#include "object/home_move.h"
#include "object/key_claim.h"
#include "object/object_cluster.h"
#include "object/object_internal.h"
#include "object/upload_current.h"
#include "object/upload_location.h"

#include "base/banned.h"

/* Workers that wait at once for uploads on their way: about a quarter.  Others are told to come
 * again. */
#define FINDER_COUNT_MAX 16

/* Arguments of the verb: numbers never change. */
enum argument {
    ARGUMENT_UPLOAD = 1 | FIELD_CRITICAL,
    ARGUMENT_LEFT_AT = 2 | FIELD_CRITICAL /* left out: 0 */
};

/* ---- one target ---- */

static enum upload_word
word_of(enum upload_state state)
{
    switch (state) {
    case UPLOAD_OPEN:
    case UPLOAD_COMPLETED:
    case UPLOAD_ABORTED:
        return UPLOAD_WORD_HERE;
    case UPLOAD_LEAVING:
        return UPLOAD_WORD_LEAVING;
    case UPLOAD_MOVED:
        return UPLOAD_WORD_MOVED;
    case UPLOAD_ARRIVING:
        return UPLOAD_WORD_NONE;
    }
    UNREACHABLE("a state of an upload");
}

/* To one that has it LEAVING since left_at: did this target have it after that?  A record of a time
 * before, when it went the other way, says nothing of it. */
static enum upload_word
word_since(const struct upload_record *record, uint64_t left_at)
{
    enum upload_word word = word_of(record->state);
    bool is_undated = record->state == UPLOAD_LEAVING && record->generation == 0;

    if (left_at == 0 || word == UPLOAD_WORD_HERE || is_undated) {
        return word;
    }
    return record->generation > left_at ? UPLOAD_WORD_MOVED : UPLOAD_WORD_NONE;
}

static enum status
find_own(const struct bucket *bucket, struct bytes key, const struct upload_find_subject *subject,
         enum upload_word *ret_word, struct error *err)
{
    struct upload_record record;
    struct arena arena = ARENA_INIT;
    struct home *home;
    enum status st;

    assert_on_worker();
    store_enter(bucket->store->store);
    st = home_move_settle(bucket->store, bucket->id, key, &home, NULL, err);
    if (st == ST_OK) {
        st = home_require_readable(home, err);
    }
    if (st == ST_OK) {
        st = upload_get(home, bucket->id, key, subject->id, true, &arena, &record, err);
        *ret_word = st == ST_OK ? word_since(&record, subject->left_at) : UPLOAD_WORD_NONE;
        st = st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
    }
    store_leave(bucket->store->store);
    arena_release(&arena);
    return st;
}

/* What was read here is an answer under that map only if the target still works by it: under a
 * newer one the upload may have gone on from here, unseen by who asks the others under the older
 * one. */
static enum status
require_map(const struct bucket *bucket, uint64_t map_version, struct error *err)
{
    struct ownership *ownership = object_store_ownership(bucket->store);
    struct cluster_map *map = ownership != NULL ? ownership_map(ownership) : NULL;
    enum status st = map == NULL || map->version == map_version
                         ? ST_OK
                         : fail(err, ST_MOVED, "the map changed while an upload was looked for");

    cluster_map_unref(map);
    return st;
}

enum status
upload_find_tell(const struct bucket *bucket, struct bytes key, struct bytes arguments,
                 uint64_t map_version, struct buffer *out, struct error *err)
{
    enum upload_word word = UPLOAD_WORD_NONE;
    struct upload_find_subject subject = {.left_at = 0};
    bool has_id = false;
    struct field field;
    enum status st;

    while ((st = field_next(&arguments, &field)) == ST_OK) {
        if (field.tag == ARGUMENT_UPLOAD && field.payload.size == sizeof(subject.id)) {
            memcpy(&subject.id, field.payload.data, sizeof(subject.id));
            has_id = true;
        } else if (field.tag == ARGUMENT_LEFT_AT &&
                   field_number(field.payload, UINT64_MAX, &subject.left_at)) {
            continue;
        } else if ((field.tag & FIELD_CRITICAL) != 0) {
            return fail(err, ST_INVALID, "an argument about an upload cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || !has_id) {
        return fail(err, ST_INVALID, "the arguments about an upload are cut");
    }
    st = find_own(bucket, key, &subject, &word, err);
    if (st == ST_OK) {
        st = require_map(bucket, map_version, err);
    }
    if (st == ST_OK) {
        field_put_varint(out, word);
    }
    return st;
}

enum status
upload_find_ask(const struct bucket *bucket, struct bytes key,
                const struct upload_find_subject *subject, const struct cluster_map *map,
                const struct cluster_node *node, enum upload_word *ret_word, struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    uint64_t word = 0;
    enum status st = node->is_down || node->peer_address.size == 0
                         ? fail(err, ST_UNAVAILABLE,
                                "the node %.*s that may have the upload is "
                                "down",
                                BYTES_ARGS(node->id))
                         : ST_OK;

    field_put(&arguments, ARGUMENT_UPLOAD, bytes_of(&subject->id, sizeof(subject->id)));
    if (subject->left_at != 0) {
        field_put_number(&arguments, ARGUMENT_LEFT_AT, subject->left_at);
    }
    if (st == ST_OK) {
        st = peer_call(
            object_store_cluster(bucket->store)->peers,
            &(struct peer_call_options){.node_id = node->id,
                                        .address = node->peer_address,
                                        .verb = "upload",
                                        .head = {.map_version = map->version,
                                                 .bucket = bucket->name,
                                                 .bucket_revision = bucket_revision(bucket),
                                                 .key = key,
                                                 .arguments = buffer_bytes(&arguments)}},
            &arena, &result, err);
    }
    if (st == ST_OK && !field_number(result.answer.fields, UPLOAD_WORD_MOVED, &word)) {
        st = fail(err, ST_INVALID, "what a node says of an upload cannot be read");
    }
    if (st == ST_OK) {
        *ret_word = (enum upload_word)word;
    } else if (st != ST_MOVED) {
        st = fail(err, ST_UNAVAILABLE, "the node %.*s that may have the upload does not answer",
                  BYTES_ARGS(node->id));
    }
    source_release(&result.payload);
    buffer_release(&arguments);
    arena_release(&arena);
    return st;
}

/* ---- the search ---- */

struct find {
    const struct upload_find_options *options;
    const struct object_cluster *cluster;
    struct upload_find_subject subject;
    struct upload_location location;
    struct cluster_map *map;
};

static bool
is_self(const struct find *find, const struct cluster_node *node)
{
    return bytes_equal(node->id, find->cluster->node_id);
}

/* Pinned, it does not begin to leave.  ST_MOVED: it has. */
static enum status
take_here(const struct find *find, bool may_be_none, struct error *err)
{
    const struct bucket *bucket = find->options->bucket;
    enum upload_word word = UPLOAD_WORD_NONE;
    enum status st;

    if (!upload_pin_take_as(bucket->store, find->subject.id, find->options->pin)) {
        return fail(err, ST_MOVED, "the upload is about to leave this node");
    }
    st = find_own(bucket, find->options->key, &find->subject, &word, err);
    if (st == ST_OK && word != UPLOAD_WORD_HERE && !(may_be_none && word == UPLOAD_WORD_NONE)) {
        st = fail(err, ST_MOVED, "the upload is not this node's");
    }
    if (st == ST_OK && word == UPLOAD_WORD_NONE) {
        st = require_map(bucket, find->map->version, err);
    }
    if (st != ST_OK) {
        upload_pin_give_back_as(bucket->store, find->subject.id, find->options->pin);
    }
    return st;
}

static enum status
go_to(const struct find *find, const struct cluster_node *node, bool may_be_none,
      struct arena *arena, struct object_route *ret_route, struct error *err)
{
    struct object_route route = {.is_local = is_self(find, node),
                                 .map_version = find->map->version};
    enum status st = ST_OK;

    if (route.is_local) {
        st = take_here(find, may_be_none, err);
    } else if (node->is_down || node->peer_address.size == 0) {
        st = fail(err, ST_UNAVAILABLE, "the node %.*s that has this upload is down",
                  BYTES_ARGS(node->id));
    } else {
        route.node_id = arena_copy(arena, node->id);
        route.address = arena_copy(arena, node->peer_address);
        route.public_url = arena_copy(arena, node->public_url);
    }
    if (st == ST_OK) {
        *ret_route = route;
    }
    return st;
}

static enum status
ask(const struct find *find, const struct cluster_node *node, enum upload_word *ret_word,
    struct error *err)
{
    const struct upload_find_options *options = find->options;
    enum status st;

    if (!is_self(find, node)) {
        return upload_find_ask(options->bucket, options->key, &find->subject, find->map, node,
                               ret_word, err);
    }
    st = find_own(options->bucket, options->key, &find->subject, ret_word, err);
    return st == ST_OK ? require_map(options->bucket, find->map->version, err) : st;
}

/* ST_MOVED: again. */
static enum status
ask_all(const struct find *find, struct arena *arena, struct object_route *ret_route,
        struct error *err)
{
    const struct cluster_node *nodes[CLUSTER_FORMERS_MAX + 1];
    size_t count = upload_location_formers(find->map, &find->location, nodes);
    struct error failure = ERROR_INIT;
    bool is_leaving = false;
    bool has_failed = false;

    nodes[count++] = upload_location_of(find->map, &find->location);
    if (nodes[count - 1] == NULL) {
        return fail(err, ST_UNAVAILABLE, "the cluster has no active target");
    }
    for (size_t i = 0; i < count; i++) {
        enum upload_word word = UPLOAD_WORD_NONE;
        enum status st = ask(find, nodes[i], &word, &failure);

        if (st == ST_MOVED) {
            return fail(err, st, "the map is another one by now");
        }
        if (st == ST_OK && word == UPLOAD_WORD_HERE) {
            return go_to(find, nodes[i], false, arena, ret_route, err);
        }
        is_leaving = is_leaving || word == UPLOAD_WORD_LEAVING;
        has_failed = has_failed || st != ST_OK;
    }
    if (has_failed) {
        return fail(err, ST_UNAVAILABLE, "%s", failure.text);
    }
    return is_leaving ? fail(err, ST_MOVED, "the upload is on its way to another node")
                      : go_to(find, nodes[count - 1], true, arena, ret_route, err);
}

static enum status
find_once(struct find *find, struct arena *arena, struct object_route *ret_route, struct error *err)
{
    const struct cluster_node *place;
    enum status st = find->cluster->check_confirmed(find->cluster->arg, err);

    if (st != ST_OK) {
        return st;
    }
    find->map = find->cluster->get_map(find->cluster->arg);
    place = upload_location_of(find->map, &find->location);
    if (place == NULL) {
        st = fail(err, ST_UNAVAILABLE, "the cluster has no active target");
    } else if (find->options->is_from_peer) {
        /* Who sent it has looked everywhere: where it belongs says that there is none. */
        st = take_here(find, is_self(find, place), err);
        *ret_route = (struct object_route){.is_local = true, .map_version = find->map->version};
    } else if (upload_location_is_settled(find->map, &find->location)) {
        st = go_to(find, place, true, arena, ret_route, err);
    } else {
        st = ask_all(find, arena, ret_route, err);
    }
    if (st == ST_MOVED && !find->options->is_from_peer &&
        find->cluster->fetch_map(find->cluster->arg, find->map->version, err) != ST_OK) {
        st = ST_UNAVAILABLE;
    }
    cluster_map_unref(find->map);
    return st;
}

enum status
upload_find(const struct upload_find_options *options, struct arena *arena,
            struct object_route *ret_route, struct error *err)
{
    struct object_store *store = options->bucket->store;
    struct find find = {
        .options = options,
        .cluster = object_store_cluster(store),
        .location = {.digest = key_claim_digest(options->bucket->name, options->key)}};
    enum status st =
        object_upload_parse(options->name, &find.subject.id, &find.location.origin, err);

    assert_on_worker();
    if (st != ST_OK) {
        return st;
    }
    st = find_once(&find, arena, ret_route, err);
    if (st != ST_MOVED || options->is_from_peer) {
        return st;
    }
    if (atomic_fetch_add(&store->finder_count, 1) >= FINDER_COUNT_MAX) {
        st = fail(err, ST_BUSY, "too many requests wait for uploads on their way");
    }
    while (st == ST_MOVED && clock_monotonic_ns() < options->end_ns) {
        clock_pause_ns(OBJECT_MOVED_PAUSE_MS * CLOCK_NS_PER_MS);
        st = find_once(&find, arena, ret_route, err);
    }
    atomic_fetch_sub(&store->finder_count, 1);
    return st == ST_MOVED ? fail(err, ST_UNAVAILABLE, "the upload is on its way to another node")
                          : st;
}
