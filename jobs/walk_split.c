/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/walk_split.h"

#include "base/check.h"
#include "base/field_codec.h"
#include "jobs/walk_share.h"
#include "object/object_cluster.h"
#include "object/object_route.h"

#include "base/banned.h"

/* How long an owner may take for its share: for the objects, and for their bytes at a rate that a
 * busy disk still has.  A share that took longer is asked for again. */
#define SHARE_TIMEOUT_MS (2 * 60 * 1000)
#define SHARE_BYTES_PER_MS 2048
/* The largest answer: a sentence for each item. */
#define ANSWER_BYTES_MAX ((size_t)2 << 20)

/* Arguments of the verb: numbers never change. */
enum argument {
    ARGUMENT_KIND = 1 | FIELD_CRITICAL,
    ARGUMENT_JOB = 2 | FIELD_CRITICAL,
    ARGUMENT_STEP = 3 | FIELD_CRITICAL,
    ARGUMENT_MESSAGE = 4 | FIELD_CRITICAL
};

/* Items of one node. */
struct share {
    struct object_route route;
    struct walk_item **items;
    size_t count;
    struct peer_pending *pending;
    enum status begun;
    struct error error;
};

struct split {
    struct walk_batch *batch;
    const struct object_cluster *cluster;
    struct share *shares;
    size_t share_count;
    uint64_t seen_version;
};

/* ---- the owner of a share ---- */

struct arguments {
    struct bytes kind;
    struct bytes job;
    uint64_t step;
    struct bytes message;
};

static enum status
read_arguments(struct bytes text, struct arguments *arguments, struct error *err)
{
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        bool is_good = true;

        switch (field.tag) {
        case ARGUMENT_KIND:
            arguments->kind = field.payload;
            break;
        case ARGUMENT_JOB:
            arguments->job = field.payload;
            break;
        case ARGUMENT_MESSAGE:
            arguments->message = field.payload;
            break;
        case ARGUMENT_STEP:
            is_good = field_number(field.payload, WALK_WORK, &arguments->step);
            break;
        default:
            is_good = (field.tag & FIELD_CRITICAL) == 0;
        }
        if (!is_good) {
            return fail(err, ST_INVALID, "an argument of a share cannot be read");
        }
    }
    return st == ST_NOT_FOUND && arguments->job.size > 0 && arguments->job.size < JOB_ID_SIZE
               ? ST_OK
               : fail(err, ST_INVALID, "the arguments of a share are cut");
}

static enum status
read_items(struct bytes body, struct arena *arena, struct walk_item **ret_items, size_t *ret_count,
           struct error *err)
{
    struct walk_item *items = arena_calloc(arena, WALK_BATCH_OBJECTS, sizeof(*items));
    struct bytes etag;
    uint64_t is_repeated;
    size_t count = 0;

    while (body.size > 0) {
        struct walk_item *item = &items[count];

        if (count == WALK_BATCH_OBJECTS || !field_cut_counted(&body, &item->name) ||
            !field_cut_varint(&body, &item->size) || !field_cut_counted(&body, &etag) ||
            !field_cut_varint(&body, &is_repeated)) {
            return fail(err, ST_INVALID, "the items of a share cannot be read");
        }
        walk_item_set_etag(item, etag);
        item->is_repeated = is_repeated != 0;
        count++;
    }
    *ret_items = items;
    *ret_count = count;
    return ST_OK;
}

static void
put_results(const struct walk_item *items, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct walk_item *item = &items[i];

        field_put_counted(out, bytes_of_string(status_name(item->status)));
        field_put_counted(out,
                          bytes_of_string(item->status == ST_OK ? item->note : item->error.text));
        field_put_varint(out, item->size);
        field_put_counted(out, bytes_of_string(item->etag));
    }
}

static enum status
serve_items(struct walk_share *share, const struct arguments *arguments, struct bytes body,
            struct buffer *out, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct walk_item *items = NULL;
    size_t count = 0;
    atomic_bool *is_stopped = walk_share_enter(arguments->job);
    enum status st = is_stopped != NULL ? read_items(body, &arena, &items, &count, err)
                                        : fail(err, ST_BUSY, "shares of too many jobs are here");

    if (st == ST_OK) {
        share->is_stopped = is_stopped;
        walk_share_work(share, (enum walk_step)arguments->step, items, count);
        put_results(items, count, out);
    }
    if (is_stopped != NULL) {
        walk_share_leave(is_stopped);
    }
    arena_release(&arena);
    return st;
}

