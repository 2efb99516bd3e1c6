/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mirror.h"

#include <pthread.h>

#include "base/encode.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/commit_internal.h"

#include "base/banned.h"

/* FAMILY_NODE: revision of this home's copy. */
#define NODE_MIRROR_REVISION "mirror"

struct mirror {
    struct store *store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_changing;  /* guarded by lock: one change at a time, so that all copies agree */
    uint64_t revision; /* of the last change; of whoever changes */
};

struct mirror_change {
    struct bytes key;
    struct bytes value;
    bool is_delete;
    uint64_t revision;
};

static void
put_revision(struct meta_batch *batch, uint64_t revision)
{
    unsigned char value[8];
    struct meta_key key;

    encode_u64_be(value, revision);
    meta_key_node(&key, NODE_MIRROR_REVISION);
    meta_batch_put(batch, FAMILY_NODE, meta_key_bytes(&key), bytes_of(value, sizeof(value)));
}

static enum status
get_revision(struct home *home, uint64_t *ret_revision, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_node(&key, NODE_MIRROR_REVISION);
    st = meta_db_get(home->db, FAMILY_NODE, meta_key_bytes(&key), true, &value, err);
    *ret_revision = st == ST_OK && value.data.size == 8 ? decode_u64_be(value.data.data) : 0;
    meta_value_release(&value);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static struct meta_iterator *
open_copy(struct home *home)
{
    struct meta_key first;
    struct meta_key end;
    struct meta_scan scan = {.family = FAMILY_NODE};

    meta_key_mirror(&first, BYTES_NONE);
    end = first;
    (void)meta_key_successor(&end);
    scan.lower = meta_key_bytes(&first);
    scan.upper = meta_key_bytes(&end);
    return meta_iterator_open(home->db, &scan);
}

/* Add to batch: delete everything, or put everything. */
static enum status
batch_copy(struct home *home, struct meta_batch *batch, bool is_delete, struct error *err)
{
    struct meta_iterator *iterator = open_copy(home);
    enum status st;

    for (; meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        if (is_delete) {
            meta_batch_delete(batch, FAMILY_NODE, meta_iterator_key(iterator));
        } else {
            meta_batch_put(batch, FAMILY_NODE, meta_iterator_key(iterator),
                           meta_iterator_value(iterator));
        }
    }
    st = meta_iterator_status(iterator, err);
    meta_iterator_close(&iterator);
    return st;
}

static enum status
bring_up_to_date(struct home *from, struct home *to, uint64_t revision, struct error *err)
{
    struct meta_batch *batch = meta_batch_create();
    enum status st = batch_copy(to, batch, true, err);

    if (st == ST_OK) {
        st = batch_copy(from, batch, false, err);
    }
    if (st == ST_OK) {
        put_revision(batch, revision);
        st = meta_db_write(to->db, batch, true, err);
    }
    meta_batch_destroy(&batch);
    return st;
}

/* The readable home whose copy is the newest, or NULL. */
static enum status
find_newest(struct store *store, struct home **ret_home, uint64_t *ret_revision, struct error *err)
{
    struct home *newest = NULL;
    uint64_t newest_revision = 0;

    for (size_t i = 0; i < store->home_count; i++) {
        uint64_t revision = 0;
        enum status st;

        if (home_state(store->homes[i]) == HOME_ABSENT) {
            continue;
        }
        st = get_revision(store->homes[i], &revision, err);
        if (st != ST_OK) {
            return st;
        }
        if (newest == NULL || revision > newest_revision) {
            newest = store->homes[i];
            newest_revision = revision;
        }
    }
    *ret_home = newest;
    *ret_revision = newest_revision;
    return ST_OK;
}

static enum status
bring_all_up_to_date(struct store *store, struct home *newest, uint64_t newest_revision,
                     struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < store->home_count && st == ST_OK; i++) {
        struct home *home = store->homes[i];
        uint64_t revision = newest_revision;

        if (home_state(home) == HOME_PRESENT && !home->is_read_only) {
            st = get_revision(home, &revision, err);
        }
        if (st == ST_OK && revision < newest_revision) {
            st = bring_up_to_date(newest, home, newest_revision, err);
        }
    }
    return st;
}

enum status
mirror_open(struct store *store, struct mirror **ret_mirror, struct error *err)
{
    struct mirror *mirror;
    struct home *newest = NULL;
    uint64_t revision = 0;
    enum status st = find_newest(store, &newest, &revision, err);

    if (st == ST_OK && newest != NULL) {
        st = bring_all_up_to_date(store, newest, revision, err);
    }
    if (st != ST_OK) {
        return st;
    }
    mirror = xcalloc(1, sizeof(*mirror));
    mirror->store = store;
    mirror->revision = revision;
    CHECK(pthread_mutex_init(&mirror->lock, NULL) == 0);
    CHECK(pthread_cond_init(&mirror->changed, NULL) == 0);
    *ret_mirror = mirror;
    return ST_OK;
}

