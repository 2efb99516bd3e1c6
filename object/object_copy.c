/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy is an object in one piece.  Of a source in one piece it is a clone with the same ETag and
 * checksum; the bytes of one that was uploaded in parts are read once for their MD5, and for a
 * checksum of the whole where the source's is COMPOSITE.  Where the bytes come from:
 *
 *   the record itself        bytes in the record, or none: they are copied with it
 *   shared                   same home: chunk files get one more reference; one run of bytes in a
 *                            pack (the tail of an upload) is written again
 *   written                  other home, or several runs in packs: verified bytes are read, written
 *   in place                 the key onto itself: only the record changes, a part table goes
 *
 * The source must still be what was read when the copy is committed; else all is done again.
 * UploadPartCopy reads and writes bytes: a part needs an MD5 of its own.
 */
#include "object/object_copy.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "object/copy_plan.h"
#include "object/object_attributes.h"
#include "object/object_checksum.h"
#include "object/object_cluster.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/object_pull.h"
#include "object/part_table.h"

#include "base/banned.h"

/* Tries while the source keeps changing. */
#define COPY_TRY_COUNT 8

/* The collector of packs moves bytes without giving the record a new seq. */
static bool
layout_was_moved(const struct layout *before, const struct layout *now)
{
    if (before->kind != now->kind || before->extent_count != now->extent_count ||
        memcmp(&before->write_id, &now->write_id, sizeof(now->write_id)) != 0) {
        return true;
    }
    for (size_t i = 0; i < now->extent_count; i++) {
        if (before->extents[i].kind == EXTENT_PACK &&
            (before->extents[i].pack_id != now->extents[i].pack_id ||
             before->extents[i].offset != now->extents[i].offset)) {
            return true;
        }
        if (before->extents[i].kind == EXTENT_CHUNK &&
            memcmp(&before->extents[i].chunk_id, &now->extents[i].chunk_id, CHUNK_ID_BYTES) != 0) {
            return true;
        }
    }
    return false;
}

/* Same home: as part of the decision, so that nothing can come in between. */
static enum status
decide_source(struct copy_plan *plan, struct commit *commit, struct commit_view *view,
              struct error *err)
{
    const struct object_record *source;
    enum status st = object_current_get(commit, view, &plan->source_key, &source, err);

    if (st != ST_OK) {
        return st;
    }
    if (source == NULL || seq_compare(source->seq, plan->source.seq) != 0 ||
        (plan->is_in_place && layout_was_moved(&plan->source.layout, &source->layout))) {
        plan->is_stale = true;
        return fail(err, ST_CONFLICT, "the source changed while it was copied");
    }
    return ST_OK;
}

static enum status
decide_bytes(struct copy_plan *plan, struct commit *commit, struct commit_view *view,
             const struct object_record *old, struct error *err)
{
    enum status st = ST_OK;

    if (plan->extent_count > 0) {
        extent_pages_put(commit, &plan->record.layout, plan->extents, plan->extent_count);
    } else if (plan->writer != NULL) {
        layout_writer_put_pages(plan->writer, commit); /* naming reads them */
    }
    if (plan->shared.extent_count > 0) {
        st = commit_name_layout(commit, view, &plan->shared, true, err);
        plan->is_stale |= st == ST_CONFLICT;
    }
    if (st == ST_OK && plan->writer != NULL) {
        st = commit_name_layout(commit, view, &plan->written, false, err);
    }
    /* Only now: the old object may share chunk files with the source. */
    if (st == ST_OK && old != NULL) {
        st = object_current_drop(commit, view, old, err);
    }
    return st;
}

static enum status
decide_copy(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct copy_plan *plan = arg;
    const struct object_record *old;
    enum status st = ST_OK;

    plan->is_stale = false;
    if (plan->source_home == plan->home) {
        st = decide_source(plan, commit, view, err);
    }
    if (st == ST_OK) {
        st = object_current_get(commit, view, &plan->key, &old, err);
    }
    if (st == ST_OK) {
        st = object_conditions_check_write(&plan->options->conditions, old, err);
    }
    if (st == ST_OK && !plan->is_in_place) {
        st = decide_bytes(plan, commit, view, old, err);
    }
    if (st != ST_OK) {
        return st;
    }
    plan->record.overwrite_count = old != NULL ? old->overwrite_count + 1 : 0;
    buffer_clear(&plan->encoded);
    object_record_encode(&plan->record, &plan->encoded);
    if (plan->is_in_place && plan->source.part_count > 0) {
        part_table_delete(commit, plan->source.layout.write_id);
    }
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&plan->key),
                      buffer_bytes(&plan->encoded));
    key_claim_mark(&plan->claim, commit, plan->destination->id, plan->options->key, false);
    object_current_count(commit, plan->destination->id, old, &plan->record);
    return ST_OK;
}

/* Other home: as late as possible. */
static enum status
source_check_again(struct copy_plan *plan, struct error *err)
{
    struct object_record now;
    enum status st;

    if (plan->source_home == plan->home) {
        return ST_OK;
    }
    st = copy_plan_read_source(plan, &now, err);
    if (st == ST_NO_SUCH_KEY || (st == ST_OK && seq_compare(now.seq, plan->source.seq) != 0)) {
        plan->is_stale = true;
        return fail(err, ST_CONFLICT, "the source changed while it was copied");
    }
    return st;
}

