/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CompleteMultipartUpload: the worker reads the upload and its parts, checks them against the
 * request, and builds the object's layout from theirs; decide then only has to find the upload's
 * seq unchanged, because every part that is committed changes it.  Otherwise all of it is done
 * again.  No bytes are moved and no chunk is counted anew: the object names what the parts named.
 *
 * In the one batch: pages and part table, the object's record, the upload's new state, the removal
 * of the named parts, the release of the old object.  Parts that were left out are removed after
 * it.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/meta_key.h"
#include "object/completion.h"
#include "object/extent_pages.h"
#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/multipart.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/object_route.h"
#include "object/part_table.h"
#include "object/upload_current.h"
#include "object/upload_publish.h"

#include "base/banned.h"

/* Tries while parts of the same upload keep being committed. */
#define COMPLETE_TRY_COUNT 16
/* Fewer part records than this are deleted one by one: range deletions slow scans down. */
#define DELETE_RANGE_MIN 16

static void
run_delete(const struct completion *completion, struct commit *commit, size_t from, size_t to)
{
    const struct upload_ref *ref = &completion->ref;
    struct meta_key key;
    struct meta_key end;

    if (to - from >= DELETE_RANGE_MIN) {
        meta_key_part(&key, ref->bucket_id, ref->key, ref->id, completion->existing[from].number);
        meta_key_part(&end, ref->bucket_id, ref->key, ref->id,
                      completion->existing[to - 1].number + 1);
        commit_delete_range(commit, FAMILY_UPLOAD, meta_key_bytes(&key), meta_key_bytes(&end));
        return;
    }
    for (size_t i = from; i < to; i++) {
        meta_key_part(&key, ref->bucket_id, ref->key, ref->id, completion->existing[i].number);
        commit_delete(commit, FAMILY_UPLOAD, meta_key_bytes(&key));
    }
}

/* Their bytes are the object's now.  Those left out stay until upload_remove drops their bytes. */
static void
parts_delete(const struct completion *completion, struct commit *commit)
{
    size_t chosen = 0;
    size_t at = 0;

    while (at < completion->existing_count) {
        size_t from = at;

        while (at < completion->existing_count && chosen < completion->options->part_count &&
               completion->chosen[chosen] == &completion->existing[at]) {
            at++;
            chosen++;
        }
        run_delete(completion, commit, from, at);
        if (at == from) {
            at++; /* left out */
        }
    }
}

static bool
layout_is_in_pack(const struct layout *layout)
{
    return layout->kind == LAYOUT_EXTENTS && layout->extents[0].kind == EXTENT_PACK;
}

/* The collector of packs moves bytes without touching the upload. */
static enum status
parts_check_unmoved(struct completion *completion, struct commit *commit, struct commit_view *view,
                    struct error *err)
{
    const struct upload_ref *ref = &completion->ref;

    for (size_t i = 0; i < completion->options->part_count; i++) {
        const struct part_record *part = completion->chosen[i];
        struct part_record now;
        struct meta_key key;
        struct bytes value;
        enum status st;

        if (!layout_is_in_pack(&part->layout)) {
            continue;
        }
        meta_key_part(&key, ref->bucket_id, ref->key, ref->id, part->number);
        st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&key), &value, err);
        if (st == ST_OK) {
            st = part_record_decode(value, commit_arena(commit), &now, err);
        }
        if (st != ST_OK && st != ST_NOT_FOUND) {
            return st;
        }
        if (st == ST_NOT_FOUND || !layout_is_in_pack(&now.layout) ||
            now.layout.extents[0].pack_id != part->layout.extents[0].pack_id ||
            now.layout.extents[0].offset != part->layout.extents[0].offset) {
            completion->is_stale = true;
            return fail(err, ST_CONFLICT, "a part moved while the upload was completed");
        }
    }
    return ST_OK;
}

static enum status
upload_check_unchanged(struct completion *completion, struct commit *commit,
                       struct commit_view *view, struct error *err)
{
    const struct upload_ref *ref = &completion->ref;
    struct upload_record upload;
    struct bytes value;
    enum status st =
        upload_current_get(commit, view, ref->bucket_id, ref->key, ref->id, &upload, &value, err);

    if (st != ST_OK) {
        return st;
    }
    if (upload.state != UPLOAD_OPEN || seq_compare(upload.seq, completion->upload.seq) != 0) {
        completion->is_stale = true;
        return fail(err, ST_CONFLICT, "the upload changed while it was completed");
    }
    return parts_check_unmoved(completion, commit, view, err);
}

