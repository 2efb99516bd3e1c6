/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_receive.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/home_move.h"
#include "object/key_holding.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/part_table.h"
#include "object/placement_rules.h"
#include "object/upload_current.h"
#include "store/layout_writer.h"

#include "base/banned.h"

/* Read and written at a time. */
#define RECEIVE_BUFFER_BYTES ((size_t)256 << 10)

struct key_receive {
    struct key_receive_options options;
    struct arena arena;
    struct home *home;
    struct meta_key key;
    struct seq seq;
    bool is_tombstone;
    struct object_record record;
    struct buffer encoded; /* the record with the layout that it has here */
    struct layout_writer *writer;
    bool is_named;         /* decide published the writer's bytes */
    enum status submitted; /* not ST_OK: there is no commit, for this reason */
    struct error refusal;
    struct commit *commit;
};

/* ---- bytes ---- */

static enum status
write_bytes(struct key_receive *receive, struct error *err)
{
    struct source *source = receive->options.source;
    struct buffer buffer = BUFFER_INIT;
    char *room;
    uint64_t size = 0;
    enum status st = ST_OK;

    if (source == NULL) {
        if (receive->options.item->bytes.size != receive->record.stored_size) {
            return fail(err, ST_INVALID, "%zu bytes came for an object of %llu",
                        receive->options.item->bytes.size,
                        (unsigned long long)receive->record.stored_size);
        }
        return receive->options.item->bytes.size == 0
                   ? ST_OK
                   : layout_writer_write(receive->writer, receive->options.item->bytes, err);
    }
    room = buffer_reserve(&buffer, RECEIVE_BUFFER_BYTES);
    while (st == ST_OK) {
        size_t part = 0;

        st = source_read(source, READ_MAY_WAIT, room, RECEIVE_BUFFER_BYTES, &part, err);
        if (st != ST_OK || part == 0) {
            break;
        }
        size += part;
        st = layout_writer_write(receive->writer, bytes_of(room, part), err);
    }
    buffer_release(&buffer);
    if (st == ST_OK && size != receive->record.stored_size) {
        st = fail(err, ST_CLOSED, "the bytes of an object were cut on their way");
    }
    return st;
}

static enum status
build(struct key_receive *receive, struct error *err)
{
    const struct bucket *bucket = receive->options.bucket;
    struct layout_writer_options options = {
        .home = receive->home,
        .bucket_id = bucket->id,
        .key = receive->options.item->key,
        .is_piece = receive->record.part_count > 0,
        .chunk_bytes = bucket_chunk_piece(&bucket->properties, receive->record.stored_size),
        .chunk_spread = bucket->properties.chunk_spread,
        .durability = DURABILITY_STRICT,
        .size = receive->record.stored_size,
    };
    enum status st = layout_writer_create(&options, &receive->writer, err);

    if (st == ST_OK) {
        st = write_bytes(receive, err);
    }
    if (st == ST_OK) {
        st = layout_writer_finish(receive->writer, &receive->arena, &receive->record.layout, err);
    }
    if (st == ST_OK) {
        object_record_encode(&receive->record, &receive->encoded);
    }
    return st;
}

/* ---- the decision ---- */

/* Is nothing to be done, because what is here is as new, or counts alone? */
static bool
is_there(const struct key_receive *receive, const struct key_holding *own, bool *ret_is_equal)
{
    const struct placement_holding *holding = &own->holding;
    struct seq seq;
    bool has = placement_seq(holding, &seq);
    int order = has ? seq_compare(seq, receive->seq) : -1;

    *ret_is_equal = order == 0;
    if (receive->options.mode == RECEIVE_CONFIRM) {
        return order > 0 ||
               placement_counts_alone(holding, receive->options.claim->view.owned_since) ||
               (receive->options.is_own && order != 0);
    }
    return order >= 0 || (holding->has_mark && (holding->mark.flags & FORMER_MOVED) != 0 &&
                          seq_compare(holding->mark.seq, receive->seq) > 0);
}

static void
put_mark(const struct key_receive *receive, struct commit *commit, bool has_stored_mark)
{
    bool is_confirmed = receive->options.mode == RECEIVE_CONFIRM;
    struct former_record mark = {
        .seq = receive->seq,
        .flags = (is_confirmed ? (unsigned int)FORMER_CONFIRMED : 0) |
                 (receive->is_tombstone ? (unsigned int)FORMER_TOMBSTONE : 0),
        .generation = receive->options.map->placement_version,
    };
    struct buffer value = BUFFER_INIT;

    if (mark.flags == 0) {
        if (has_stored_mark) {
            commit_delete(commit, FAMILY_FORMER, meta_key_bytes(&receive->key));
        }
        return;
    }
    former_record_encode(&mark, &value);
    commit_put(commit, FAMILY_FORMER, meta_key_bytes(&receive->key), buffer_bytes(&value));
    buffer_release(&value);
}

