/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/walk_job.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/name_template.h"
#include "jobs/walk_source.h"
#include "jobs/walk_split.h"
#include "jobs/walk_total.h"

#include "base/banned.h"

/* How often a bucket that others write into is walked again by a kind that empties it. */
#define ROUNDS_MAX 16

struct walk {
    struct job_run *run;
    const struct walk_kind *kind;
    struct walk_message message;
    struct walk_share share;
    struct walk_source source;
    struct arena arena;   /* of the batch */
    struct arena counted; /* ids of nodes */
    struct walk_node_count *nodes;
    size_t node_count;
    struct job_counters counters;
    struct walk_sizes sizes;
    struct walk_total total;
    uint64_t counted_from; /* objects that were done when total began */
    struct buffer what;    /* JSON text: which objects */
};

const struct walk_kind *
walk_kind_of(const struct job_kind *kind)
{
    /* job is its first member */
    return kind->run == walk_run ? (const struct walk_kind *)(const void *)kind : NULL;
}

/* ---- what is told ---- */

static void
append_nodes(const struct walk *walk, struct buffer *json)
{
    for (size_t i = 0; i < walk->node_count; i++) {
        buffer_append_string(json, i > 0 ? "," : "");
        log_append_json_string(json, walk->nodes[i].node);
        buffer_printf(json, ":{\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
                      walk->nodes[i].object_count, walk->nodes[i].byte_count);
    }
}

/* For people, as AIStore's ctlmsg. */
static void
describe(struct walk *walk)
{
    const struct walk_message *message = &walk->message;
    struct buffer text = BUFFER_INIT;

    if (message->has_names) {
        buffer_printf(&text, "list of %" PRIu64 " names", walk->source.name_count);
    } else if (walk_source_is_named(&walk->source)) {
        buffer_printf(&text, "template: %.*s", BYTES_ARGS(message->template));
    } else if (message->template.size > 0) {
        buffer_printf(&text, "prefix: %.*s", BYTES_ARGS(message->template));
    } else {
        buffer_append_string(&text, "all objects");
    }
    if (message->prepend.size > 0) {
        buffer_printf(&text, ", prepend: %.*s", BYTES_ARGS(message->prepend));
    }
    buffer_append_string(&text, message->is_dry_run ? ", dry run" : "");
    buffer_clear(&walk->what);
    log_append_json_string(&walk->what, buffer_bytes(&text));
    buffer_release(&text);
}

static void
tell(struct walk *walk)
{
    struct buffer json = BUFFER_INIT;
    bool has_destination = walk->message.destination.size > 0;
    uint64_t total_count = atomic_load(&walk->total.count);
    char text[JOB_TEXT_SIZE];

    if (total_count > 0) {
        walk->counters.total_count = walk->counted_from + total_count;
    }
    buffer_append_string(&json, "{\"what\":");
    buffer_append_bytes(&json, buffer_bytes(&walk->what));
    buffer_append_string(&json, ",\"source\":");
    log_append_json_string(&json, walk->message.source);
    buffer_append_string(&json, ",\"destination\":");
    log_append_json_string(&json, walk->message.destination);
    buffer_printf(&json,
                  ",\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"stored_bytes\":%" PRIu64
                  ",\"size_min\":%" PRIu64 ",\"size_max\":%" PRIu64 ",\"nodes\":{",
                  walk->counters.object_count, walk->counters.byte_count, walk->sizes.stored_bytes,
                  walk->sizes.size_min, walk->sizes.size_max);
    append_nodes(walk, &json);
    buffer_append_string(&json, "}}");
    job_run_report(walk->run, buffer_bytes(&json));
    job_run_bytes(walk->run, walk->counters.byte_count);
    snprintf(text, sizeof(text), "%.*s%s%.*s: %" PRIu64 " objects, %" PRIu64 " bytes",
             BYTES_ARGS(walk->message.source), has_destination ? " -> " : "",
             BYTES_ARGS(walk->message.destination), walk->counters.object_count,
             walk->counters.byte_count);
    job_run_progress(walk->run, walk->counters.object_count, walk->counters.total_count, text);
    buffer_release(&json);
}

