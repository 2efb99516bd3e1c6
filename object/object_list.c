/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page: seek to the first name after `after`, then for each name either give the record, or, if
 * the delimiter occurs behind the prefix, give the common prefix and seek past it (its successor).
 */
#include "object/object_list.h"

#include "base/check.h"
#include "base/clock.h"
#include "meta/meta_key.h"
#include "object/client_rest.h"
#include "object/home_merge.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/object_list_own.h"

#include "base/banned.h"

#define BUCKET_ID_BYTES 8
/* A page that took longer has passed many tombstones; a flush lets compaction remove them. */
#define SLOW_PAGE_NS (50 * CLOCK_NS_PER_MS)
#define FLUSH_INTERVAL_NS (10 * CLOCK_NS_PER_S)

struct object_list {
    const struct bucket *bucket;
    const struct object_list_options *options;
    struct bytes after; /* at most as long as a key */
    object_list_fn *found;
    void *arg;
    struct home_merge merge;
    struct meta_key last; /* bucket id and the last name given */
    size_t count;
};

static struct bytes
name_of(struct bytes key)
{
    return bytes_slice(key, BUCKET_ID_BYTES, key.size);
}

/* Where the page begins; false: behind everything. */
static bool
list_start(const struct object_list *list, struct meta_key *ret_key)
{
    struct bytes common =
        object_key_common_prefix(list->after, list->options->prefix, list->options->delimiter);

    if (common.size > 0) {
        meta_key_object(ret_key, list->bucket->id, common);
        return meta_key_successor(ret_key);
    }
    if (bytes_compare(list->after, list->options->prefix) > 0) {
        meta_key_object(ret_key, list->bucket->id, list->after);
    } else {
        meta_key_object(ret_key, list->bucket->id, list->options->prefix);
    }
    return true;
}

static enum status
list_open(struct object_list *list, struct error *err)
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
    st = home_merge_open(&list->merge, list->bucket->store->store,
                         &(struct meta_scan){.family = FAMILY_OBJECT,
                                             .lower = meta_key_bytes(&lower),
                                             .upper = meta_key_bytes(&upper)},
                         err);
    if (st != ST_OK || !list_start(list, &start)) {
        return st;
    }
    home_merge_seek(&list->merge, meta_key_bytes(&start));
    if (home_merge_is_valid(&list->merge) && list->after.size > 0 &&
        bytes_equal(name_of(home_merge_key(&list->merge)), list->after)) {
        home_merge_next(&list->merge);
    }
    return ST_OK;
}

static enum status
list_give(struct object_list *list, struct error *err)
{
    struct bytes name = name_of(home_merge_key(&list->merge));
    struct bytes common =
        object_key_common_prefix(name, list->options->prefix, list->options->delimiter);
    struct object_record record;
    enum status st;

    list->count++;
    if (common.size > 0) {
        struct meta_key past;

        meta_key_object(&list->last, list->bucket->id, common);
        list->found(name_of(meta_key_bytes(&list->last)), NULL, list->arg);
        past = list->last;
        CHECK(meta_key_successor(&past)); /* a bucket id is never all ones */
        home_merge_skip_to(&list->merge, meta_key_bytes(&past));
        return ST_OK;
    }
    st = object_record_decode_summary(home_merge_value(&list->merge), &record, err);
    if (st != ST_OK) {
        return st;
    }
    list->found(name, &record, list->arg);
    meta_key_object(&list->last, list->bucket->id, name);
    home_merge_next(&list->merge);
    return ST_OK;
}

/* Keys that are stored here and do not count are as if they were not there. */
static void
skip_uncounted(struct object_list *list)
{
    const struct object_list_options *options = list->options;

    while (options->counts != NULL && home_merge_is_valid(&list->merge) &&
           !options->counts(name_of(home_merge_key(&list->merge)), options->counts_arg)) {
        home_merge_next(&list->merge);
    }
}

static enum status
list_page(struct object_list *list, struct error *err)
{
    skip_uncounted(list);
    while (home_merge_is_valid(&list->merge) && list->count < list->options->count_max) {
        enum status st = list_give(list, err);

        if (st != ST_OK) {
            return st;
        }
        skip_uncounted(list);
    }
    return home_merge_status(&list->merge, err);
}

static void
ask_for_flush(struct object_store *store, int64_t started_ns)
{
    int64_t now_ns = clock_monotonic_ns();
    int64_t asked_ns = atomic_load_explicit(&store->flush_asked_ns, memory_order_relaxed);

    if (now_ns - started_ns < SLOW_PAGE_NS ||
        (asked_ns != 0 && now_ns - asked_ns < FLUSH_INTERVAL_NS) ||
        !atomic_compare_exchange_strong(&store->flush_asked_ns, &asked_ns, now_ns)) {
        return;
    }
    for (size_t i = 0; i < store_home_count(store->store); i++) {
        struct home *home = store_home_at(store->store, i);

        if (home_is_holder(home) && home_hold(home)) {
            meta_db_request_flush(home_db(home), FAMILY_OBJECT);
            home_unhold(home);
        }
    }
}

enum status
object_list_local(const struct bucket *bucket, const struct object_list_options *options,
                  object_list_fn *found, void *arg, struct arena *arena,
                  struct object_list_result *ret_result, struct error *err)
{
    struct object_list list = {
        .bucket = bucket,
        .options = options,
        .after = options->after,
        .found = found,
        .arg = arg,
    };
    int64_t started_ns = clock_monotonic_ns();
    struct object_list_result result = {0};
    enum status st;

    assert_on_worker();
    client_rest_note_asked(bucket->store);
    if (list.after.size > OBJECT_KEY_BYTES_MAX) {
        list.after.size = OBJECT_KEY_BYTES_MAX; /* no key lies between the two */
    }
    if (options->count_max == 0 || options->prefix.size > OBJECT_KEY_BYTES_MAX) {
        *ret_result = result;
        return ST_OK;
    }
    st = list_open(&list, err);
    if (st != ST_OK) {
        return st;
    }
    st = list_page(&list, err);
    if (st == ST_OK) {
        result.count = list.count;
        result.is_truncated = home_merge_is_valid(&list.merge);
        if (list.last.size > 0) {
            result.last = arena_copy(arena, name_of(meta_key_bytes(&list.last)));
        }
        *ret_result = result;
    }
    home_merge_close(&list.merge);
    ask_for_flush(bucket->store, started_ns);
    return st;
}
