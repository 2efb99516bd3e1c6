/* SPDX-License-Identifier: Apache-2.0 */
#include "object/page_merge.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/field_codec.h"
#include "base/memory.h"
#include "object/object_cluster.h"
#include "object/object_key.h"
#include "object/object_route.h"
#include "object/ownership.h"

#include "base/banned.h"

/* One piece of a page that is read. */
/* What one target's page may hold: OBJECT_KEY_BYTES_MAX and a record's summary, 1,000 times. */
#define PAGE_BYTES_MAX ((size_t)4 << 20)
/* A target is asked for its share and so much more: pages are rarely even.  The deviation of a
 * share is below its square root; twice that and a little makes a second question rare. */
#define SHARE_SLACK 8

struct cursor {
    bool is_self;
    struct bytes node_id;
    struct bytes address;
    struct peer_pending *pending;
    struct buffer page;
    struct bytes rest; /* of page */
    struct bytes last; /* sort key of the last entry taken; in arena */
    bool is_started;
    bool is_truncated; /* there is more behind page */
    struct bytes key;  /* the entry in hand; data NULL: the end */
    struct bytes value;
};

struct merge {
    const struct page_merge_options *options;
    const struct object_cluster *cluster;
    uint64_t map_version;
    uint64_t seen_version; /* of who answered ST_MOVED */
    struct cursor *cursors;
    size_t cursor_count;
    size_t share;
    size_t count;
    bool is_placing;     /* under this map */
    struct bytes common; /* given last; data NULL: none */
    struct arena arena;
};

/* ---- entries ---- */

void
page_put(struct buffer *out, struct bytes sort_key, struct bytes value)
{
    field_put_counted(out, sort_key);
    field_put_counted(out, value);
}

enum status
page_next(struct bytes *rest, struct bytes *ret_sort_key, struct bytes *ret_value)
{
    if (rest->size == 0) {
        return ST_NOT_FOUND;
    }
    return field_cut_counted(rest, ret_sort_key) && field_cut_counted(rest, ret_value) ? ST_OK
                                                                                       : ST_INVALID;
}

/* ---- arguments ---- */

enum status
page_arguments_read(const struct bucket *bucket, struct bytes arguments, page_argument_fn *read,
                    void *options, const char *what, struct error *err)
{
    uint64_t id = 0;
    struct field field;
    enum status st;

    while ((st = field_next(&arguments, &field)) == ST_OK) {
        bool is_read = field.tag == PAGE_ARGUMENT_BUCKET_ID
                           ? field_number(field.payload, UINT64_MAX, &id)
                           : read(&field, options);

        if (!is_read) {
            return fail(err, ST_INVALID, "an argument of %s cannot be read", what);
        }
    }
    if (st != ST_NOT_FOUND) {
        return fail(err, ST_INVALID, "the arguments of %s are malformed", what);
    }
    return bucket_check_id(bucket, id, err);
}

bool
page_argument_count_max(const struct field *field, size_t limit, size_t *ret_count_max)
{
    uint64_t count_max;

    if (!field_number(field->payload, limit, &count_max)) {
        return false;
    }
    *ret_count_max = (size_t)count_max;
    return true;
}

/* ---- what counts here ---- */

/* Rule 3.2: no page from the acknowledgment of a pending map on. */
static bool
may_page(const struct bucket *bucket, uint64_t map_version)
{
    struct ownership *ownership = object_store_ownership(bucket->store);

    return ownership == NULL || ownership_check_page(ownership, map_version, NULL) == ST_OK;
}

enum status
page_owner_open(struct page_owner *owner, const struct bucket *bucket, uint64_t map_version,
                struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(bucket->store);

    *owner = (struct page_owner){.map = NULL, .arena = ARENA_INIT};
    if (cluster == NULL) {
        return ST_OK;
    }
    owner->map = cluster->get_map(cluster->arg);
    owner->node_id = cluster->node_id;
    owner->uname = object_cluster_uname(bucket->name, &owner->arena);
    if (owner->map->version != map_version || !may_page(bucket, map_version)) {
        cluster_map_unref(owner->map);
        arena_release(&owner->arena);
        return fail(err, ST_MOVED, "the map of this node is another one");
    }
    return ST_OK;
}