static void
count_done(struct walk *walk, struct bytes node, const struct walk_item *item)
{
    struct walk_node_count *found = NULL;
    uint64_t size = item->size;

    if (walk->counters.object_count == 0 || size < walk->sizes.size_min) {
        walk->sizes.size_min = size;
    }
    walk->sizes.size_max = size > walk->sizes.size_max ? size : walk->sizes.size_max;
    walk->sizes.stored_bytes += item->stored_size;
    walk->counters.object_count++;
    walk->counters.byte_count += size;
    for (size_t i = 0; i < walk->node_count && found == NULL; i++) {
        found = bytes_equal(walk->nodes[i].node, node) ? &walk->nodes[i] : NULL;
    }
    if (found == NULL) {
        walk->nodes = xrealloc_array(walk->nodes, walk->node_count + 1, sizeof(*walk->nodes));
        found = &walk->nodes[walk->node_count++];
        *found = (struct walk_node_count){.node = arena_copy(&walk->counted, node)};
    }
    found->object_count++;
    found->byte_count += size;
}

/* ---- a batch ---- */

/* May it pass by itself? */
static bool
may_pass(enum status st)
{
    return (status_is_retryable(st) && st != ST_NO_SPACE) || st == ST_CLOSED;
}

struct batch_state {
    struct walk_item **pending; /* of items, those that are not done */
    struct bytes *nodes;        /* beside it */
    size_t pending_count;
    struct walk_item *done; /* for after */
    size_t done_count;
    struct error why; /* of one that is pending */
    uint64_t object_count;
};

/* What became of the items: done ones are put aside.  The first failure ends the job. */
static enum status
sort_out(struct walk *walk, enum walk_step step, struct batch_state *state, struct error *err)
{
    size_t left = 0;

    for (size_t i = 0; i < state->pending_count; i++) {
        struct walk_item *item = state->pending[i];
        enum status st = item->status;
        bool is_gone = st == ST_NO_SUCH_KEY;

        if (st == ST_OK ||
            (is_gone && step == WALK_WORK && walk->kind->removes && item->is_repeated)) {
            if (step == WALK_WORK) {
                count_done(walk, state->nodes[i], item);
            }
            state->done[state->done_count++] = *item;
        } else if (may_pass(st) || st == ST_CANCELLED) {
            /* Cancelled there and not here: this run has not been told, or shall go on. */
            item->is_repeated = item->is_repeated || st == ST_CANCELLED;
            state->why = item->error;
            state->pending[left++] = item;
        } else if (!is_gone) {
            return fail(err, st, "object %.*s: %.200s",
                        (int)(item->name.size < 150 ? item->name.size : 150), item->name.data,
                        item->error.text);
        }
    }
    state->pending_count = left;
    return ST_OK;
}

/* One step with all items, as often as it takes. */
static enum status
run_step(struct walk *walk, enum walk_step step, struct walk_item *items, size_t count,
         struct batch_state *state, struct error *err)
{
    struct walk_batch batch = {.share = &walk->share,
                               .job_id = job_run_id(walk->run),
                               .step = step,
                               .arena = &walk->arena};
    size_t tries = 0;
    enum status st;

    *state = (struct batch_state){.pending_count = count};
    state->pending = arena_calloc(&walk->arena, count + 1, sizeof(struct walk_item *));
    state->nodes = arena_calloc(&walk->arena, count + 1, sizeof(*state->nodes));
    state->done = arena_calloc(&walk->arena, count + 1, sizeof(*state->done));
    for (size_t i = 0; i < count; i++) {
        state->pending[i] = &items[i];
    }
    st = job_run_check(walk->run, err); /* who works rests, see jobs/walk_share.c */
    while (st == ST_OK && state->pending_count > 0) {
        batch.items = state->pending;
        batch.count = state->pending_count;
        batch.nodes = state->nodes;
        walk_split(&batch);
        st = sort_out(walk, step, state, err);
        if (st == ST_OK && state->pending_count > 0) {
            st = job_run_wait(walk->run, tries++, &state->why, err);
        }
    }
    return st;
}

/* As often as what keeps it from being done may pass by itself. */
static enum status
try_until_done(struct walk *walk,
               enum status (*attempt)(struct walk *walk, void *arg, struct error *err), void *arg,
               struct error *err)
{
    for (size_t tries = 0;; tries++) {
        struct error why = ERROR_INIT;
        enum status st = attempt(walk, arg, &why);

        if (!may_pass(st)) {
            if (st != ST_OK && err != NULL) {
                *err = why;
            }
            return st;
        }
        st = job_run_wait(walk->run, tries, &why, err);
        if (st != ST_OK) {
            return st;
        }
    }
}

