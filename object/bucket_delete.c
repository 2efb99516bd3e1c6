/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteBucket: is it empty, on every target? -> `deleting` in control (writes are refused from
 * then on, also those already admitted) -> a barrier in every home -> still empty? -> uploads
 * aborted -> the control value removed.  Whatever goes wrong before the last step makes it active
 * again.
 */
#include "object/bucket_delete.h"

#include "base/check.h"
#include "base/log.h"
#include "meta/meta_key.h"
#include "object/bucket.h"
#include "object/bucket_empty.h"
#include "object/home_merge.h"
#include "object/object_internal.h"
#include "object/upload_remove.h"

#include "base/banned.h"

static enum status
bucket_require_empty(struct object_store *store, uint64_t id, enum family family, struct error *err)
{
    struct home_merge merge;
    struct meta_key lower;
    struct meta_key upper;
    enum status st;

    meta_key_object(&lower, id, BYTES_NONE);
    upper = lower;
    CHECK(meta_key_successor(&upper));
    st = home_merge_open(&merge, store->store,
                         &(struct meta_scan){.family = family,
                                             .lower = meta_key_bytes(&lower),
                                             .upper = meta_key_bytes(&upper)},
                         err);
    if (st != ST_OK) {
        return st;
    }
    home_merge_seek(&merge, meta_key_bytes(&lower));
    if (home_merge_is_valid(&merge)) {
        st = fail(err, ST_BUCKET_NOT_EMPTY, "the bucket is not empty");
    } else {
        st = home_merge_status(&merge, err);
    }
    home_merge_close(&merge);
    return st;
}

static enum status
bucket_require_no_objects(struct object_store *store, uint64_t id, struct error *err)
{
    enum status st = bucket_require_empty(store, id, FAMILY_OBJECT, err);

    return st == ST_OK ? bucket_require_empty(store, id, FAMILY_VERSION, err) : st;
}

static enum status
state_put(struct object_store *store, struct bytes name, uint64_t id, enum bucket_state state,
          uint64_t *ret_revision, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct buffer json = BUFFER_INIT;
    struct bytes key = arena_printf_bytes(&arena, BUCKET_VALUE_PREFIX "%.*s", BYTES_ARGS(name));
    struct control_value old;
    struct bucket_value value;
    enum status st = control_get(store->control, key, &arena, &old, err);

    if (st == ST_OK) {
        st = bucket_value_parse(old.value, &arena, &value, err);
    }
    if (st == ST_NOT_FOUND || (st == ST_OK && value.id != id)) {
        st = fail(err, ST_NO_SUCH_BUCKET, "the bucket was deleted meanwhile");
    }
    /* In a cluster whoever began it may be gone: this request goes on with it.  Of two that go on
     * one removes the value at its revision. */
    if (st == ST_OK && value.state == state && object_store_is_clustered(store)) {
        *ret_revision = old.revision;
        goto out;
    }
    if (st == ST_OK && value.state == state) {
        st = fail(err, ST_BUSY, "the bucket is being deleted by another request");
    }
    if (st == ST_OK) {
        value.state = state;
        st = bucket_value_format(&value, old.value, &json, err);
    }
    if (st == ST_OK) {
        st = control_put(store->control, key, buffer_bytes(&json), old.revision, ret_revision, err);
    }
out:
    buffer_release(&json);
    arena_release(&arena);
    return st;
}

/* Puts the bucket into state, from another one only; *ret_revision is that of the new value. */
static enum status
state_change(struct object_store *store, struct bytes name, uint64_t id, enum bucket_state state,
             uint64_t *ret_revision, struct error *err)
{
    enum status st;

    do {
        st = state_put(store, name, id, state, ret_revision, err);
    } while (st == ST_CONFLICT); /* its properties changed at the same time */
    return st == ST_BUSY ? fail(err, ST_CONFLICT, "the bucket is being deleted by another request")
                         : st;
}

static enum status
decide_counters_removed(struct commit *commit, struct commit_view *view, void *arg,
                        struct error *err)
{
    const uint64_t *id = arg;
    struct meta_key key;

    meta_key_counters(&key, *id);
    commit_delete(commit, FAMILY_NODE, meta_key_bytes(&key));
    return ST_OK;
}

/* A step of the deletion that put that value, and of no other. */
struct deletion {
    const struct bucket *bucket;
    uint64_t revision;
};

static enum status
admit_step(const void *arg, struct error *err)
{
    const struct deletion *deletion = arg;

    return deletion->revision == CONTROL_ANY_REVISION ||
                   bucket_revision(deletion->bucket) == deletion->revision
               ? ST_OK
               : fail(err, ST_CONFLICT, "the deletion of the bucket was taken back");
}