enum status
page_owner_close(struct page_owner *owner, const struct bucket *bucket, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(bucket->store);
    struct cluster_map *now;
    bool is_same;

    if (owner->map == NULL) {
        return ST_OK;
    }
    now = cluster->get_map(cluster->arg);
    is_same = now->version == owner->map->version && may_page(bucket, now->version);
    cluster_map_unref(now);
    cluster_map_unref(owner->map);
    arena_release(&owner->arena);
    return is_same ? ST_OK : fail(err, ST_MOVED, "the map changed during the page");
}

bool
page_owner_counts(const struct page_owner *owner, struct bytes key)
{
    const struct cluster_node *node;

    if (owner->map == NULL) {
        return true;
    }
    node = cluster_map_owner(owner->map, owner->uname, key);
    return node != NULL && bytes_equal(node->id, owner->node_id);
}

/* ---- cursors ---- */

static bool
has_keys(const struct cluster_map *map, const struct cluster_node *node)
{
    return cluster_node_is_placed(node) || (map->is_placing && node->is_target);
}

static enum status
open_cursors(struct merge *merge, struct error *err)
{
    struct cluster_map *map = merge->cluster->get_map(merge->cluster->arg);
    enum status st = ST_OK;

    merge->map_version = map->version;
    merge->is_placing = map->is_placing && merge->options->weigh != NULL;
    merge->cursors = arena_calloc(&merge->arena, map->node_count, sizeof(*merge->cursors));
    for (size_t i = 0; i < map->node_count && st == ST_OK; i++) {
        const struct cluster_node *node = &map->nodes[i];
        struct cursor *cursor = &merge->cursors[merge->cursor_count];

        if (!has_keys(map, node)) {
            continue;
        }
        cursor->is_self = bytes_equal(node->id, merge->cluster->node_id);
        if (!cursor->is_self && (node->is_down || node->peer_address.size == 0)) {
            st = fail(err, ST_UNAVAILABLE, "the node %.*s is down, and the listing needs it",
                      BYTES_ARGS(node->id));
        }
        cursor->node_id = arena_copy(&merge->arena, node->id);
        cursor->address = arena_copy(&merge->arena, node->peer_address);
        merge->cursor_count++;
    }
    cluster_map_unref(map);
    if (st == ST_OK && merge->cursor_count == 0) {
        st = fail(err, ST_UNAVAILABLE, "the cluster has no active target");
    }
    return st;
}

static void
close_cursors(struct merge *merge)
{
    for (size_t i = 0; i < merge->cursor_count; i++) {
        peer_call_cancel(&merge->cursors[i].pending);
        buffer_release(&merge->cursors[i].page);
    }
    arena_release(&merge->arena);
}

static enum status
begin_fetch(struct merge *merge, struct cursor *cursor, struct error *err)
{
    const struct page_merge_options *options = merge->options;
    struct buffer arguments = BUFFER_INIT;
    enum status st;

    buffer_clear(&cursor->page);
    if (cursor->is_self) {
        cursor->is_truncated = false;
        return options->list_own(options->arg, merge->map_version, cursor->last, merge->share,
                                 &cursor->page, &cursor->is_truncated, err);
    }
    options->write_arguments(options->arg, cursor->last, merge->share, &arguments);
    st = peer_call_begin(merge->cluster->peers,
                         &(struct peer_call_options){
                             .node_id = cursor->node_id,
                             .address = cursor->address,
                             .verb = options->verb,
                             .head = {.map_version = merge->map_version,
                                      .bucket = options->bucket->name,
                                      .bucket_revision = bucket_revision(options->bucket),
                                      .arguments = buffer_bytes(&arguments)},
                         },
                         &merge->arena, &cursor->pending, err);
    buffer_release(&arguments);
    return st;
}

