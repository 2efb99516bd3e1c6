/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At start most copies are right already: hashes of what the mountpaths have are compared with the
 * control values, and only differences are written.  A copy that has no control value any more is
 * removed.  Later changes are written as they come, each before its control_put returns.
 */
#include "object/control_mirror.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "object/bucket_value.h"

#include "base/banned.h"

/* What --recover restores; and what a node of a cluster knew last of its buckets, which it does
 * not.
 */
static const struct bytes PREFIXES[] = {
    [CONTROL_MIRROR_OWN] = {"control/", 8},
    [CONTROL_MIRROR_BUCKETS] = {"cluster/", 8},
};
#define MIRROR_PREFIX_SIZE 8

struct mirrored {
    struct bytes key; /* of the control value; in arena */
    uint64_t hash;    /* of the value */
    bool is_wanted;
};

struct control_mirror {
    struct store *store;
    struct bytes prefix;
    /* Only while the mirror is created: */
    bool is_catching_up;
    struct arena arena;
    struct mirrored *mirrored;
    size_t count;
    size_t capacity;
};

static struct bytes
mirror_key(const struct control_mirror *mirror, struct bytes key,
           char out[MIRROR_PREFIX_SIZE + CONTROL_KEY_BYTES_MAX])
{
    CHECK(key.size <= CONTROL_KEY_BYTES_MAX && mirror->prefix.size == MIRROR_PREFIX_SIZE);
    memcpy(out, mirror->prefix.data, MIRROR_PREFIX_SIZE);
    memcpy(out + MIRROR_PREFIX_SIZE, key.data, key.size);
    return bytes_of(out, MIRROR_PREFIX_SIZE + key.size);
}

static enum status
note_mirrored(struct bytes key, struct bytes value, void *arg, struct error *err)
{
    struct control_mirror *mirror = arg;

    if (!bytes_has_prefix(key, mirror->prefix)) {
        return ST_OK;
    }
    if (mirror->count == mirror->capacity) {
        mirror->capacity = mirror->capacity == 0 ? 64 : mirror->capacity * 2;
        mirror->mirrored =
            xrealloc_array(mirror->mirrored, mirror->capacity, sizeof(*mirror->mirrored));
    }
    mirror->mirrored[mirror->count++] = (struct mirrored){
        .key = arena_copy(&mirror->arena, bytes_slice(key, MIRROR_PREFIX_SIZE, key.size)),
        .hash = hash_bytes(value, 0),
    };
    return ST_OK;
}

static int
mirrored_compare(const void *a, const void *b)
{
    return bytes_compare(((const struct mirrored *)a)->key, ((const struct mirrored *)b)->key);
}

static bool
is_mirrored(struct control_mirror *mirror, const struct control_value *value)
{
    struct mirrored wanted = {.key = value->key};
    struct mirrored *found = mirror->count == 0 ? NULL
                                                : bsearch(&wanted, mirror->mirrored, mirror->count,
                                                          sizeof(wanted), mirrored_compare);

    if (found == NULL) {
        return false;
    }
    found->is_wanted = true;
    return found->hash == hash_bytes(value->value, 0);
}

static void
control_changed(const struct control_value *value, void *arg)
{
    struct control_mirror *mirror = arg;
    char key[MIRROR_PREFIX_SIZE + CONTROL_KEY_BYTES_MAX];
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (value->lease != 0) {
        return; /* it ends with a session of this process, so it is not to be restored */
    }
    if (value->value.data == NULL) {
        st = store_mirror_delete(mirror->store, mirror_key(mirror, value->key, key), &err);
    } else if (!mirror->is_catching_up || !is_mirrored(mirror, value)) {
        st = store_mirror_put(mirror->store, mirror_key(mirror, value->key, key), value->value,
                              &err);
    }
    if (st != ST_OK) {
        log_warn(NULL, "control_mirror_failed",
                 "a control value could not be copied to the mountpaths: %s", err.text);
    }
}