/* Strict commits: with them everything that was removed from the bucket is on disk before its
 * control value goes, however relaxed the bucket was.  Else records could come back after a power
 * cut and belong to nobody. */
static enum status
counters_remove(const struct deletion *deletion, struct error *err)
{
    struct store *store = deletion->bucket->store->store;
    uint64_t id = deletion->bucket->id;
    enum status st = ST_OK;

    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store, i);
        struct seq seq;

        if (home_state(home) != HOME_PRESENT && !home_is_holder(home)) {
            continue;
        }
        st = commit_run(&(struct commit_options){.home = home,
                                                 .durability = DURABILITY_STRICT,
                                                 .decide = decide_counters_removed,
                                                 .arg = &id,
                                                 .admit = admit_step,
                                                 .admit_arg = deletion},
                        &seq, err);
    }
    return st;
}

enum status
bucket_empty_own(const struct bucket *bucket, uint64_t revision, enum bucket_empty_step step,
                 struct error *err)
{
    struct deletion deletion = {bucket, revision};
    struct store *store = bucket->store->store;
    enum status st = ST_OK;

    if (step == BUCKET_EMPTY_CHECK) {
        for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
            struct home *home = store_home_at(store, i);

            if (home_is_holder(home)) {
                st = commit_barrier(home, err);
            }
        }
        return st == ST_OK ? bucket_require_no_objects(bucket->store, bucket->id, err) : st;
    }
    st = upload_remove_all(bucket->store, bucket->id, admit_step, &deletion, err);
    return st == ST_OK ? counters_remove(&deletion, err) : st;
}

/* In state `deleting`, at that revision. */
static enum status
deletion_finish(struct object_store *store, struct bytes name, uint64_t id, uint64_t revision,
                struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct bytes key = arena_printf_bytes(&arena, BUCKET_VALUE_PREFIX "%.*s", BYTES_ARGS(name));
    enum status st = bucket_empty_everywhere(store, name, id, revision, err);

    if (st == ST_OK) {
        st = control_delete(store->control, key, revision, err);
    }
    arena_release(&arena);
    return st;
}

static void
deletion_revert(struct object_store *store, struct bytes name, uint64_t id)
{
    struct error err = ERROR_INIT;
    uint64_t revision;
    enum status st = state_change(store, name, id, BUCKET_ACTIVE, &revision, &err);

    /* Of several requests in a cluster another one may have removed it. */
    if (st != ST_OK && st != ST_NO_SUCH_BUCKET) {
        log_error(&(struct log_context){.bucket = name}, "bucket_delete_stuck",
                  "the bucket stays in deletion until the next start: %s", err.text);
    }
}

enum status
bucket_delete(struct object_store *store, const struct principal *principal, struct bytes name,
              struct error *err)
{
    struct bucket bucket;
    uint64_t revision;
    enum status st = bucket_open(store, principal, name, ACTION_DELETE_BUCKET, &bucket, err);

    assert_on_worker();
    if (st != ST_OK) {
        return st;
    }
    /* Most refusals end here, without disturbing those who write. */
    st = bucket_look_empty(&bucket, err);
    if (st == ST_OK) {
        st = state_change(store, name, bucket.id, BUCKET_DELETING, &revision, err);
    }
    if (st == ST_OK) {
        st = deletion_finish(store, name, bucket.id, revision, err);
        if (st != ST_OK) {
            deletion_revert(store, name, bucket.id);
        }
    }
    bucket_close(&bucket);
    return st;
}

static enum status
deletion_resume(struct object_store *store, struct bytes name, uint64_t id, struct error *err)
{
    uint64_t revision = CONTROL_ANY_REVISION;
    enum status st = ST_OK;

    /* Another node may be at it, and be done first. */
    if (object_store_is_clustered(store)) {
        st = state_change(store, name, id, BUCKET_DELETING, &revision, err);
    }
    return st == ST_OK ? deletion_finish(store, name, id, revision, err) : st;
}

void
bucket_delete_resume(struct object_store *store)
{
    struct bytes after = BYTES_NONE;
    struct arena arena = ARENA_INIT;
    struct bucket_entry *entry;

    while ((entry = bucket_table_next(store->buckets, after)) != NULL) {
        struct error err = ERROR_INIT;

        after = arena_copy(&arena, entry->name);
        if (atomic_load(&entry->is_refusing_writes) &&
            deletion_resume(store, after, entry->id, &err) != ST_OK) {
            log_info(&(struct log_context){.bucket = after}, "bucket_delete_reverted",
                     "an unfinished deletion of the bucket is taken back: %s", err.text);
            deletion_revert(store, after, entry->id);
        }
        bucket_entry_release(&entry);
    }
    arena_release(&arena);
}