static enum status
finish_fetch(struct merge *merge, struct cursor *cursor, struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    uint64_t is_truncated = 0;
    enum status st = ST_OK;

    if (cursor->pending != NULL) {
        st = peer_call_finish(&cursor->pending, &merge->arena, &result, err);
        if (st == ST_MOVED && result.answer.map_version > merge->seen_version) {
            merge->seen_version = result.answer.map_version;
        }
        if (st == ST_OK) {
            st = peer_call_read_all(&result, PAGE_BYTES_MAX, &cursor->page, err);
        }
        if (st == ST_OK && !field_number(result.answer.fields, 1, &is_truncated)) {
            st = fail(err, ST_INVALID, "the page of a node does not say whether it is the last");
        }
        source_release(&result.payload);
        cursor->is_truncated = is_truncated == 1;
    }
    cursor->rest = buffer_bytes(&cursor->page);
    return st;
}

/* Nothing more is given.  While keys move an entry may turn out to be none, so that has to be seen.
 */
static bool
is_full(const struct merge *merge)
{
    return !merge->is_placing && merge->count >= merge->options->count_max;
}

/* The next entry, from the next page if need be: views of the one before are void then. */
static enum status
advance(struct merge *merge, struct cursor *cursor, struct error *err)
{
    struct bytes previous = cursor->key;
    enum status st = page_next(&cursor->rest, &cursor->key, &cursor->value);

    if (st == ST_NOT_FOUND && cursor->is_truncated && !is_full(merge)) {
        cursor->last = arena_copy(&merge->arena, previous);
        st = begin_fetch(merge, cursor, err);
        if (st == ST_OK) {
            st = finish_fetch(merge, cursor, err);
        }
        if (st == ST_OK) {
            st = page_next(&cursor->rest, &cursor->key, &cursor->value);
        }
        if (st == ST_NOT_FOUND && cursor->is_truncated) {
            return fail(err, ST_INVALID, "the page of a node is empty and not the last");
        }
    }
    if (st == ST_NOT_FOUND) {
        cursor->key = BYTES_NONE;
        return ST_OK;
    }
    if (st == ST_INVALID) {
        return fail(err, st, "the page of a node cannot be read");
    }
    return st;
}

/* What one target is asked for at a time. */
static size_t
share_of(size_t count_max, size_t cursor_count)
{
    size_t even = count_max / cursor_count;
    size_t root = 0;

    if (cursor_count == 1) {
        return count_max;
    }
    while ((root + 1) * (root + 1) <= even) {
        root++;
    }
    even += 2 * root + SHARE_SLACK;
    return even < count_max ? even : count_max;
}

static enum status
start_cursors(struct merge *merge, struct error *err)
{
    enum status st = ST_OK;

    merge->share = share_of(merge->options->count_max, merge->cursor_count);
    /* Others work while this node lists. */
    for (int is_self = 0; is_self < 2; is_self++) {
        for (size_t i = 0; i < merge->cursor_count && st == ST_OK; i++) {
            if (merge->cursors[i].is_self == (is_self == 1)) {
                st = begin_fetch(merge, &merge->cursors[i], err);
            }
        }
    }
    for (size_t i = 0; i < merge->cursor_count && st == ST_OK; i++) {
        st = finish_fetch(merge, &merge->cursors[i], err);
        if (st == ST_OK) {
            st = advance(merge, &merge->cursors[i], err);
        }
    }
    return st;
}

/* ---- the merge ---- */

/* Is there an entry in hand, or at a target? */
static bool
has_more(const struct merge *merge)
{
    for (size_t i = 0; i < merge->cursor_count; i++) {
        if (merge->cursors[i].key.data != NULL || merge->cursors[i].is_truncated) {
            return true;
        }
    }
    return false;
}

static struct cursor *
least(struct merge *merge)
{
    struct cursor *found = NULL;

    for (size_t i = 0; i < merge->cursor_count; i++) {
        struct cursor *cursor = &merge->cursors[i];

        if (cursor->key.data != NULL &&
            (found == NULL || bytes_compare(cursor->key, found->key) < 0)) {
            found = cursor;
        }
    }
    return found;
}

/* Behind the entry of `first`, in all cursors that stand at it; itself last, for its name. */
static enum status
pass(struct merge *merge, struct cursor *first, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < merge->cursor_count && st == ST_OK; i++) {
        struct cursor *cursor = &merge->cursors[i];

        if (cursor != first && cursor->key.data != NULL && bytes_equal(cursor->key, first->key)) {
            st = advance(merge, cursor, err);
        }
    }
    return st == ST_OK ? advance(merge, first, err) : st;
}

