/* SPDX-License-Identifier: Apache-2.0 */
#include "store/page_reclaim.h"

#include "base/fault.h"
#include "meta/meta_key.h"
#include "store/commit_internal.h"

#include "base/banned.h"

/* References to bytes that one commit gives up: a millisecond or two, so that writers do not wait
 * behind the end of an object of a million chunks. */
#define DROP_EXTENT_MAX 1024
#define PAGES_PER_COMMIT (DROP_EXTENT_MAX / LAYOUT_PAGE_EXTENT_MAX)

struct page_removal {
    struct write_id id;
    struct meta_key keys[PAGES_PER_COMMIT];
    size_t count;
    bool is_last;
};

/* Page and references go together: what a crash leaves is whole pages, and the mark. */
static enum status
decide_removal(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct page_removal *removal = arg;
    struct meta_key key;
    enum status st = ST_OK;

    for (size_t i = 0; i < removal->count && st == ST_OK; i++) {
        st = commit_drop_page(commit, view, meta_key_bytes(&removal->keys[i]), err);
    }
    if (st == ST_OK && removal->is_last) {
        meta_key_dropped_pages(&key, removal->id);
        commit_delete(commit, FAMILY_NODE, meta_key_bytes(&key));
    }
    return st;
}

static enum status
find_pages(struct home *home, struct page_removal *removal, struct error *err)
{
    struct meta_key first;
    struct meta_key end;
    struct meta_scan scan = {.family = FAMILY_LAYOUT, .keep_cache_cold = true};
    struct meta_iterator *iterator;
    enum status st;

    meta_key_extent_page(&first, removal->id, 0);
    meta_key_extent_page(&end, removal->id, UINT64_MAX);
    scan.lower = meta_key_bytes(&first);
    scan.upper = meta_key_bytes(&end);
    iterator = meta_iterator_open(home->db, &scan);
    removal->count = 0;
    while (removal->count < PAGES_PER_COMMIT && meta_iterator_is_valid(iterator)) {
        struct bytes key = meta_iterator_key(iterator);
        struct meta_key *kept = &removal->keys[removal->count++];

        kept->size = key.size;
        memcpy(kept->data, key.data, key.size);
        meta_iterator_next(iterator);
    }
    removal->is_last = !meta_iterator_is_valid(iterator);
    st = meta_iterator_status(iterator, err);
    meta_iterator_close(&iterator);
    return st;
}

enum status
page_reclaim(struct home *home, struct write_id id, struct error *err)
{
    struct page_removal removal = {.id = id};
    const struct commit_options options = {
        .home = home, .durability = DURABILITY_NONE, .decide = decide_removal, .arg = &removal};
    enum status st = ST_OK;

    while (st == ST_OK && !removal.is_last) {
        st = find_pages(home, &removal, err);
        if (st == ST_OK) {
            FAULT_KILL("reclaim_before_commit");
            st = commit_run(&options, NULL, err);
        }
    }
    return st;
}

enum status
page_reclaim_recover(struct home *home, struct reclaimer *reclaimer, struct error *err)
{
    struct write_id zero = {{0}};
    struct meta_key first;
    struct meta_key end;
    struct meta_scan scan = {.family = FAMILY_NODE};
    struct meta_iterator *iterator;
    enum status st;

    meta_key_dropped_pages(&first, zero);
    end = first;
    end.size = 1;
    (void)meta_key_successor(&end);
    scan.lower = meta_key_bytes(&first);
    scan.upper = meta_key_bytes(&end);
    iterator = meta_iterator_open(home->db, &scan);
    for (; meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        struct dropped_extent dropped = {.extent = {.kind = EXTENT_INDIRECT}};

        if (meta_key_parse_dropped_pages(meta_iterator_key(iterator), &dropped.extent.write_id) ==
            ST_OK) {
            reclaimer_add(reclaimer, atomic_load(&home->published_batch), &dropped);
        }
    }
    st = meta_iterator_status(iterator, err);
    meta_iterator_close(&iterator);
    return st;
}