static enum status
decide_completion(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct completion *completion = arg;
    const struct upload_ref *ref = &completion->ref;
    const struct object_record *old;
    struct meta_key key;
    enum status st;

    completion->is_stale = false;
    st = upload_check_unchanged(completion, commit, view, err);
    if (st != ST_OK) {
        return st;
    }
    meta_key_object(&key, ref->bucket_id, ref->key);
    st = object_current_get(commit, view, &key, &old, err);
    if (st != ST_OK) {
        return st;
    }
    st = object_conditions_check_write(&completion->options->conditions, old, err);
    if (st != ST_OK) {
        return st;
    }
    completion->record.overwrite_count = old != NULL ? old->overwrite_count + 1 : 0;
    buffer_clear(&completion->encoded);
    object_record_encode(&completion->record, &completion->encoded);
    if (old != NULL) {
        st = object_current_drop(commit, view, old, err);
        if (st != ST_OK) {
            return st;
        }
    }
    if (completion->options->part_count > 1) { /* the pages of a single part are there already */
        extent_pages_put(commit, &completion->record.layout, completion->extents,
                         completion->extent_count);
    }
    part_table_put(commit, completion->record.layout.write_id, completion->entries,
                   completion->options->part_count);
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key),
                      buffer_bytes(&completion->encoded));
    key_claim_mark(&completion->claim, commit, ref->bucket_id, ref->key, false);
    parts_delete(completion, commit);
    meta_key_upload(&key, ref->bucket_id, ref->key, ref->id);
    commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&key),
                      buffer_bytes(&completion->encoded_upload));
    object_current_count(commit, ref->bucket_id, old, &completion->record);
    return ST_OK;
}

static void
result_fill(struct object_put_result *result, struct bytes etag, const struct checksum *checksum,
            uint64_t size, struct seq seq)
{
    memset(result, 0, sizeof(*result));
    CHECK(etag.size < sizeof(result->etag));
    memcpy(result->etag, etag.data, etag.size);
    result->checksum = *checksum;
    result->size = size;
    result->seq = seq;
}

static enum status
completion_answer_again(const struct completion *completion, struct object_put_result *ret_result,
                        struct error *err)
{
    const struct upload_record *upload = &completion->upload;

    if (upload->state == UPLOAD_ABORTED || upload->completed_etag.size > 63 ||
        clock_wall_ns() - upload->completed_ns > UPLOAD_COMPLETED_KEEP_S * CLOCK_NS_PER_S) {
        return fail(err, ST_NO_SUCH_UPLOAD, "the upload was aborted, or completed long ago");
    }
    result_fill(ret_result, upload->completed_etag, &upload->completed_checksum, 0, upload->seq);
    return ST_OK;
}

static void
left_out_remove(const struct completion *completion)
{
    struct error err = ERROR_INIT;

    if (completion->existing_count > completion->options->part_count &&
        upload_remove(&completion->ref, completion->bucket->properties.durability, false, &err) !=
            ST_OK) {
        log_warn(&(struct log_context){.bucket = completion->bucket->name}, "upload_parts_left",
                 "parts that a completion left out stay for now: %s", err.text);
    }
}

/* One try; ST_CONFLICT with is_stale: again. */
static enum status
completion_try(struct completion *completion, struct object_put_result *ret_result,
               struct error *err)
{
    struct seq seq;
    enum status st =
        upload_get(completion->ref.home, completion->ref.bucket_id, completion->ref.key,
                   completion->ref.id, true, &completion->arena, &completion->upload, err);

