/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layout_walk.h"

#include "meta/upload_record.h"

#include "base/banned.h"

/* An object's pages may name the pages of parts; those name files only. */
#define DEPTH_MAX 1

static enum status walk_pages(struct layout_walk *walk, struct write_id id, uint64_t page_count,
                              uint64_t length, int depth, struct error *err);

static enum status
walk_extent(struct layout_walk *walk, const struct extent *extent, int depth, struct error *err)
{
    if (extent->kind != EXTENT_INDIRECT) {
        return walk->visit(walk, extent, err);
    }
    if (depth >= DEPTH_MAX) {
        return fail(err, ST_CORRUPT, "pages of extents are nested too deep");
    }
    return walk_pages(walk, extent->write_id, UINT64_MAX, extent->length, depth + 1, err);
}

/* Until page_count pages were seen or length bytes were covered, whichever ends first. */
static enum status
walk_pages(struct layout_walk *walk, struct write_id id, uint64_t page_count, uint64_t length,
           int depth, struct error *err)
{
    uint64_t offset = 0;
    enum status st = ST_OK;

    for (uint64_t page = 0; page < page_count && offset < length && st == ST_OK; page++) {
        const struct extent *extents;
        struct bytes value;
        struct meta_key key;
        size_t count;

        meta_key_extent_page(&key, id, offset);
        st = walk->get(walk, meta_key_bytes(&key), &value, err);
        if (st == ST_NOT_FOUND) {
            st = fail(err, ST_CORRUPT, "a page of extents is missing");
        }
        if (st == ST_OK) {
            st = extent_page_decode(value, walk->arena, &extents, &count, err);
        }
        for (size_t i = 0; st == ST_OK && i < count; i++) {
            if (extents[i].length == 0 || extents[i].length > UINT64_MAX - offset) {
                st = fail(err, ST_CORRUPT, "a page of extents has one of an impossible length");
            } else {
                offset += extents[i].length;
                st = walk_extent(walk, &extents[i], depth, err);
            }
        }
    }
    return st;
}

enum status
layout_walk(struct layout_walk *walk, const struct layout *layout, struct error *err)
{
    enum status st = ST_OK;

    if (layout->kind == LAYOUT_PAGES) {
        return walk_pages(walk, layout->write_id, layout->page_count, UINT64_MAX, 0, err);
    }
    if (layout->kind == LAYOUT_EXTENTS) {
        for (size_t i = 0; i < layout->extent_count && st == ST_OK; i++) {
            st = walk_extent(walk, &layout->extents[i], 0, err);
        }
    }
    return st;
}