void
mirror_close(struct mirror **take_mirror)
{
    struct mirror *mirror = *take_mirror;

    if (mirror != NULL) {
        pthread_cond_destroy(&mirror->changed);
        pthread_mutex_destroy(&mirror->lock);
        free(mirror);
        *take_mirror = NULL;
    }
}

static enum status
decide_change(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct mirror_change *change = arg;
    unsigned char revision[8];
    struct meta_key key;

    meta_key_mirror(&key, change->key);
    if (change->is_delete) {
        commit_delete(commit, FAMILY_NODE, meta_key_bytes(&key));
    } else {
        commit_put(commit, FAMILY_NODE, meta_key_bytes(&key), change->value);
    }
    encode_u64_be(revision, change->revision);
    meta_key_node(&key, NODE_MIRROR_REVISION);
    commit_put(commit, FAMILY_NODE, meta_key_bytes(&key), bytes_of(revision, sizeof(revision)));
    return ST_OK;
}

/* To all mountpaths at once; those that cannot take it catch up when they are back. */
static enum status
change_all(struct store *store, struct mirror_change *change, struct error *err)
{
    struct commit *commits[MOUNTPATH_MAX] = {NULL};
    enum status result = fail(err, ST_UNAVAILABLE, "no mountpath of this node takes writes");

    for (size_t i = 0; i < store->home_count; i++) {
        const struct commit_options options = {
            .home = store->homes[i], .decide = decide_change, .arg = change};

        if (home_state(store->homes[i]) == HOME_PRESENT) {
            commits[i] = commit_create(&options);
            commit_submit(commits[i]);
        }
    }
    for (size_t i = 0; i < store->home_count; i++) {
        struct error local = ERROR_INIT;

        if (commits[i] == NULL) {
            continue;
        }
        if (commit_wait(commits[i], &local) == ST_OK) {
            result = ST_OK;
        } else {
            log_warn(NULL, "mirror_incomplete", "%s: %s", store->homes[i]->directory, local.text);
        }
        commit_destroy(&commits[i]);
    }
    return result;
}

void
mirror_pause(struct mirror *mirror)
{
    WITH_LOCK (&mirror->lock) {
        while (mirror->is_changing) {
            CHECK(pthread_cond_wait(&mirror->changed, &mirror->lock) == 0);
        }
        mirror->is_changing = true;
    }
}

void
mirror_resume(struct mirror *mirror)
{
    WITH_LOCK (&mirror->lock) {
        mirror->is_changing = false;
        CHECK(pthread_cond_signal(&mirror->changed) == 0);
    }
}

enum status
mirror_bring(struct mirror *mirror, struct home *home, struct error *err)
{
    struct home *newest = NULL;
    uint64_t newest_revision = 0;
    uint64_t revision = 0;
    enum status st;

    st = find_newest(mirror->store, &newest, &newest_revision, err);
    if (st == ST_OK) {
        st = get_revision(home, &revision, err);
    }
    if (st == ST_OK && newest != NULL && newest != home && revision < newest_revision) {
        st = bring_up_to_date(newest, home, newest_revision, err);
    }
    return st;
}

enum status
mirror_change(struct mirror *mirror, struct bytes key, struct bytes value, bool is_delete,
              struct error *err)
{
    struct mirror_change change = {.key = key, .value = value, .is_delete = is_delete};
    enum status st;

    if (key.size > META_KEY_NAME_MAX) {
        return fail(err, ST_INVALID, "a key of %zu bytes is too long", key.size);
    }
    mirror_pause(mirror);
    change.revision = ++mirror->revision;
    st = change_all(mirror->store, &change, err);
    mirror_resume(mirror);
    return st;
}

enum status
mirror_scan(struct mirror *mirror,
            enum status (*found)(struct bytes key, struct bytes value, void *arg,
                                 struct error *err),
            void *arg, struct error *err)
{
    struct home *newest = NULL;
    struct meta_iterator *iterator;
    uint64_t revision;
    enum status st = find_newest(mirror->store, &newest, &revision, err);

    if (st != ST_OK || newest == NULL) {
        return st != ST_OK ? st : fail(err, ST_UNAVAILABLE, "no mountpath of this node is there");
    }
    iterator = open_copy(newest);
    for (; st == ST_OK && meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        st = found(bytes_slice(key, 1, key.size), meta_iterator_value(iterator), arg, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}
