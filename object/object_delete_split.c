/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting keys of several nodes: each owner gets its share in one exchange, all at the same time.
 * A share that was refused because of an older map is routed again; one whose node was lost fails
 * key by key, and the others do not.
 */
#include "base/check.h"
#include "base/field_codec.h"
#include "base/memory.h"
#include "object/object_cluster.h"
#include "object/object_delete.h"
#include "object/object_delete_own.h"
#include "object/object_route.h"

#include "base/banned.h"

/* Routes under newer and newer maps; then 503. */
#define SPLIT_TRIES_MAX 5
/* One piece of an answer that is read, and the largest answer: 1,000 sentences. */
#define ANSWER_BYTES_MAX ((size_t)1 << 20)

/* Keys of one node. */
struct share {
    struct object_route route;
    struct object_delete_entry **entries;
    size_t count;
    struct buffer body;
    struct peer_pending *pending;
    enum status begun;
    struct error error;
};

struct split {
    const struct bucket *bucket;
    const struct object_cluster *cluster;
    struct share *shares; /* one for each node, at most one for each entry */
    size_t share_count;
    uint64_t seen_version;
    struct arena arena;
};

static void
fail_share(struct share *share, enum status st, const struct error *err)
{
    for (size_t i = 0; i < share->count; i++) {
        share->entries[i]->status = st;
        share->entries[i]->error = *err;
    }
}

/* ---- on the wire ---- */

static void
put_entry(struct buffer *out, const struct object_delete_entry *entry)
{
    field_put_counted(out, entry->key);
    field_put_varint(out, entry->conditions.if_match.data != NULL);
    field_put_counted(out, entry->conditions.if_match);
}

static bool
cut_entry(struct bytes *rest, struct object_delete_entry *entry)
{
    uint64_t has_match;

    memset(entry, 0, sizeof(*entry));
    if (!field_cut_counted(rest, &entry->key) || !field_cut_varint(rest, &has_match) ||
        !field_cut_counted(rest, &entry->conditions.if_match)) {
        return false;
    }
    if (has_match == 0) {
        entry->conditions.if_match = BYTES_NONE;
    }
    return has_match <= 1;
}

bool
object_delete_results_read(struct object_delete_entry *const *entries, size_t count,
                           struct bytes rest)
{
    for (size_t i = 0; i < count; i++) {
        struct object_delete_entry *entry = entries[i];
        struct bytes name, sentence;

        if (!field_cut_counted(&rest, &name) || !field_cut_counted(&rest, &sentence)) {
            return false;
        }
        entry->status = status_of_name(name.data, name.size);
        entry->error = ERROR_INIT;
        if (entry->status != ST_OK) {
            (void)fail(&entry->error, entry->status, "%.*s", BYTES_ARGS(sentence));
        }
    }
    return rest.size == 0;
}

/* ---- the owner of a share ---- */

static enum status
require_own(const struct bucket *bucket, const struct object_delete_entry *entries, size_t count,
            struct error *err)
{
    struct arena arena = ARENA_INIT;
    enum status st = ST_OK;

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct object_route route;

        st = object_route(bucket, entries[i].key, BYTES_NONE, &arena, &route, err);
        if (st == ST_OK && !route.is_local) {
            st = fail(err, ST_MOVED, "a key is another node's");
        }
    }
    arena_release(&arena);
    return st;
}

enum status
object_delete_serve(const struct bucket *bucket, struct bytes body, struct buffer *out,
                    struct error *err)
{
    struct object_delete_entry *entries = xcalloc(OBJECT_DELETE_KEYS_MAX, sizeof(*entries));
    size_t count = 0;
    enum status st = ST_OK;

    while (body.size != 0 && st == ST_OK) {
        if (count == OBJECT_DELETE_KEYS_MAX || !cut_entry(&body, &entries[count++])) {
            st = fail(err, ST_INVALID, "the keys to be deleted cannot be read");
        }
    }
    if (st == ST_OK) {
        st = require_own(bucket, entries, count, err);
    }
    if (st == ST_OK) {
        st = object_delete_local(bucket, entries, count, err);
    }
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        field_put_counted(out, bytes_of_string(status_name(entries[i].status)));
        field_put_counted(out, entries[i].status == ST_OK ? BYTES_LITERAL("")
                                                          : bytes_of_string(entries[i].error.text));
    }
    free(entries);
    return st;
}

/* ---- shares ---- */

static struct share *
share_of(struct split *split, const struct object_route *route, size_t entry_count)
{
    struct share *share;

    for (size_t i = 0; i < split->share_count; i++) {
        share = &split->shares[i];
        if (share->route.is_local == route->is_local &&
            (route->is_local || bytes_equal(share->route.node_id, route->node_id))) {
            return share;
        }
    }
    share = &split->shares[split->share_count++];
    *share = (struct share){.route = *route};
    share->entries = arena_calloc(&split->arena, entry_count, sizeof(struct object_delete_entry *));
    return share;
}

static void
route_entries(struct split *split, struct object_delete_entry **entries, size_t count)
{
    split->shares = arena_calloc(&split->arena, count, sizeof(*split->shares));
    split->share_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct object_delete_entry *entry = entries[i];
        struct object_route route;
        struct share *share;

        entry->error = ERROR_INIT;
        entry->status = object_route(split->bucket, entry->key, BYTES_NONE, &split->arena, &route,
                                     &entry->error);
        if (entry->status == ST_OK) {
            share = share_of(split, &route, count);
            share->entries[share->count++] = entry;
        }
    }
}

