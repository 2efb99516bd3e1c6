/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All keys are submitted to the committers of their homes before the first is waited for, so a
 * multi-delete costs a few syncs, not one per key.
 */
#include "object/object_delete.h"

#include "base/memory.h"
#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/object_current.h"
#include "object/object_delete_own.h"
#include "object/object_internal.h"
#include "object/object_key.h"

#include "base/banned.h"

struct deletion {
    const struct bucket *bucket;
    struct object_delete_entry *entry;
    struct key_claim claim;
    struct commit *commit; /* NULL: refused before */
};

static enum status
decide_deletion(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct deletion *deletion = arg;
    const struct object_record *old;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, deletion->bucket->id, deletion->entry->key);
    st = object_current_get(commit, view, &key, &old, err);
    if (st != ST_OK) {
        return st;
    }
    st = object_conditions_check_write(&deletion->entry->conditions, old, err);
    if (st != ST_OK) {
        return st;
    }
    key_claim_mark(&deletion->claim, commit, deletion->bucket->id, deletion->entry->key, true);
    if (old == NULL) {
        return ST_OK;
    }
    st = object_current_drop(commit, view, old, err);
    if (st != ST_OK) {
        return st;
    }
    commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&key));
    object_current_count(commit, deletion->bucket->id, old, NULL);
    return ST_OK;
}

/* Rule 6.2: a blind delete needs no answer to be ordered. */
static enum status
deletion_claim(struct deletion *deletion, struct error *err)
{
    struct bytes key = deletion->entry->key;
    enum status st = object_key_check(key, err);

    if (st == ST_OK) {
        st = key_claim_admit(deletion->bucket, key, READ_MAY_WAIT, &deletion->claim, err);
    }
    if (st == ST_OK && object_conditions_are_given(&deletion->entry->conditions)) {
        st = key_settle(&deletion->claim, deletion->bucket, key, err);
    }
    return st;
}

static enum status
deletion_submit(struct deletion *deletion, struct error *err)
{
    struct home *home;
    enum status st;

    st = home_move_settle(deletion->bucket->store, deletion->bucket->id, deletion->entry->key,
                          &home, NULL, err);
    if (st == ST_NO_SPACE && !deletion->claim.view.is_placing &&
        !object_conditions_are_given(&deletion->entry->conditions) &&
        !atomic_load(deletion->bucket->is_refusing_writes)) {
        st = home_move_discard(deletion->bucket->store, deletion->bucket->id, deletion->entry->key,
                               &home, err);
    }
    if (st != ST_OK) {
        return st;
    }
    /* Not home_require_writable: a delete needs no space and makes some. */
    if (home_state(home) != HOME_PRESENT) {
        return fail(err, ST_UNAVAILABLE, "the mountpath %s is not available", home_directory(home));
    }
    deletion->commit = commit_create(&(struct commit_options){
        .home = home,
        .durability = deletion->bucket->properties.durability,
        .decide = decide_deletion,
        .arg = deletion,
        .is_refused = deletion->bucket->is_refusing_writes,
        .admit = key_claim_check,
        .admit_arg = &deletion->claim,
    });
    commit_submit(deletion->commit);
    return ST_OK;
}

enum status
object_delete_local(const struct bucket *bucket, struct object_delete_entry *entries, size_t count,
                    struct error *err)
{
    struct deletion *deletions;

    assert_on_worker();
    if (count > OBJECT_DELETE_KEYS_MAX) {
        return fail(err, ST_INVALID, "%zu keys are more than the %d allowed", count,
                    OBJECT_DELETE_KEYS_MAX);
    }
    deletions = xcalloc(count, sizeof(*deletions));
    for (size_t i = 0; i < count; i++) {
        deletions[i] = (struct deletion){.bucket = bucket, .entry = &entries[i]};
        entries[i].error = ERROR_INIT;
        entries[i].status = deletion_claim(&deletions[i], &entries[i].error);
    }
    store_enter(bucket->store->store);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].status == ST_OK) {
            entries[i].status = deletion_submit(&deletions[i], &entries[i].error);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (deletions[i].commit != NULL) {
            entries[i].status = commit_wait(deletions[i].commit, &entries[i].error);
            commit_destroy(&deletions[i].commit);
            entries[i].status =
                key_claim_judge(&deletions[i].claim, entries[i].status, &entries[i].error);
        }
    }
    store_leave(bucket->store->store);
    free(deletions);
    return ST_OK;
}
