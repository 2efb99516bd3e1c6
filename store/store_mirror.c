/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the node's values on every mountpath, so that a lost DATA can be rebuilt.  In each
 * home's node family: "mirror/<key>" -> value, and "mirror" -> number of the last change, which
 * grows over all changes of the node.  A home that was absent during a change has a smaller number;
 * its copy is not believed, and is brought up to date by whoever mirrors (object/control_mirror.c
 * at start).
 */
#include "base/check.h"
#include "base/encode.h"
#include "meta/meta_key.h"
#include "store/commit.h"
#include "store/home_internal.h"

#include "base/banned.h"

#define MIRROR_REVISION "mirror"
#define MIRROR_VALUES "mirror/"
/* Longest key: a control key with its prefix. */
#define MIRROR_KEY_BYTES_MAX 1024

struct mirror_change {
    struct bytes key;
    struct bytes value; /* data NULL: delete */
    uint64_t revision;
};

static void
mirror_key(struct meta_key *out, struct bytes key)
{
    char name[sizeof(MIRROR_VALUES) + MIRROR_KEY_BYTES_MAX];

    CHECK(key.size > 0 && key.size <= MIRROR_KEY_BYTES_MAX - sizeof(MIRROR_VALUES));
    CHECK(bytes_find_char(key, 0, '\0') == SIZE_MAX);
    memcpy(name, MIRROR_VALUES, sizeof(MIRROR_VALUES) - 1);
    memcpy(name + sizeof(MIRROR_VALUES) - 1, key.data, key.size);
    name[sizeof(MIRROR_VALUES) - 1 + key.size] = '\0';
    meta_key_node(out, name);
}

static enum status
read_revision(struct home *home, uint64_t *ret_revision, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_node(&key, MIRROR_REVISION);
    st = meta_db_get(home_db(home), FAMILY_NODE, meta_key_bytes(&key), true, &value, err);
    if (st == ST_NOT_FOUND) {
        *ret_revision = 0;
        st = ST_OK;
    } else if (st == ST_OK && value.data.size != sizeof(uint64_t)) {
        st = fail(err, ST_CORRUPT, "%s: the number of the last mirrored change is damaged",
                  home_directory(home));
    } else if (st == ST_OK) {
        *ret_revision = decode_u64_be(value.data.data);
    }
    meta_value_release(&value);
    return st;
}

/* The readable home with the newest copy; NULL if no home is readable. */
static enum status
newest_copy(struct store *store, struct home **ret_home, uint64_t *ret_revision, struct error *err)
{
    struct home *newest = NULL;
    uint64_t newest_revision = 0;

    for (size_t i = 0; i < store->home_count; i++) {
        uint64_t revision = 0;
        enum status st;

        if (home_require_readable(store->homes[i], NULL) != ST_OK) {
            continue;
        }
        st = read_revision(store->homes[i], &revision, err);
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
decide_change(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct mirror_change *change = arg;
    struct meta_key key;
    char revision[sizeof(uint64_t)];

    mirror_key(&key, change->key);
    if (change->value.data == NULL) {
        commit_delete(commit, FAMILY_NODE, meta_key_bytes(&key));
    } else {
        commit_put(commit, FAMILY_NODE, meta_key_bytes(&key), change->value);
    }
    encode_u64_be(revision, change->revision);
    meta_key_node(&key, MIRROR_REVISION);
    commit_put(commit, FAMILY_NODE, meta_key_bytes(&key), bytes_of(revision, sizeof(revision)));
    return ST_OK;
}

/* On every home that can be written; the first failure is reported, the others are still done. */
static enum status
apply_change(struct store *store, struct mirror_change *change, struct error *err)
{
    struct home *newest = NULL;
    enum status st = newest_copy(store, &newest, &change->revision, err);

    change->revision++;
    for (size_t i = 0; i < store->home_count && (st == ST_OK || newest != NULL); i++) {
        struct commit_options options = {.home = store->homes[i],
                                         .durability = DURABILITY_STRICT,
                                         .decide = decide_change,
                                         .arg = change};
        enum status own;

        if (home_state(store->homes[i]) != HOME_PRESENT) {
            continue;
        }
        own = commit_run(&options, NULL, st == ST_OK ? err : NULL);
        st = st == ST_OK ? own : st;
    }
    return st;
}

enum status
store_mirror_put(struct store *store, struct bytes key, struct bytes value, struct error *err)
{
    struct mirror_change change = {.key = key, .value = value};

    CHECK(value.data != NULL);
    return apply_change(store, &change, err);
}

enum status
store_mirror_delete(struct store *store, struct bytes key, struct error *err)
{
    struct mirror_change change = {.key = key};

    return apply_change(store, &change, err);
}

enum status
store_mirror_scan(struct store *store,
                  enum status (*found)(struct bytes key, struct bytes value, void *arg,
                                       struct error *err),
                  void *arg, struct error *err)
{
    struct meta_iterator *iterator = NULL;
    struct meta_key lower;
    struct meta_key upper;
    struct meta_scan scan = {.family = FAMILY_NODE, .keep_cache_cold = true};
    struct home *newest = NULL;
    uint64_t revision = 0;
    enum status st = newest_copy(store, &newest, &revision, err);

    if (st != ST_OK || newest == NULL) {
        return st;
    }
    meta_key_node(&lower, MIRROR_VALUES);
    upper = lower;
    CHECK(meta_key_successor(&upper));
    scan.lower = meta_key_bytes(&lower);
    scan.upper = meta_key_bytes(&upper);
    iterator = meta_iterator_open(home_db(newest), &scan);
    for (meta_iterator_seek(iterator, scan.lower); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        st = found(bytes_slice(key, lower.size, key.size), meta_iterator_value(iterator), arg, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}