static enum status
remove_unwanted(struct control_mirror *mirror, struct error *err)
{
    char key[MIRROR_PREFIX_SIZE + CONTROL_KEY_BYTES_MAX];
    enum status st = ST_OK;

    for (size_t i = 0; i < mirror->count && st == ST_OK; i++) {
        if (!mirror->mirrored[i].is_wanted) {
            st = store_mirror_delete(mirror->store,
                                     mirror_key(mirror, mirror->mirrored[i].key, key), err);
        }
    }
    return st;
}

enum status
control_mirror_create(struct control *control, struct store *store, enum control_mirror_kind kind,
                      struct control_mirror **ret_mirror, struct error *err)
{
    struct control_mirror *mirror = xcalloc(1, sizeof(*mirror));
    enum status st;

    mirror->store = store;
    mirror->prefix = PREFIXES[kind];
    mirror->is_catching_up = true;
    st = store_mirror_scan(store, note_mirrored, mirror, err);
    if (st != ST_OK) {
        goto out;
    }
    if (mirror->count > 1) {
        qsort(mirror->mirrored, mirror->count, sizeof(*mirror->mirrored), mirrored_compare);
    }
    st = control_watch(
        control, kind == CONTROL_MIRROR_BUCKETS ? BYTES_LITERAL(BUCKET_VALUE_PREFIX) : BYTES_NONE,
        control_changed, mirror, err);
    if (st != ST_OK) {
        goto out;
    }
    mirror->is_catching_up = false;
    st = remove_unwanted(mirror, err);
    if (st != ST_OK) {
        log_warn(NULL, "control_mirror_failed",
                 "a stale copy of a control value could not be removed: %s",
                 err != NULL ? err->text : status_text(st));
    }
    *ret_mirror = mirror;
    mirror = NULL;
    st = ST_OK;
out:
    if (mirror != NULL) {
        control_mirror_destroy(&mirror);
    } else {
        arena_release(&(*ret_mirror)->arena);
        free((*ret_mirror)->mirrored);
        (*ret_mirror)->mirrored = NULL;
        (*ret_mirror)->count = 0;
    }
    return st;
}

void
control_mirror_destroy(struct control_mirror **take_mirror)
{
    struct control_mirror *mirror = *take_mirror;

    if (mirror != NULL) {
        arena_release(&mirror->arena);
        free(mirror->mirrored);
        free(mirror);
        *take_mirror = NULL;
    }
}

void
control_mirror_stop(struct control_mirror *mirror, struct control *control)
{
    if (mirror != NULL) {
        control_unwatch(control, control_changed, mirror);
    }
}

struct recall {
    control_changed_fn *found;
    void *arg;
};

static enum status
recall_value(struct bytes key, struct bytes value, void *arg, struct error *err)
{
    struct recall *recall = arg;

    (void)err;
    if (bytes_has_prefix(key, PREFIXES[CONTROL_MIRROR_BUCKETS])) {
        recall->found(&(struct control_value){.key = bytes_slice(key, MIRROR_PREFIX_SIZE, key.size),
                                              .value = value},
                      recall->arg);
    }
    return ST_OK;
}

enum status
control_mirror_recall(struct store *store, control_changed_fn *found, void *arg, struct error *err)
{
    struct recall recall = {found, arg};

    return store_mirror_scan(store, recall_value, &recall, err);
}

struct restore {
    struct control *control;
    uint64_t count;
};

static enum status
restore_value(struct bytes key, struct bytes value, void *arg, struct error *err)
{
    struct restore *restore = arg;
    uint64_t revision;

    if (!bytes_has_prefix(key, PREFIXES[CONTROL_MIRROR_OWN])) {
        return ST_OK;
    }
    restore->count++;
    return control_put(restore->control, bytes_slice(key, MIRROR_PREFIX_SIZE, key.size), value,
                       CONTROL_MUST_NOT_EXIST, &revision, err);
}

enum status
control_mirror_restore(struct store *store, struct control *control, uint64_t *ret_count,
                       struct error *err)
{
    struct restore restore = {.control = control};
    enum status st = store_mirror_scan(store, restore_value, &restore, err);

    if (st == ST_OK) {
        *ret_count = restore.count;
    }
    return st;
}