static void
begin_share(struct split *split, struct share *share)
{
    struct buffer arguments = BUFFER_INIT;

    for (size_t i = 0; i < share->count; i++) {
        put_entry(&share->body, share->entries[i]);
    }
    field_put_number(&arguments, 1 | FIELD_CRITICAL, split->bucket->id);
    share->error = ERROR_INIT;
    share->begun = peer_call_begin(
        split->cluster->peers,
        &(struct peer_call_options){.node_id = share->route.node_id,
                                    .address = share->route.address,
                                    .verb = "delete",
                                    .head = {.map_version = share->route.map_version,
                                             .bucket = split->bucket->name,
                                             .bucket_revision = bucket_revision(split->bucket),
                                             .arguments = buffer_bytes(&arguments)},
                                    .body = buffer_bytes(&share->body)},
        &split->arena, &share->pending, &share->error);
    buffer_release(&arguments);
    buffer_release(&share->body);
}

/* ST_MOVED: nothing was deleted; the entries are routed again. */
static enum status
finish_share(struct split *split, struct share *share)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer answer = BUFFER_INIT;
    enum status st = share->begun;

    if (st == ST_OK) {
        st = peer_call_finish(&share->pending, &split->arena, &result, &share->error);
    }
    if (st == ST_MOVED) {
        if (result.answer.map_version > split->seen_version) {
            split->seen_version = result.answer.map_version;
        }
        return st;
    }
    if (st == ST_OK) {
        st = peer_call_read_all(&result, ANSWER_BYTES_MAX, &answer, &share->error);
    }
    if (st == ST_OK &&
        !object_delete_results_read(share->entries, share->count, buffer_bytes(&answer))) {
        st = fail(&share->error, ST_INVALID, "the answer of a node cannot be read");
    }
    if (st != ST_OK) {
        st = fail(&share->error, ST_UNAVAILABLE, "The node that owns the key did not answer");
        fail_share(share, st, &share->error);
    }
    source_release(&result.payload);
    buffer_release(&answer);
    return st;
}

/* This node's keys need not stand next to each other. */
static void
delete_own(struct split *split, struct share *share)
{
    struct object_delete_entry *own = arena_calloc(&split->arena, share->count, sizeof(*own));
    struct error err = ERROR_INIT;
    enum status st;

    for (size_t i = 0; i < share->count; i++) {
        own[i] = *share->entries[i];
    }
    st = object_delete_local(split->bucket, own, share->count, &err);
    if (st != ST_OK) {
        fail_share(share, st, &err);
        return;
    }
    for (size_t i = 0; i < share->count; i++) {
        *share->entries[i] = own[i];
    }
}

/* Deletes what can be; *ret_count entries, in front of entries then, are to be routed again. */
static void
delete_round(struct split *split, struct object_delete_entry **entries, size_t count,
             size_t *ret_count)
{
    size_t again = 0;

    route_entries(split, entries, count);
    for (size_t i = 0; i < split->share_count; i++) {
        if (!split->shares[i].route.is_local) {
            begin_share(split, &split->shares[i]);
        }
    }
    for (size_t i = 0; i < split->share_count; i++) {
        struct share *share = &split->shares[i];

        if (share->route.is_local) {
            delete_own(split, share);
        } else if (finish_share(split, share) == ST_MOVED) {
            struct error err = ERROR_INIT;

            (void)fail(&err, ST_UNAVAILABLE, "The map of the cluster keeps changing");
            fail_share(share, ST_UNAVAILABLE, &err);
            for (size_t at = 0; at < share->count; at++) {
                entries[again++] = share->entries[at];
            }
            continue;
        }
        for (size_t at = 0; at < share->count; at++) {
            if (share->entries[at]->status == ST_MOVED) { /* refused, nothing was written */
                entries[again++] = share->entries[at];
            }
        }
    }
    *ret_count = again;
}

enum status
object_delete(const struct bucket *bucket, struct object_delete_entry *entries, size_t count,
              struct error *err)
{
    struct split split = {.bucket = bucket, .cluster = object_store_cluster(bucket->store)};
    struct object_delete_entry **waiting;

    assert_on_worker();
    if (split.cluster == NULL || count > OBJECT_DELETE_KEYS_MAX) {
        return object_delete_local(bucket, entries, count, err);
    }
    waiting = xcalloc(count, sizeof(*waiting));
    for (size_t i = 0; i < count; i++) {
        waiting[i] = &entries[i];
    }
    for (int round = 0; round < SPLIT_TRIES_MAX && count > 0; round++) {
        if (round > 0 &&
            split.cluster->fetch_map(split.cluster->arg, split.seen_version, NULL) != ST_OK) {
            break;
        }
        split.arena = ARENA_INIT;
        delete_round(&split, waiting, count, &count);
        arena_release(&split.arena);
    }
    for (size_t i = 0; i < count; i++) {
        waiting[i]->status =
            fail(&waiting[i]->error, ST_UNAVAILABLE, "The map of the cluster keeps changing");
    }
    free(waiting);
    return ST_OK;
}