    completion->is_stale = false;
    if (st != ST_OK) {
        return st;
    }
    st = upload_check_open(&completion->upload, err);
    if (st == ST_NO_SUCH_UPLOAD) {
        return completion_answer_again(completion, ret_result, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = completion_build(completion, err);
    if (st != ST_OK) {
        return st;
    }
    st = key_claim_commit(
        &completion->claim,
        &(struct commit_options){.home = completion->ref.home,
                                 .durability = completion->bucket->properties.durability,
                                 .decide = decide_completion,
                                 .arg = completion,
                                 .is_refused = completion->bucket->is_refusing_writes},
        &seq, err);
    if (st == ST_OK) {
        result_fill(ret_result, bytes_of_string(completion->etag), &completion->checksum,
                    completion->size, seq);
        left_out_remove(completion);
    }
    return st;
}

/* Rule 7: before a Complete is decided, former owners are asked whether it was decided there. */
static enum status
completion_claim(struct completion *completion, struct object_put_result *ret_result,
                 bool *ret_is_answered, struct error *err)
{
    const struct bucket *bucket = completion->bucket;
    struct bytes key = completion->ref.key;
    enum status st = key_claim_admit(bucket, key, READ_MAY_WAIT, &completion->claim, err);

    *ret_is_answered = false;
    if (st != ST_OK || !key_claim_must_ask(&completion->claim)) {
        return st;
    }
    st = key_settle_note(&completion->claim, bucket, key, completion->ref.id, &completion->arena,
                         &completion->upload, err);
    if (st == ST_OK) {
        *ret_is_answered = true;
        return completion_answer_again(completion, ret_result, err);
    }
    if (st == ST_NO_SUCH_UPLOAD) {
        st = object_conditions_are_given(&completion->options->conditions)
                 ? key_settle(&completion->claim, bucket, key, err)
                 : ST_OK;
    }
    return st;
}

/* All of the upload is at the key's home. */
static enum status
completion_settle(struct completion *completion, struct error *err)
{
    enum status st = home_move_settle(completion->bucket->store, completion->ref.bucket_id,
                                      completion->ref.key, &completion->ref.home, NULL, err);

    return st == ST_OK ? home_require_writable(completion->ref.home, err) : st;
}

/* The key is another node's: the upload becomes an object there. */
static enum status
completion_elsewhere(struct completion *completion, struct object_put_result *ret_result,
                     struct error *err)
{
    struct store *store = completion->bucket->store->store;
    struct upload_record done;
    bool is_here = false;
    enum status st;

    store_enter(store);
    st = completion_settle(completion, err);
    if (st == ST_OK) {
        st = upload_get(completion->ref.home, completion->ref.bucket_id, completion->ref.key,
                        completion->ref.id, true, &completion->arena, &completion->upload, err);
        if (st == ST_OK) {
            st = upload_check_open(&completion->upload, err);
        }
        is_here = st == ST_OK;
        st = st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
    }
    if (st == ST_OK && is_here) {
        st = completion_build(completion, err);
    }
    store_leave(store);
    if (st == ST_OK) {
        st = upload_publish(completion, is_here, &done, err);
    }
    if (st == ST_OK) {
        completion->upload = done;
        st = completion_answer_again(completion, ret_result, err);
    }
    if (st == ST_OK && is_here) {
        struct error left = ERROR_INIT;
        enum durability durability = completion->bucket->properties.durability;

        store_enter(store);
        if (upload_mark_aborted(&completion->ref, durability, NULL, &left) != ST_OK ||
            upload_remove(&completion->ref, durability, true, &left) != ST_OK) {
            log_warn(&(struct log_context){.bucket = completion->bucket->name}, "upload_parts_left",
                     "the parts of an upload stay for now: %s", left.text);
        }
        store_leave(store);
    }
    return st;
}

enum status
multipart_complete(const struct bucket *bucket, const struct multipart_complete_options *options,
                   struct object_put_result *ret_result, struct error *err)
{
    struct completion completion = {
        .bucket = bucket,
        .options = options,
        .ref = {.bucket_id = bucket->id, .key = options->key, .id = options->id},
    };
    int64_t began_ns = clock_monotonic_ns();
    size_t stale_count = 0;
    enum status st = object_key_check(options->key, err);

    assert_on_worker();
    if (st == ST_OK) {
        st = completion_request_check(options, err);
    }
    if (st != ST_OK) {
        return st;
    }
    while (stale_count < COMPLETE_TRY_COUNT) {
        bool is_answered;

        completion.is_stale = false;
        st = completion_claim(&completion, ret_result, &is_answered, err);
        if (st == ST_OK && !is_answered) {
            store_enter(bucket->store->store);
            st = completion_settle(&completion, err);
            if (st == ST_OK) {
                st = completion_try(&completion, ret_result, err);
            }
            store_leave(bucket->store->store);
        }
        if (st == ST_MOVED && key_claim_admit(bucket, options->key, READ_MAY_WAIT,
                                              &completion.claim, NULL) == ST_MOVED) {
            st = completion_elsewhere(&completion, ret_result, err);
        }
        if (st == ST_MOVED && object_route_again(bucket->store, began_ns, err) != ST_OK) {
            st = ST_UNAVAILABLE;
        }
        if ((st != ST_CONFLICT || !completion.is_stale) && st != ST_MOVED) {
            break;
        }
        stale_count += st == ST_CONFLICT;
        arena_release(&completion.arena);
        memset(&completion.record, 0, sizeof(completion.record));
    }
    completion_release(&completion);
    return st;
}