static enum status
try_after(struct walk *walk, void *arg, struct error *err)
{
    const struct batch_state *state = arg;

    return walk->kind->after(&walk->share, state->done, state->done_count, err);
}

static enum status
run_after(struct walk *walk, struct batch_state *state, struct error *err)
{
    if (walk->kind->after == NULL || state->done_count == 0 || walk->message.is_dry_run) {
        return ST_OK;
    }
    return try_until_done(walk, try_after, state, err);
}

static enum status
run_batch(struct walk *walk, struct walk_item *items, size_t count, struct error *err)
{
    struct batch_state state;
    enum status st;

    if (walk->message.is_dry_run || walk->kind->work == NULL) {
        for (size_t i = 0; i < count; i++) {
            count_done(walk, bytes_of_string(object_store_node_id(walk->share.store)), &items[i]);
        }
        st = job_run_pause(walk->run, err);
    } else {
        st = run_step(walk, WALK_WORK, items, count, &state, err);
        if (st == ST_OK) {
            st = run_after(walk, &state, err);
        }
    }
    tell(walk);
    return st;
}

/* ---- from batch to batch ---- */

static enum status
save(struct walk *walk, const struct walk_item *items, size_t count, struct error *err)
{
    const struct walk_cursor cursor = {.position = walk->source.position,
                                       .sizes = walk->sizes,
                                       .nodes = walk->nodes,
                                       .node_count = walk->node_count,
                                       .items = items,
                                       .item_count = count};
    struct buffer text = BUFFER_INIT;
    enum status st;

    walk_cursor_write(&cursor, &text);
    st = job_run_save(walk->run, &walk->counters, buffer_bytes(&text), err);
    buffer_release(&text);
    return st;
}

/* Names that somebody chose become the items that are there. */
static enum status
look(struct walk *walk, struct walk_item **items, size_t *count, struct error *err)
{
    struct batch_state state;
    enum status st = run_step(walk, WALK_LOOK, *items, *count, &state, err);

    *items = state.done;
    *count = state.done_count;
    return st;
}

struct next_batch {
    struct walk_item *items;
    size_t count;
};

/* The next page of the listing, or the next names. */
static enum status
try_next(struct walk *walk, void *arg, struct error *err)
{
    struct next_batch *next = arg;

    return walk_source_next(&walk->source, &walk->arena, &next->items, &next->count, err);
}

static enum status
run_batches(struct walk *walk, struct error *err)
{
    enum status st = ST_OK;

    while (st == ST_OK && !walk->source.position.is_listed) {
        struct next_batch next = {.count = 0};

        st = try_until_done(walk, try_next, &next, err);
        if (st == ST_OK && walk_source_is_named(&walk->source) && next.count > 0) {
            st = look(walk, &next.items, &next.count, err);
        }
        if (st == ST_OK) {
            st = save(walk, next.items, next.count, err);
        }
        if (st == ST_OK && next.count > 0) {
            st = run_batch(walk, next.items, next.count, err);
        }
        arena_release(&walk->arena);
    }
    return st;
}

static enum status
finish(struct walk *walk, struct error *err)
{
    for (size_t round = 0, tries = 0;;) {
        struct error why = ERROR_INIT;
        enum status st = walk->kind->finish(&walk->share, &why);

        if (st == ST_BUCKET_NOT_EMPTY && round++ < ROUNDS_MAX) {
            walk->source.position = (struct walk_position){.last = BYTES_NONE};
            st = run_batches(walk, err);
            if (st != ST_OK) {
                return st;
            }
        } else if (may_pass(st)) {
            st = job_run_wait(walk->run, tries++, &why, err);
            if (st != ST_OK) {
                return st;
            }
        } else {
            if (st != ST_OK && err != NULL) {
                *err = why;
            }
            return st;
        }
    }
}

