/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target's own page while keys move (rule 6L): records, tombstones and marks of keys that it owns
 * or owned since the last finished placement, one by one, without common prefixes.  The records are
 * opened before the marks: what moves in between is seen as both.
 */
#include "meta/meta_key.h"
#include "object/home_merge.h"
#include "object/key_claim.h"
#include "object/key_holding.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/object_list_own.h"

#include "base/banned.h"

struct placing_list {
    const struct bucket *bucket;
    const struct object_list_options *options;
    const struct cluster_map *map;
    struct bytes node_id;
    struct home_merge records;
    struct home_merge marks;
    size_t count;
    object_list_placing_fn *found;
    void *arg;
};

static bool
counts(const struct placing_list *list, struct bytes name)
{
    const struct cluster_node *formers[CLUSTER_FORMERS_MAX];
    uint64_t digest = key_claim_digest(list->bucket->name, name);
    const struct cluster_node *owner = cluster_map_owner_of(list->map, digest);
    size_t count;

    if (owner != NULL && bytes_equal(owner->id, list->node_id)) {
        return true;
    }
    count = cluster_map_former_owners_of(list->map, digest, formers, CLUSTER_FORMERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(formers[i]->id, list->node_id)) {
            return true;
        }
    }
    return false;
}

static enum status
give(struct placing_list *list, struct bytes name, struct bytes record_value,
     struct bytes mark_value, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct former_record mark;
    struct object_record record;
    struct listed_key key = {.name = name};
    enum status st = ST_OK;

    if (record_value.size != 0) {
        st = object_record_decode_summary(record_value, &record, err);
        key.record = &record;
        key.seq = record.seq;
    }
    if (st == ST_OK && mark_value.size != 0) {
        st = former_record_decode(mark_value, &arena, &mark, err);
        if (st == ST_OK && key_mark_counts(&mark, list->map) &&
            (mark.flags & (FORMER_TOMBSTONE | FORMER_MOVED)) != 0 &&
            (key.record == NULL || seq_compare(mark.seq, key.seq) > 0)) {
            key.record = NULL;
            key.seq = mark.seq;
            key.is_moved = (mark.flags & FORMER_MOVED) != 0;
            key.is_tombstone = !key.is_moved;
        }
    }
    if (st == ST_OK && (key.record != NULL || key.is_moved || key.is_tombstone)) {
        list->found(&key, list->arg);
        list->count++;
    }
    arena_release(&arena);
    return st;
}

/* The next key of both scans. */
static enum status
step(struct placing_list *list, struct error *err)
{
    bool has_record = home_merge_is_valid(&list->records);
    bool has_mark = home_merge_is_valid(&list->marks);
    struct bytes key;
    struct bytes name;
    enum status st = ST_OK;
    int order = 0;

    if (has_record && has_mark) {
        order = bytes_compare(home_merge_key(&list->records), home_merge_key(&list->marks));
    } else {
        order = has_record ? -1 : 1;
    }
    has_record = order <= 0;
    has_mark = order >= 0;
    key = has_record ? home_merge_key(&list->records) : home_merge_key(&list->marks);
    name = bytes_slice(key, 8, key.size);
    if (counts(list, name)) {
        st = give(list, name, has_record ? home_merge_value(&list->records) : BYTES_NONE,
                  has_mark ? home_merge_value(&list->marks) : BYTES_NONE, err);
    }
    if (has_record) {
        home_merge_next(&list->records);
    }
    if (has_mark) {
        home_merge_next(&list->marks);
    }
    return st;
}

/* False: behind everything. */
static bool
find_start(const struct placing_list *list, struct meta_key *ret_key)
{
    const struct object_list_options *options = list->options;
    struct bytes common =
        object_key_common_prefix(options->after, options->prefix, options->delimiter);

    /* Behind a key that was read the rest of its common prefix is still to be looked at. */
    if (common.size > 0 && !options->is_continued) {
        meta_key_object(ret_key, list->bucket->id, common);
        return meta_key_successor(ret_key);
    }
    if (bytes_compare(options->after, options->prefix) >= 0 && options->after.size > 0) {
        meta_key_object(ret_key, list->bucket->id, options->after);
        ret_key->data[ret_key->size++] = 0; /* behind it */
    } else {
        meta_key_object(ret_key, list->bucket->id, options->prefix);
    }
    return true;
}

static enum status
open_scan(struct placing_list *list, struct home_merge *merge, enum family family,
          struct error *err)
{
    struct meta_key lower;
    struct meta_key upper;
    struct meta_key start;
    enum status st;

    meta_key_object(&lower, list->bucket->id, list->options->prefix);
    upper = lower;
    if (!meta_key_successor(&upper)) {
        upper.size = 0;
    }
    st = home_merge_open(merge, list->bucket->store->store,
                         &(struct meta_scan){.family = family,
                                             .lower = meta_key_bytes(&lower),
                                             .upper = meta_key_bytes(&upper)},
                         err);
    if (st == ST_OK && find_start(list, &start)) {
        home_merge_seek(merge, meta_key_bytes(&start));
    }
    return st;
}

enum status
object_list_placing(const struct bucket *bucket, const struct object_list_options *options,
                    const struct cluster_map *map, struct bytes node_id,
                    object_list_placing_fn *found, void *arg, bool *ret_is_truncated,
                    struct error *err)
{
    struct placing_list list = {.bucket = bucket,
                                .options = options,
                                .map = map,
                                .node_id = node_id,
                                .found = found,
                                .arg = arg};
    enum status st;

    assert_on_worker();
    if (options->after.size > OBJECT_KEY_BYTES_MAX || options->prefix.size > OBJECT_KEY_BYTES_MAX) {
        return fail(err, ST_INVALID, "a page begins behind what is no key");
    }
    st = open_scan(&list, &list.records, FAMILY_OBJECT, err);
    if (st != ST_OK) {
        return st;
    }
    st = open_scan(&list, &list.marks, FAMILY_FORMER, err);
    if (st != ST_OK) {
        home_merge_close(&list.records);
        return st;
    }
    while (st == ST_OK && list.count < options->count_max &&
           (home_merge_is_valid(&list.records) || home_merge_is_valid(&list.marks))) {
        st = step(&list, err);
    }
    if (st == ST_OK && !home_merge_is_valid(&list.records)) {
        st = home_merge_status(&list.records, err);
    }
    if (st == ST_OK && !home_merge_is_valid(&list.marks)) {
        st = home_merge_status(&list.marks, err);
    }
    *ret_is_truncated = home_merge_is_valid(&list.records) || home_merge_is_valid(&list.marks);
    home_merge_close(&list.records);
    home_merge_close(&list.marks);
    return st;
}