/* The greatest seq of all that stand at name. */
static enum status
weigh_all(struct merge *merge, struct bytes name, struct bytes *ret_value, bool *ret_is_shown,
          struct error *err)
{
    struct page_weight greatest = {.seq = {0, 0}};
    bool has_any = false;

    for (size_t i = 0; i < merge->cursor_count; i++) {
        struct cursor *cursor = &merge->cursors[i];
        struct page_weight weight;
        int order;

        if (cursor->key.data == NULL || !bytes_equal(cursor->key, name)) {
            continue;
        }
        if (!merge->options->weigh(cursor->value, &weight)) {
            return fail(err, ST_INVALID, "an entry of a node's page cannot be read");
        }
        order = has_any ? seq_compare(weight.seq, greatest.seq) : 1;
        if (order > 0 || (order == 0 && greatest.is_moved)) {
            greatest = weight;
            *ret_value = cursor->value;
        }
        has_any = true;
    }
    if (greatest.is_moved) {
        return fail(err, ST_MOVED, "a key moved between two answers");
    }
    *ret_is_shown = greatest.is_shown;
    return ST_OK;
}

/* False: the page is full. */
static bool
give(struct merge *merge, struct bytes name, struct bytes value, struct buffer *out)
{
    /* What follows a zero byte is no part of the key. */
    struct bytes rest = name;
    struct bytes key = bytes_cut(&rest, '\0');
    struct bytes common = merge->is_placing ? object_key_common_prefix(key, merge->options->prefix,
                                                                       merge->options->delimiter)
                                            : BYTES_NONE;

    if (common.size > 0 && merge->common.data != NULL && bytes_equal(common, merge->common)) {
        return true;
    }
    if (merge->count >= merge->options->count_max) {
        return false;
    }
    merge->count++;
    if (common.size > 0) {
        merge->common = arena_copy(&merge->arena, common);
        page_put(out, common, BYTES_NONE);
    } else {
        page_put(out, name, value);
    }
    return true;
}

static enum status
merge_page(struct merge *merge, struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    enum status st = open_cursors(merge, err);
    struct cursor *next;

    if (st == ST_OK) {
        st = start_cursors(merge, err);
    }
    *ret_is_truncated = false;
    while (st == ST_OK && !*ret_is_truncated && !is_full(merge) && (next = least(merge)) != NULL) {
        struct bytes name = next->key;
        struct bytes value = BYTES_NONE;
        bool is_shown = true;

        if (merge->is_placing) {
            st = weigh_all(merge, name, &value, &is_shown, err);
        } else {
            value = next->value;
        }
        if (st == ST_OK && is_shown) {
            *ret_is_truncated = !give(merge, name, value, out);
        }
        if (st == ST_OK) {
            st = pass(merge, next, err);
        }
    }
    if (st == ST_OK && is_full(merge)) {
        *ret_is_truncated = has_more(merge);
    }
    return st;
}

enum status
page_merge_run(const struct page_merge_options *options, struct buffer *out, size_t *ret_count,
               bool *ret_is_truncated, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(options->bucket->store);
    int64_t end_ns = clock_monotonic_ns() + OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS;
    enum status st = ST_MOVED;

    assert_on_worker();
    while (st == ST_MOVED && clock_monotonic_ns() < end_ns) {
        struct merge merge = {.options = options, .cluster = cluster, .arena = ARENA_INIT};

        buffer_clear(out);
        st = cluster->check_confirmed(cluster->arg, err);
        if (st == ST_OK) {
            st = merge_page(&merge, out, ret_is_truncated, err);
        }
        *ret_count = merge.count;
        if (st == ST_MOVED) {
            enum status fetched = cluster->fetch_map(cluster->arg, merge.seen_version, err);

            st = fetched == ST_OK ? ST_MOVED : fetched;
            clock_pause_ns(OBJECT_MOVED_PAUSE_MS * CLOCK_NS_PER_MS);
        }
        close_cursors(&merge);
    }
    /* Whatever kept a target from answering: the page is not there now. */
    if (st != ST_OK && st != ST_BUSY && st != ST_NO_SUCH_BUCKET) {
        return fail(err, ST_UNAVAILABLE, "A node that the listing needs did not answer");
    }
    return st;
}