/* What a run before this one has left. */
static enum status
take_up(struct walk *walk, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct walk_cursor cursor;
    struct bytes text;
    enum status st;

    if (!job_run_resumed(walk->run, &walk->counters, &text)) {
        return ST_OK;
    }
    st = walk_cursor_read(text, &arena, &cursor, err);
    if (st == ST_OK) {
        walk_source_go_to(&walk->source, &cursor.position);
        walk->nodes = xcalloc(cursor.node_count + 1, sizeof(*walk->nodes));
        walk->node_count = cursor.node_count;
        walk->sizes = cursor.sizes;
        for (size_t i = 0; i < cursor.node_count; i++) {
            walk->nodes[i] = cursor.nodes[i];
            walk->nodes[i].node = arena_copy(&walk->counted, cursor.nodes[i].node);
        }
        tell(walk);
    }
    if (st == ST_OK && cursor.item_count > 0) {
        /* items are views of the job's cursor, which stays as long as nothing is saved */
        st = run_batch(walk, (struct walk_item *)(uintptr_t)cursor.items, cursor.item_count, err);
    }
    arena_release(&walk->arena);
    arena_release(&arena);
    return st;
}

static enum status
walk_all(struct walk *walk, struct error *err)
{
    enum status st = walk_source_open(&walk->source, &walk->share.source, &walk->message, err);

    if (st != ST_OK) {
        return st;
    }
    describe(walk);
    walk->counters.total_count = walk_source_is_named(&walk->source) ? walk->source.name_count : 0;
    st = take_up(walk, err);
    if (st == ST_OK) {
        tell(walk);
        if (walk->counters.total_count == 0 && walk->kind->work != NULL) {
            walk->counted_from = walk->kind->removes ? walk->counters.object_count : 0;
            walk_total_start(&walk->total, &walk->share.source, walk->message.template);
        }
        st = run_batches(walk, err);
    }
    walk_total_stop(&walk->total);
    if (st == ST_OK) {
        st = save(walk, NULL, 0, err);
    }
    if (st == ST_OK && walk->kind->finish != NULL && !walk->message.is_dry_run) {
        st = finish(walk, err);
    }
    if (st == ST_OK) {
        atomic_store(&walk->total.count, 0); /* what it found is what there was */
        walk->counters.total_count = walk->counters.object_count;
    }
    tell(walk);
    walk_source_close(&walk->source);
    return st;
}

/* Did the run before this one get as far as finish?  It may have deleted the source. */
static bool
was_finishing(struct walk *walk)
{
    struct arena arena = ARENA_INIT;
    struct walk_cursor cursor = {.item_count = 0};
    struct bytes text;
    bool is_listed = job_run_resumed(walk->run, &walk->counters, &text) &&
                     walk_cursor_read(text, &arena, &cursor, NULL) == ST_OK &&
                     cursor.position.is_listed && cursor.item_count == 0;

    arena_release(&arena);
    return is_listed && walk->kind->finish != NULL && walk->kind->removes;
}

/* After a start the node may not know enough yet. */
static enum status
open_share(struct walk *walk, struct error *err)
{
    for (size_t tries = 0;; tries++) {
        struct error why = ERROR_INIT;
        enum status st = walk_share_open(&walk->share, job_run_store(walk->run), walk->kind,
                                         &walk->message, &why);

        if (!may_pass(st)) {
            if (st != ST_OK && err != NULL) {
                *err = why;
            }
            return st;
        }
        st = job_run_wait(walk->run, tries, &why, err);
        if (st != ST_OK) {
            return st;
        }
    }
}

enum status
walk_run(struct job_run *run, struct error *err)
{
    struct walk walk = {.run = run, .kind = walk_kind_of(job_run_kind(run))};
    enum status st = walk_message_read(job_run_message(run), &walk.message, err);

    if (st == ST_OK) {
        st = open_share(&walk, err);
    }
    if (st == ST_OK) {
        walk.share.started_ns = job_run_started_ns(run);
        walk.share.is_stopped = job_run_is_stopped(run);
        st = walk_all(&walk, err);
        walk_share_close(&walk.share);
    } else if (st == ST_NO_SUCH_BUCKET && was_finishing(&walk)) {
        describe(&walk);
        tell(&walk);
        st = ST_OK;
    }
    arena_release(&walk.arena);
    arena_release(&walk.counted);
    buffer_release(&walk.what);
    free(walk.nodes);
    return st;
}