static enum status
put_record(struct key_receive *receive, struct commit *commit, struct commit_view *view,
           const struct object_record *old, struct error *err)
{
    enum status st = ST_OK;

    if (!receive->is_tombstone) {
        layout_writer_put_pages(receive->writer, commit); /* naming reads them */
        st = commit_name_layout(commit, view, &receive->record.layout, false, err);
    }
    if (st == ST_OK && old != NULL) {
        st = object_current_drop(commit, view, old, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (receive->is_tombstone) {
        if (old != NULL) {
            commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&receive->key));
        }
    } else {
        if (receive->options.item->part_count > 0) {
            part_table_put(commit, receive->record.layout.write_id, receive->options.item->parts,
                           receive->options.item->part_count);
        }
        if (receive->options.mode == RECEIVE_PUBLISH) {
            commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&receive->key),
                              buffer_bytes(&receive->encoded));
        } else {
            commit_put(commit, FAMILY_OBJECT, meta_key_bytes(&receive->key),
                       buffer_bytes(&receive->encoded));
        }
        receive->is_named = true;
    }
    object_current_count(commit, receive->options.bucket->id, old,
                         receive->is_tombstone ? NULL : &receive->record);
    return ST_OK;
}

/* A write of the owner: its seq is the committer's to give, and the note goes with it. */
static enum status
decide_publish(struct key_receive *receive, struct commit *commit, struct commit_view *view,
               const struct key_holding *own, struct error *err)
{
    const struct key_receive_options *options = &receive->options;
    const struct object_record *old = own->holding.has_record ? &own->record : NULL;
    const struct key_note *note = &options->item->notes[0];
    struct meta_key note_key;
    struct bytes value;
    bool yields;
    enum status st;

    meta_key_upload(&note_key, options->bucket->id, options->item->key, note->id);
    st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&note_key), &value, err);
    if (st == ST_OK) {
        st = upload_yields_to_note(value, commit_arena(commit), &yields, err);
        if (st != ST_OK || !yields) {
            return st; /* another Complete of it was here first */
        }
    } else if (st != ST_NOT_FOUND) {
        return st;
    }
    st = object_conditions_check_write(options->conditions, old, err);
    if (st == ST_OK) {
        st = put_record(receive, commit, view, old, err);
    }
    if (st == ST_OK) {
        key_claim_mark(options->claim, commit, options->bucket->id, options->item->key, false);
        commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&note_key), note->value);
    }
    return st;
}

static enum status
decide(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct key_receive *receive = arg;
    struct key_holding own;
    bool is_equal;
    enum status st = key_holding_get(commit, view, receive->options.bucket->id,
                                     receive->options.item->key, receive->options.map, &own, err);

    receive->is_named = false;
    if (st == ST_OK && receive->options.mode == RECEIVE_PUBLISH) {
        return decide_publish(receive, commit, view, &own, err);
    }
    if (st != ST_OK || is_there(receive, &own, &is_equal)) {
        return st;
    }
    if (!is_equal) {
        st = put_record(receive, commit, view, own.holding.has_record ? &own.record : NULL, err);
    }
    if (st == ST_OK) {
        put_mark(receive, commit, own.has_stored_mark);
    }
    return st;
}

/* A move-in: exactly the placement of the sender, unfinished, and the key is this target's. */
static enum status
admit_move(const void *arg, struct error *err)
{
    const struct key_receive *receive = arg;
    const struct cluster_map *map = receive->options.map;
    struct ownership *ownership = object_store_ownership(receive->options.bucket->store);
    struct ownership_view view;
    uint64_t digest = key_claim_digest(receive->options.bucket->name, receive->options.item->key);
    enum status st = ownership_check(ownership, digest, 0, &view, NULL, err);

    if (st == ST_OK && (!view.is_placing || view.placement != map->placement_version)) {
        st = fail(err, ST_MOVED, "the placement of a moved key is not the present one");
    }
    return st;
}

/* ---- the flow ---- */

