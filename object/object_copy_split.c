/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_copy_split.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/field_codec.h"
#include "base/memory.h"
#include "object/object_cluster.h"
#include "object/object_route.h"

#include "base/banned.h"

/* How long an owner may take for its share: 64 objects may be large. */
#define SHARE_TIMEOUT_MS (30 * 60 * 1000)
/* One piece of an answer that is read, and the largest answer: 64 sentences. */
#define ANSWER_BYTES_MAX ((size_t)1 << 20)

/* Arguments of the verb: numbers never change. */
enum argument {
    ARGUMENT_BUCKET_ID = 1 | FIELD_CRITICAL,
    ARGUMENT_SOURCE = 2 | FIELD_CRITICAL, /* its name */
    ARGUMENT_SOURCE_ID = 3 | FIELD_CRITICAL
};

/* Keys of one node. */
struct share {
    struct object_route route;
    struct object_copy_entry *entries[OBJECT_COPY_KEYS_MAX];
    size_t count;
    struct peer_pending *pending;
    enum status begun;
    struct error error;
};

struct split {
    const struct bucket *destination;
    const struct bucket *source;
    const struct object_cluster *cluster;
    struct share *shares;
    size_t share_count;
    uint64_t seen_version;
    struct arena arena;
};

static void
copy_one(const struct bucket *destination, const struct bucket *source,
         struct object_copy_entry *entry)
{
    struct object_copy_options options = {
        .source = source, .source_key = entry->source_key, .key = entry->key, .is_native = true};
    struct object_copy_result result;

    entry->error = ERROR_INIT;
    entry->status = object_copy(destination, &options, &result, &entry->error);
    if (entry->status == ST_OK) {
        memcpy(entry->etag, result.etag, sizeof(entry->etag));
    }
}

/* ---- the owner of a share ---- */

struct arguments {
    uint64_t bucket_id;
    struct bytes source;
    uint64_t source_id;
};

static bool
read_argument(struct arguments *arguments, const struct field *field)
{
    switch (field->tag) {
    case ARGUMENT_BUCKET_ID:
        return field_number(field->payload, UINT64_MAX, &arguments->bucket_id);
    case ARGUMENT_SOURCE:
        arguments->source = field->payload;
        return true;
    case ARGUMENT_SOURCE_ID:
        return field_number(field->payload, UINT64_MAX, &arguments->source_id);
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

static enum status
open_source(const struct bucket *destination, struct bytes text, struct bucket *ret_source,
            struct error *err)
{
    struct arguments arguments = {.bucket_id = 0};
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!read_argument(&arguments, &field)) {
            return fail(err, ST_INVALID, "an argument of copies cannot be read");
        }
    }
    st = st == ST_NOT_FOUND ? bucket_check_id(destination, arguments.bucket_id, err)
                            : fail(err, ST_INVALID, "the arguments of copies are cut");
    if (st != ST_OK) {
        return st;
    }
    st = bucket_open_refreshed(destination->store, principal_of_root(), arguments.source,
                               ACTION_GET_OBJECT, ret_source, err);
    if (st == ST_OK && ret_source->id != arguments.source_id) {
        bucket_close(ret_source);
        st = fail(err, ST_NO_SUCH_BUCKET, "the source is another bucket of that name");
    }
    return st;
}

enum status
object_copy_serve(const struct bucket *destination, struct bytes arguments, struct bytes body,
                  struct buffer *out, struct error *err)
{
    struct bucket source;
    size_t count = 0;
    enum status st = open_source(destination, arguments, &source, err);

    if (st != ST_OK) {
        return st;
    }
    while (body.size != 0 && st == ST_OK) {
        struct object_copy_entry entry = {.status = ST_OK};

        if (count++ == OBJECT_COPY_KEYS_MAX || !field_cut_counted(&body, &entry.source_key) ||
            !field_cut_counted(&body, &entry.key)) {
            st = fail(err, ST_INVALID, "the keys to be copied cannot be read");
            break;
        }
        copy_one(destination, &source, &entry);
        field_put_counted(out, bytes_of_string(status_name(entry.status)));
        field_put_counted(out,
                          bytes_of_string(entry.status == ST_OK ? entry.etag : entry.error.text));
    }
    bucket_close(&source);
    return st;
}

/* ---- shares ---- */

static void
fail_share(struct share *share, enum status st, const char *sentence)
{
    for (size_t i = 0; i < share->count; i++) {
        share->entries[i]->status = fail(&share->entries[i]->error, st, "%s", sentence);
    }
}

static bool
read_results(struct share *share, struct bytes rest)
{
    for (size_t i = 0; i < share->count; i++) {
        struct object_copy_entry *entry = share->entries[i];
        struct bytes name, text;

        if (!field_cut_counted(&rest, &name) || !field_cut_counted(&rest, &text) ||
            text.size >= sizeof(entry->error.text)) {
            return false;
        }
        entry->status = status_of_name(name.data, name.size);
        if (entry->status != ST_OK) {
            (void)fail(&entry->error, entry->status, "%.*s", BYTES_ARGS(text));
        } else if (text.size < sizeof(entry->etag)) {
            memset(entry->etag, 0, sizeof(entry->etag));
            memcpy(entry->etag, text.data, text.size);
        }
    }
    return rest.size == 0;
}