enum status
walk_serve(struct object_store *store, struct bytes text, struct bytes body, struct buffer *out,
           struct error *err)
{
    struct arguments arguments = {.step = 0};
    const struct job_kind *kind;
    struct walk_message message;
    struct walk_share share;
    enum status st = read_arguments(text, &arguments, err);

    if (st == ST_OK) {
        st = walk_message_read(arguments.message, &message, err);
    }
    if (st != ST_OK) {
        return st;
    }
    kind = job_kind_find(arguments.kind);
    if (kind == NULL || walk_kind_of(kind) == NULL) {
        return fail(err, ST_NOT_IMPLEMENTED, "jobs of kind %.*s are not known here",
                    (int)(arguments.kind.size < 64 ? arguments.kind.size : 64),
                    arguments.kind.data);
    }
    st = walk_share_open(&share, store, walk_kind_of(kind), &message, err);
    if (st == ST_OK) {
        st = serve_items(&share, &arguments, body, out, err);
        walk_share_close(&share);
    }
    return st;
}

/* ---- who runs the job ---- */

static bool
read_results(struct share *share, struct bytes rest)
{
    for (size_t i = 0; i < share->count; i++) {
        struct walk_item *item = share->items[i];
        struct bytes name, text, etag;

        if (!field_cut_counted(&rest, &name) || !field_cut_counted(&rest, &text) ||
            !field_cut_varint(&rest, &item->size) || !field_cut_counted(&rest, &etag)) {
            return false;
        }
        walk_item_set_etag(item, etag);
        item->status = status_of_name(name.data, name.size);
        item->error = ERROR_INIT;
        memset(item->note, 0, sizeof(item->note));
        if (item->status != ST_OK) {
            (void)fail(&item->error, item->status, "%.*s", BYTES_ARGS(text));
        } else if (text.size < sizeof(item->note)) {
            memcpy(item->note, text.data != NULL ? text.data : "", text.size);
        }
    }
    return rest.size == 0;
}

static struct share *
share_of(struct split *split, const struct object_route *route)
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
    share->items =
        arena_calloc(split->batch->arena, split->batch->count, sizeof(struct walk_item *));
    return share;
}

static void
route_items(struct split *split)
{
    struct walk_batch *batch = split->batch;
    const struct walk_share *about = batch->share;
    bool is_there = batch->step == WALK_WORK && about->kind->is_of_destination;

    /* At most one for each node, and one. */
    split->shares = arena_calloc(batch->arena, CLUSTER_NODES_MAX + 1, sizeof(*split->shares));
    for (size_t i = 0; i < batch->count; i++) {
        struct walk_item *item = batch->items[i];
        struct object_route route = {.is_local = true};
        struct bytes key = item->name;
        struct share *share;

        item->error = ERROR_INIT;
        item->status = ST_OK;
        if (split->cluster != NULL) {
            if (is_there && about->prepend.size > 0) {
                key = arena_printf_bytes(batch->arena, "%.*s%.*s", BYTES_ARGS(about->prepend),
                                         BYTES_ARGS(item->name));
            }
            item->status = object_route(is_there ? &about->destination : &about->source, key,
                                        BYTES_NONE, batch->arena, &route, &item->error);
        }
        if (item->status == ST_OK) {
            share = share_of(split, &route);
            share->items[share->count++] = item;
            batch->nodes[i] = route.is_local ? bytes_of_string(object_store_node_id(about->store))
                                             : route.node_id;
        }
    }
}

static void
write_arguments(const struct walk_batch *batch, struct buffer *out)
{
    const struct walk_share *about = batch->share;
    struct walk_message message = {.source = about->source.name,
                                   .source_id = about->source.id,
                                   .prepend = about->prepend,
                                   .extra = about->extra,
                                   .started_ns = about->started_ns,
                                   .is_dry_run = about->is_dry_run};
    struct buffer text = BUFFER_INIT;

    if (about->has_destination) {
        message.destination = about->destination.name;
        message.destination_id = about->destination.id;
    }
    walk_message_write(&message, &text);
    field_put_text(out, ARGUMENT_KIND, bytes_of_string(about->kind->job.name));
    field_put_text(out, ARGUMENT_JOB, bytes_of_string(batch->job_id));
    field_put_number(out, ARGUMENT_STEP, batch->step);
    field_put_text(out, ARGUMENT_MESSAGE, buffer_bytes(&text));
    buffer_release(&text);
}

