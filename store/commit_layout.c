/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a commit begins and stops naming: live bytes of packs, references to chunk files.
 */
#include "base/check.h"
#include "base/encode.h"
#include "store/commit_internal.h"
#include "store/layout_walk.h"
#include "store/pack_format.h"

#include "base/banned.h"

struct layout_change {
    struct layout_walk walk;
    struct commit *commit;
    struct commit_view *view;
    bool is_shared;
};

static enum status
get_page(struct layout_walk *walk, struct bytes key, struct bytes *ret_value, struct error *err)
{
    struct layout_change *change = CONTAINER_OF(struct layout_change, walk, walk);

    return commit_view_get(change->view, FAMILY_LAYOUT, key, ret_value, err);
}

static void
add_pack_bytes(struct commit *commit, uint64_t pack_id, int64_t live_bytes)
{
    struct meta_key key;

    meta_key_pack(&key, pack_id);
    commit_add(commit, FAMILY_PACK, &key, &live_bytes, 1);
    meta_key_node(&key, NODE_PACK_TOTALS);
    commit_add(commit, FAMILY_NODE, &key, &live_bytes, 1);
}

static void
put_chunk_count(struct commit *commit, const struct meta_key *key, uint64_t count)
{
    unsigned char encoded[8];

    encode_u64_be(encoded, count);
    commit_put(commit, FAMILY_CHUNK, meta_key_bytes(key), bytes_of(encoded, sizeof(encoded)));
}

static enum status
get_chunk_count(struct commit_view *view, const struct meta_key *key, uint64_t *ret_count,
                struct error *err)
{
    struct bytes value;
    enum status st = commit_view_get(view, FAMILY_CHUNK, meta_key_bytes(key), &value, err);

    if (st == ST_OK && (value.size != 8 || decode_u64_be(value.data) == 0)) {
        return fail(err, ST_CORRUPT, "the reference count of a chunk file is malformed");
    }
    if (st == ST_OK) {
        *ret_count = decode_u64_be(value.data);
    }
    return st;
}

static enum status
name_extent(struct layout_walk *walk, const struct extent *extent, struct error *err)
{
    struct layout_change *change = CONTAINER_OF(struct layout_change, walk, walk);
    struct commit *commit = change->commit;
    struct named_bytes *named = arena_alloc(&commit->arena, sizeof(*named));
    struct meta_key key;
    uint64_t count = 0;
    enum status st;

    *named = (struct named_bytes){commit->named, extent, change->is_shared};
    commit->named = named;
    if (extent->kind == EXTENT_PACK) {
        /* An entry has one referrer: a copy writes its own bytes. */
        CHECK(!change->is_shared);
        add_pack_bytes(commit, extent->pack_id, pack_live_bytes(extent));
        return ST_OK;
    }
    meta_key_chunk(&key, extent->chunk_id);
    if (change->is_shared) {
        st = get_chunk_count(change->view, &key, &count, err);
        if (st == ST_NOT_FOUND) {
            return fail(err, ST_CONFLICT, "the source was deleted while it was copied");
        }
        if (st != ST_OK) {
            return st;
        }
    }
    put_chunk_count(commit, &key, count + 1);
    return ST_OK;
}

static struct layout
copy_layout(struct commit *commit, const struct layout *layout)
{
    struct layout copy = *layout;

    if (layout->kind == LAYOUT_EXTENTS) {
        struct extent *extents =
            arena_calloc(&commit->arena, layout->extent_count, sizeof(*extents));

        memcpy(extents, layout->extents, layout->extent_count * sizeof(*extents));
        copy.extents = extents;
    }
    return copy;
}

enum status
commit_name_layout(struct commit *commit, struct commit_view *view, const struct layout *layout,
                   bool is_shared, struct error *err)
{
    struct layout copy = copy_layout(commit, layout);
    struct layout_change change = {
        .walk = {.get = get_page, .visit = name_extent, .arena = &commit->arena},
        .commit = commit,
        .view = view,
        .is_shared = is_shared,
    };

    commit->has_shared |= is_shared;
    return layout_walk(&change.walk, &copy, err);
}

static void
add_dropped(struct commit *commit, const struct extent *extent)
{
    struct dropped_extent *dropped = arena_alloc(&commit->arena, sizeof(*dropped));

    *dropped = (struct dropped_extent){commit->dropped, *extent};
    commit->dropped = dropped;
}

static enum status
drop_chunk(struct commit *commit, struct commit_view *view, const struct extent *extent,
           struct error *err)
{
    struct meta_key key;
    uint64_t count = 0;
    enum status st;

    meta_key_chunk(&key, extent->chunk_id);
    commit->has_shared = true; /* the layout may name the file twice */
    st = get_chunk_count(view, &key, &count, err);
    if (st != ST_OK) {
        return st == ST_NOT_FOUND ? fail(err, ST_CORRUPT, "a chunk file is named but not counted")
                                  : st;
    }
    if (count > 1) {
        put_chunk_count(commit, &key, count - 1);
        return ST_OK;
    }
    commit_delete(commit, FAMILY_CHUNK, meta_key_bytes(&key));
    add_dropped(commit, extent);
    return ST_OK;
}

/* An object may have tens of thousands of extents in pages, and readers that hold a pin may still
 * want them.  So the commit only marks the pages; what they name is given up page by page when the
 * last of those readers is done, in commits of bounded size (store/page_reclaim.h). */
static void
drop_pages(struct commit *commit, struct write_id id)
{
    const struct extent pages = {.kind = EXTENT_INDIRECT, .write_id = id};
    struct meta_key key;

    meta_key_dropped_pages(&key, id);
    commit_put(commit, FAMILY_NODE, meta_key_bytes(&key), BYTES_NONE);
    add_dropped(commit, &pages);
}

static enum status
drop_extents(struct commit *commit, struct commit_view *view, const struct extent *extents,
             size_t count, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        switch (extents[i].kind) {
        case EXTENT_PACK:
            add_pack_bytes(commit, extents[i].pack_id, -pack_live_bytes(&extents[i]));
            break;
        case EXTENT_CHUNK:
            st = drop_chunk(commit, view, &extents[i], err);
            break;
        case EXTENT_INDIRECT:
            drop_pages(commit, extents[i].write_id);
            break;
        }
    }
    return st;
}

enum status
commit_drop_layout(struct commit *commit, struct commit_view *view, const struct layout *layout,
                   struct error *err)
{
    if (layout->kind == LAYOUT_PAGES) {
        drop_pages(commit, layout->write_id);
        return ST_OK;
    }
    return layout->kind == LAYOUT_EXTENTS
               ? drop_extents(commit, view, layout->extents, layout->extent_count, err)
               : ST_OK;
}

enum status
commit_drop_page(struct commit *commit, struct commit_view *view, struct bytes key,
                 struct error *err)
{
    const struct extent *extents;
    struct bytes value;
    size_t count;
    enum status st = commit_view_get(view, FAMILY_LAYOUT, key, &value, err);

    if (st == ST_OK) {
        st = extent_page_decode(value, &commit->arena, &extents, &count, err);
    }
    if (st == ST_OK) {
        st = drop_extents(commit, view, extents, count, err);
    }
    if (st == ST_OK) {
        commit_delete(commit, FAMILY_LAYOUT, key);
    }
    return st;
}

void
commit_drop_pack(struct commit *commit, uint64_t pack_id)
{
    const struct extent pack = {.kind = EXTENT_PACK, .pack_id = pack_id};

    add_dropped(commit, &pack);
}