/* The caller has entered. */
static enum status
copy_commit(struct copy_plan *plan, struct seq *ret_seq, struct error *err)
{
    enum status st = copy_plan_check_homes(plan, err);

    if (st == ST_OK) {
        st = source_check_again(plan, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = key_claim_check(&plan->source_claim, err);
    if (st != ST_OK) {
        return st;
    }
    st = key_claim_commit(
        &plan->claim,
        &(struct commit_options){.home = plan->home,
                                 .durability = plan->destination->properties.durability,
                                 .decide = decide_copy,
                                 .arg = plan,
                                 .is_refused = plan->destination->is_refusing_writes,
                                 .writer = plan->writer},
        ret_seq, err);
    if (plan->writer != NULL && (st == ST_OK || object_commit_is_doubtful(st))) {
        layout_writer_disown(plan->writer);
    }
    return st;
}

static void
result_fill(struct object_copy_result *result, struct bytes etag, int64_t created_ns,
            const struct checksum *checksum, struct seq seq)
{
    memset(result, 0, sizeof(*result));
    memcpy(result->etag, etag.data,
           etag.size < sizeof(result->etag) ? etag.size : sizeof(result->etag) - 1);
    result->created_ns = created_ns;
    result->checksum = *checksum;
    result->seq = seq;
}

static enum status
copy_object(struct copy_plan *plan, struct object_copy_result *ret_result, struct error *err)
{
    struct seq seq;
    enum status st = copy_plan_build(plan, err);

    if (st == ST_OK) {
        store_enter(plan->destination->store->store);
        st = copy_commit(plan, &seq, err);
        store_leave(plan->destination->store->store);
    }
    if (st == ST_OK) {
        result_fill(ret_result, plan->record.etag, plan->record.created_ns, &plan->record.checksum,
                    seq);
    }
    return st;
}

static enum status
copy_part(struct copy_plan *plan, struct object_copy_result *ret_result, struct error *err)
{
    struct object_put_result result;
    struct object_put *put = NULL;
    int64_t created_ns = 0;
    enum status st = copy_plan_write_part(plan, &put, &created_ns, err);

    if (st == ST_OK) {
        struct object_record now;

        st = copy_plan_read_source(plan, &now, err);
        if (st == ST_NO_SUCH_KEY || (st == ST_OK && seq_compare(now.seq, plan->source.seq) != 0)) {
            plan->is_stale = true;
            st = fail(err, ST_CONFLICT, "the source changed while it was copied");
        }
    }
    if (st == ST_OK) {
        st = object_put_commit(put, &result, err);
    }
    if (st == ST_OK) {
        result_fill(ret_result, bytes_of_string(result.etag), created_ns, &result.checksum,
                    result.seq);
    }
    object_put_release(&put);
    return st;
}

static enum status
copy_check(const struct bucket *destination, const struct object_copy_options *options,
           struct error *err)
{
    enum status st = object_key_check(options->source_key, err);

    if (st == ST_OK) {
        st = object_key_check(options->key, err);
    }
    if (st == ST_OK && options->replaces_attributes) {
        st = object_attributes_check(&options->attributes, err);
    }
    if (st == ST_OK && atomic_load(destination->is_refusing_writes)) {
        st = fail(err, ST_NO_SUCH_BUCKET, "the bucket is being deleted");
    }
    return st;
}

static enum status
copy_local(const struct bucket *destination, const struct object_copy_options *options,
           struct object_copy_result *ret_result, struct error *err)
{
    enum status st = ST_CONFLICT;

    for (size_t try = 0; try < COPY_TRY_COUNT; try++) {
        struct copy_plan plan;

        st = copy_plan_init(&plan, destination, options, err);
        if (st == ST_NO_SUCH_KEY && key_claim_check(&plan.source_claim, NULL) != ST_OK) {
            st = fail(err, ST_MOVED, "the source was another node's meanwhile");
        }
        if (st == ST_OK) {
            st = options->upload != NULL ? copy_part(&plan, ret_result, err)
                                         : copy_object(&plan, ret_result, err);
        }
        copy_plan_release(&plan);
        if (st != ST_CONFLICT || !plan.is_stale) {
            break;
        }
    }
    return st;
}

/* Where the source is, under a map that both nodes have. */
static enum status
copy_from_owner(const struct bucket *destination, const struct object_copy_options *options,
                struct object_copy_result *ret_result, struct error *err)
{
    int64_t began_ns = clock_monotonic_ns();
    enum status st = ST_MOVED;

    while (st == ST_MOVED) {
        struct object_route route = {.is_local = true};
        struct arena arena = ARENA_INIT;
        struct key_claim claim;

        st = object_route(options->source, options->source_key, BYTES_NONE, &arena, &route, err);
        if (st == ST_OK && route.is_local) {
            st = copy_local(destination, options, ret_result, err);
        } else if (st == ST_OK) {
            st = object_pull(destination, options, &route, ret_result, err);
        }
        arena_release(&arena);
        if (st == ST_MOVED && options->upload == NULL &&
            key_claim_admit(destination, options->key, READ_MAY_WAIT, &claim, NULL) == ST_MOVED) {
            return fail(err, ST_MOVED, "the destination is another node's by now");
        }
        if (st == ST_MOVED) {
            st = object_route_again(destination->store, began_ns, err);
            st = st == ST_OK ? ST_MOVED : st;
        }
    }
    return st;
}

enum status
object_copy(const struct bucket *destination, const struct object_copy_options *options,
            struct object_copy_result *ret_result, struct error *err)
{
    enum status st = copy_check(destination, options, err);

    assert_on_worker();
    if (st == ST_OK) {
        st = copy_from_owner(destination, options, ret_result, err);
    }
    return st;
}