static struct share *
share_of(struct split *split, const struct object_route *route)
{
    for (size_t i = 0; i < split->share_count; i++) {
        struct share *share = &split->shares[i];

        if (share->route.is_local == route->is_local &&
            (route->is_local || bytes_equal(share->route.node_id, route->node_id))) {
            return share;
        }
    }
    split->shares[split->share_count] = (struct share){.route = *route};
    return &split->shares[split->share_count++];
}

static void
route_entries(struct split *split, struct object_copy_entry **entries, size_t count)
{
    split->shares = arena_calloc(&split->arena, count, sizeof(*split->shares));
    split->share_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct object_copy_entry *entry = entries[i];
        struct object_route route;
        struct share *share;

        entry->error = ERROR_INIT;
        entry->status = object_route(split->destination, entry->key, BYTES_NONE, &split->arena,
                                     &route, &entry->error);
        if (entry->status == ST_OK) {
            share = share_of(split, &route);
            share->entries[share->count++] = entry;
        }
    }
}

static void
begin_share(struct split *split, struct share *share)
{
    struct buffer arguments = BUFFER_INIT;
    struct buffer body = BUFFER_INIT;

    for (size_t i = 0; i < share->count; i++) {
        field_put_counted(&body, share->entries[i]->source_key);
        field_put_counted(&body, share->entries[i]->key);
    }
    field_put_number(&arguments, ARGUMENT_BUCKET_ID, split->destination->id);
    field_put_text(&arguments, ARGUMENT_SOURCE, split->source->name);
    field_put_number(&arguments, ARGUMENT_SOURCE_ID, split->source->id);
    share->error = ERROR_INIT;
    share->begun = peer_call_begin(
        split->cluster->peers,
        &(struct peer_call_options){.node_id = share->route.node_id,
                                    .address = share->route.address,
                                    .verb = "copy",
                                    .head = {.map_version = share->route.map_version,
                                             .bucket = split->destination->name,
                                             .arguments = buffer_bytes(&arguments)},
                                    .body = arena_copy(&split->arena, buffer_bytes(&body)),
                                    .timeout_ms = SHARE_TIMEOUT_MS},
        &split->arena, &share->pending, &share->error);
    buffer_release(&arguments);
    buffer_release(&body);
}

/* ST_MOVED: nothing was copied. */
static enum status
finish_share(struct split *split, struct share *share)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer answer = BUFFER_INIT;
    enum status st = share->begun;

    if (st == ST_OK) {
        st = peer_call_finish(&share->pending, &split->arena, &result, &share->error);
    }
    if (st == ST_MOVED && result.answer.map_version > split->seen_version) {
        split->seen_version = result.answer.map_version;
    }
    if (st == ST_OK) {
        st = peer_call_read_all(&result, ANSWER_BYTES_MAX, &answer, &share->error);
    }
    if (st == ST_OK && !read_results(share, buffer_bytes(&answer))) {
        st = fail(&share->error, ST_INVALID, "the answer of a node cannot be read");
    }
    if (st != ST_OK && st != ST_MOVED) {
        fail_share(share, ST_UNAVAILABLE, "the node that owns the copy did not answer");
    }
    source_release(&result.payload);
    buffer_release(&answer);
    return st;
}

/* *ret_count entries, in front of entries then, are to be routed again. */
static void
copy_round(struct split *split, struct object_copy_entry **entries, size_t count, size_t *ret_count)
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
        bool is_moved = false;

        if (share->route.is_local) {
            for (size_t at = 0; at < share->count; at++) {
                copy_one(split->destination, split->source, share->entries[at]);
            }
        } else {
            is_moved = finish_share(split, share) == ST_MOVED;
        }
        for (size_t at = 0; at < share->count; at++) {
            if (is_moved || share->entries[at]->status == ST_MOVED) {
                entries[again++] = share->entries[at];
            }
        }
    }
    *ret_count = again;
}

void
object_copy_split(const struct bucket *destination, const struct bucket *source,
                  struct object_copy_entry *entries, size_t count)
{
    struct split split = {.destination = destination,
                          .source = source,
                          .cluster = object_store_cluster(destination->store)};
    struct object_copy_entry *waiting[OBJECT_COPY_KEYS_MAX];
    int64_t end_ns = clock_monotonic_ns() + OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS;
    bool is_first = true;

    assert_on_worker();
    CHECK(count <= OBJECT_COPY_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        waiting[i] = &entries[i];
        if (split.cluster == NULL) {
            copy_one(destination, source, &entries[i]);
        }
    }
    count = split.cluster == NULL ? 0 : count;
    while (count > 0 && (is_first || clock_monotonic_ns() < end_ns)) {
        if (!is_first) {
            clock_pause_ns(OBJECT_MOVED_PAUSE_MS * CLOCK_NS_PER_MS);
            if (split.cluster->fetch_map(split.cluster->arg, split.seen_version, NULL) != ST_OK) {
                break;
            }
        }
        is_first = false;
        copy_round(&split, waiting, count, &count);
        arena_release(&split.arena);
    }
    for (size_t i = 0; i < count; i++) {
        waiting[i]->status =
            fail(&waiting[i]->error, ST_UNAVAILABLE, "The map of the cluster keeps changing");
    }
}