static void
begin_share(struct split *split, struct share *share)
{
    struct walk_batch *batch = split->batch;
    struct buffer arguments = BUFFER_INIT;
    struct buffer body = BUFFER_INIT;
    uint64_t byte_count = 0;

    for (size_t i = 0; i < share->count; i++) {
        byte_count += share->items[i]->size;
        field_put_counted(&body, share->items[i]->name);
        field_put_varint(&body, share->items[i]->size);
        field_put_counted(&body, bytes_of_string(share->items[i]->etag));
        field_put_varint(&body, share->items[i]->is_repeated);
    }
    write_arguments(batch, &arguments);
    share->error = ERROR_INIT;
    share->begun = peer_call_begin(
        split->cluster->peers,
        &(struct peer_call_options){.node_id = share->route.node_id,
                                    .address = share->route.address,
                                    .verb = WALK_VERB,
                                    .head = {.map_version = share->route.map_version,
                                             .arguments = buffer_bytes(&arguments)},
                                    .body = arena_copy(batch->arena, buffer_bytes(&body)),
                                    .timeout_ms = SHARE_TIMEOUT_MS +
                                                  (int64_t)(byte_count / SHARE_BYTES_PER_MS),
                                    .is_apart = true},
        batch->arena, &share->pending, &share->error);
    buffer_release(&arguments);
    buffer_release(&body);
}

/* A node that does not answer may have done all of it. */
static void
fail_share(struct share *share, enum status st)
{
    for (size_t i = 0; i < share->count; i++) {
        struct walk_item *item = share->items[i];

        item->status = st == ST_NOT_IMPLEMENTED || st == ST_NO_SUCH_BUCKET || st == ST_MOVED
                           ? st
                           : ST_UNAVAILABLE;
        (void)fail(&item->error, item->status, "of node %.*s: %s", BYTES_ARGS(share->route.node_id),
                   share->error.text);
        item->is_repeated = item->is_repeated || item->status == ST_UNAVAILABLE;
    }
}

static void
finish_share(struct split *split, struct share *share)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer answer = BUFFER_INIT;
    enum status st = share->begun;

    if (st == ST_OK) {
        st = peer_call_finish(&share->pending, split->batch->arena, &result, &share->error);
    }
    if (st == ST_MOVED && result.answer.map_version > split->seen_version) {
        split->seen_version = result.answer.map_version;
    }
    if (st == ST_OK) {
        st = peer_call_read_all(&result, ANSWER_BYTES_MAX, &answer, &share->error);
    }
    if (st == ST_OK && !read_results(share, buffer_bytes(&answer))) {
        st = fail(&share->error, ST_INVALID, "its answer cannot be read");
    }
    if (st != ST_OK) {
        fail_share(share, st);
    }
    source_release(&result.payload);
    buffer_release(&answer);
}

/* The items of a share stand apart; the crew wants them next to each other. */
static void
work_own(struct walk_batch *batch, struct share *share)
{
    struct walk_item *own = arena_calloc(batch->arena, share->count, sizeof(*own));

    for (size_t i = 0; i < share->count; i++) {
        own[i] = *share->items[i];
    }
    walk_share_work(batch->share, batch->step, own, share->count);
    for (size_t i = 0; i < share->count; i++) {
        *share->items[i] = own[i];
    }
}

void
walk_split(struct walk_batch *batch)
{
    struct split split = {.batch = batch, .cluster = object_store_cluster(batch->share->store)};

    assert_on_worker();
    CHECK(batch->count <= WALK_BATCH_OBJECTS);
    route_items(&split);
    for (size_t i = 0; i < split.share_count; i++) {
        if (!split.shares[i].route.is_local) {
            begin_share(&split, &split.shares[i]);
        }
    }
    for (size_t i = 0; i < split.share_count; i++) {
        if (split.shares[i].route.is_local) {
            work_own(batch, &split.shares[i]);
        }
    }
    for (size_t i = 0; i < split.share_count; i++) {
        if (!split.shares[i].route.is_local) {
            finish_share(&split, &split.shares[i]);
        }
    }
    if (split.seen_version > 0) {
        (void)split.cluster->fetch_map(split.cluster->arg, split.seen_version, NULL);
    }
}
