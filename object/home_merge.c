/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least key is found by comparing all cursors: nodes have few homes, and one comparison costs
 * less than keeping a heap in order.
 */
#include "object/home_merge.h"

#include "base/encode.h"
#include "meta/object_record.h"

#include "base/banned.h"

/* One cursor per holder; a home that is not there fails the scan. */
static enum status
open_cursors(struct home_merge *merge, struct store *store, const struct meta_scan *scan,
             struct error *err)
{
    size_t count = store_home_count(store);

    for (size_t i = 0; i < count; i++) {
        struct home *home = store_home_at(store, i);

        if (!home_is_holder(home)) {
            continue;
        }
        if (home_state(home) != HOME_PRESENT || !home_hold(home)) {
            return fail(err, ST_UNAVAILABLE,
                        "the mountpath %s is not available, and a listing needs all of them",
                        home_directory(home));
        }
        merge->cursors[merge->count++] = (struct home_merge_cursor){
            .home = home,
            .iterator = meta_iterator_open(home_db(home), scan),
        };
    }
    return ST_OK;
}

enum status
home_merge_open(struct home_merge *merge, struct store *store, const struct meta_scan *scan,
                struct error *err)
{
    enum status st;

    merge->count = 0;
    merge->least = NULL;
    merge->status = ST_OK;
    store_enter(store);
    merge->may_repeat = store_is_unfinished(store);
    store_begin_scan(store);
    st = open_cursors(merge, store, scan, err);
    store_end_scan(store);
    store_leave(store);
    if (st != ST_OK) {
        home_merge_close(merge);
    }
    return st;
}

void
home_merge_close(struct home_merge *merge)
{
    for (size_t i = 0; i < merge->count; i++) {
        meta_iterator_close(&merge->cursors[i].iterator);
        home_unhold(merge->cursors[i].home);
    }
    merge->count = 0;
    merge->least = NULL;
}

static void
cursor_look(struct home_merge *merge, struct home_merge_cursor *cursor)
{
    if (meta_iterator_is_valid(cursor->iterator)) {
        cursor->key = meta_iterator_key(cursor->iterator);
        return;
    }
    cursor->key = BYTES_NONE;
    if (merge->status == ST_OK) {
        merge->status = meta_iterator_status(cursor->iterator, &merge->error);
    }
}

static struct seq
cursor_seq(const struct home_merge_cursor *cursor)
{
    struct bytes value = meta_iterator_value(cursor->iterator);

    if (value.size < RECORD_SEQ_OFFSET + 16) {
        return (struct seq){0, 0};
    }
    return (struct seq){decode_u64_be(value.data + RECORD_SEQ_OFFSET),
                        decode_u64_be(value.data + RECORD_SEQ_OFFSET + 8)};
}

/* A key that is on its way between homes may stand in two: the greater seq counts. */
static bool
is_before(const struct home_merge_cursor *cursor, const struct home_merge_cursor *least)
{
    int order = bytes_compare(cursor->key, least->key);

    return order < 0 || (order == 0 && seq_compare(cursor_seq(cursor), cursor_seq(least)) > 0);
}

static void
least_find(struct home_merge *merge)
{
    struct home_merge_cursor *least = NULL;

    if (merge->status == ST_OK) {
        for (size_t i = 0; i < merge->count; i++) {
            struct home_merge_cursor *cursor = &merge->cursors[i];

            if (cursor->key.data != NULL && (least == NULL || is_before(cursor, least))) {
                least = cursor;
            }
        }
    }
    merge->least = least;
}

void
home_merge_seek(struct home_merge *merge, struct bytes key)
{
    for (size_t i = 0; i < merge->count; i++) {
        meta_iterator_seek(merge->cursors[i].iterator, key);
        cursor_look(merge, &merge->cursors[i]);
    }
    least_find(merge);
}

void
home_merge_skip_to(struct home_merge *merge, struct bytes key)
{
    for (size_t i = 0; i < merge->count; i++) {
        struct home_merge_cursor *cursor = &merge->cursors[i];

        if (cursor->key.data != NULL && bytes_compare(cursor->key, key) < 0) {
            meta_iterator_seek(cursor->iterator, key);
            cursor_look(merge, cursor);
        }
    }
    least_find(merge);
}

void
home_merge_next(struct home_merge *merge)
{
    struct home_merge_cursor *least = merge->least;

    for (size_t i = 0; i < merge->count && merge->may_repeat; i++) {
        struct home_merge_cursor *cursor = &merge->cursors[i];

        if (cursor != least && cursor->key.data != NULL && bytes_equal(cursor->key, least->key)) {
            meta_iterator_next(cursor->iterator);
            cursor_look(merge, cursor);
        }
    }
    meta_iterator_next(least->iterator);
    cursor_look(merge, least);
    least_find(merge);
}

struct bytes
home_merge_value(const struct home_merge *merge)
{
    return meta_iterator_value(merge->least->iterator);
}

struct home *
home_merge_home(const struct home_merge *merge)
{
    return merge->least->home;
}

enum status
home_merge_status(const struct home_merge *merge, struct error *err)
{
    if (merge->status != ST_OK && err != NULL) {
        *err = merge->error;
    }
    return merge->status;
}