static enum status
read_item(struct key_receive *receive, struct error *err)
{
    const struct key_item *item = receive->options.item;
    struct former_record mark;
    enum status st;

    if (item->record.size != 0) {
        st = object_record_decode(item->record, &receive->arena, &receive->record, err);
        receive->seq = receive->record.seq;
        return st;
    }
    st = former_record_decode(item->mark, &receive->arena, &mark, err);
    if (st == ST_OK && (mark.flags & FORMER_TOMBSTONE) == 0) {
        st = fail(err, ST_INVALID, "what a node sent of a key is neither record nor tombstone");
    }
    receive->is_tombstone = true;
    receive->seq = mark.seq;
    return st;
}

enum status
key_receive_begin(const struct key_receive_options *options, struct key_receive **ret_receive,
                  struct error *err)
{
    struct key_receive *receive = xcalloc(1, sizeof(*receive));
    const struct key_item *item = options->item;
    enum status st;

    assert_on_worker();
    receive->options = *options;
    meta_key_object(&receive->key, options->bucket->id, item->key);
    st = read_item(receive, err);
    if (st == ST_OK) {
        store_enter(options->bucket->store->store);
        st = home_move_settle(options->bucket->store, options->bucket->id, item->key,
                              &receive->home, NULL, err);
        store_leave(options->bucket->store->store);
    }
    if (st == ST_OK && !receive->is_tombstone && !options->is_own) {
        st = home_require_writable(receive->home, err);
        if (st == ST_OK) {
            st = build(receive, err);
        }
    }
    if (st != ST_OK) {
        key_receive_destroy(&receive);
        return st;
    }
    *ret_receive = receive;
    return ST_OK;
}

/* Entered: the home must still be the one for which the bytes were written. */
static enum status
settle_again(struct key_receive *receive, struct error *err)
{
    const struct key_receive_options *options = &receive->options;
    struct home *home = NULL;
    enum status st = home_move_settle(options->bucket->store, options->bucket->id,
                                      options->item->key, &home, NULL, err);

    if (st == ST_OK && home != receive->home && receive->writer != NULL) {
        st = fail(err, ST_MOVED, "the key's home changed while its bytes came");
    }
    if (st == ST_OK) {
        receive->home = home;
    }
    return st;
}

void
key_receive_submit(struct key_receive *receive)
{
    bool is_move = receive->options.mode == RECEIVE_MOVE;

    store_enter(receive->options.bucket->store->store); /* until finish */
    receive->submitted = settle_again(receive, &receive->refusal);
    if (receive->submitted != ST_OK) {
        return;
    }
    FAULT_KILL("receive_before_commit");
    receive->commit = commit_create(&(struct commit_options){
        .home = receive->home,
        .durability = DURABILITY_STRICT,
        .decide = decide,
        .arg = receive,
        .is_refused = receive->options.bucket->is_refusing_writes,
        .writer = receive->writer,
        .admit = is_move ? admit_move : key_claim_check,
        .admit_arg = is_move ? (const void *)receive : receive->options.claim,
    });
    commit_submit(receive->commit);
}

enum status
key_receive_finish(struct key_receive **take_receive, struct error *err)
{
    struct key_receive *receive = *take_receive;
    bool is_submitted = receive->submitted == ST_OK;
    enum status st = is_submitted ? commit_wait(receive->commit, err) : receive->submitted;

    store_leave(receive->options.bucket->store->store);
    if (!is_submitted && err != NULL) {
        *err = receive->refusal;
    }
    if (is_submitted && receive->options.claim != NULL) {
        st = key_claim_judge(receive->options.claim, st, err);
    }
    commit_destroy(&receive->commit);
    if (is_submitted && receive->writer != NULL &&
        ((st == ST_OK && receive->is_named) || object_commit_is_doubtful(st))) {
        layout_writer_disown(receive->writer);
    }
    FAULT_KILL("receive_after_commit");
    key_receive_destroy(take_receive);
    return st;
}

void
key_receive_destroy(struct key_receive **take_receive)
{
    struct key_receive *receive = *take_receive;

    if (receive == NULL) {
        return;
    }
    CHECK(receive->commit == NULL);
    layout_writer_destroy(&receive->writer);
    buffer_release(&receive->encoded);
    arena_release(&receive->arena);
    free(receive);
    *take_receive = NULL;
}

enum status
key_receive_run(const struct key_receive_options *options, struct error *err)
{
    struct key_receive *receive = NULL;
    enum status st = key_receive_begin(options, &receive, err);

    if (st == ST_OK) {
        key_receive_submit(receive);
        st = key_receive_finish(&receive, err);
    }
    return st;
}
