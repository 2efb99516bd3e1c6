/* SPDX-License-Identifier: Apache-2.0 */
#include "store/extent_cursor.h"

#include "base/check.h"
#include "base/encode.h"
#include "meta/meta_key.h"
#include "store/home_internal.h"

#include "base/banned.h"

void
extent_cursor_init(struct extent_cursor *cursor, struct home *home, const struct layout *layout,
                   uint64_t size)
{
    memset(cursor, 0, sizeof(*cursor));
    cursor->home = home;
    cursor->layout = layout;
    cursor->size = size;
}

void
extent_cursor_release(struct extent_cursor *cursor)
{
    for (size_t i = 0; i < EXTENT_CURSOR_DEPTH; i++) {
        arena_release(&cursor->levels[i].arena);
    }
}

static enum status
take_page(struct extent_cursor_level *level, struct write_id id, uint64_t start, struct bytes value,
          struct error *err)
{
    const struct extent *extents;
    size_t count;
    uint64_t end = start;
    enum status st;

    arena_release(&level->arena);
    level->is_loaded = false;
    st = extent_page_decode(value, &level->arena, &extents, &count, err);
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < count; i++) {
        if (extents[i].length == 0 || extents[i].length > UINT64_MAX - end) {
            return fail(err, ST_CORRUPT, "a page of extents has one of an impossible length");
        }
        end += extents[i].length;
    }
    level->id = id;
    level->extents = extents;
    level->count = count;
    level->start = start;
    level->end = end;
    level->is_loaded = true;
    return ST_OK;
}

/* The page at or before position, by a scan: its key tells where it starts. */
static enum status
scan_page(struct extent_cursor *cursor, struct extent_cursor_level *level, struct write_id id,
          uint64_t position, struct error *err)
{
    struct meta_key first;
    struct meta_key last;
    struct meta_key wanted;
    struct meta_scan scan = {.family = FAMILY_LAYOUT};
    struct meta_iterator *iterator;
    enum status st;

    meta_key_extent_page(&first, id, 0);
    meta_key_extent_page(&wanted, id, position);
    meta_key_extent_page(&last, id, UINT64_MAX);
    scan.lower = meta_key_bytes(&first);
    scan.upper = meta_key_bytes(&last);
    iterator = meta_iterator_open(cursor->home->db, &scan);
    meta_iterator_seek_before(iterator, meta_key_bytes(&wanted));
    if (meta_iterator_is_valid(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        CHECK(key.size == first.size);
        st = take_page(level, id, decode_u64_be(key.data + key.size - 8),
                       meta_iterator_value(iterator), err);
    } else {
        st = meta_iterator_status(iterator, err);
        st = st == ST_OK ? fail(err, ST_CORRUPT, "a page of extents is missing") : st;
    }
    meta_iterator_close(&iterator);
    return st;
}

/* The page that follows the loaded one, or the first, is one get. */
static enum status
get_page(struct extent_cursor *cursor, struct extent_cursor_level *level, struct write_id id,
         uint64_t start, enum read_mode mode, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_extent_page(&key, id, start);
    st = meta_db_get(cursor->home->db, FAMILY_LAYOUT, meta_key_bytes(&key), mode == READ_MAY_WAIT,
                     &value, err);
    if (st == ST_OK) {
        st = take_page(level, id, start, value.data, err);
    } else if (st == ST_NOT_FOUND) {
        st = fail(err, ST_CORRUPT, "a page of extents is missing");
    }
    meta_value_release(&value);
    return st;
}

static enum status
load_page(struct extent_cursor *cursor, struct extent_cursor_level *level, struct write_id id,
          uint64_t position, enum read_mode mode, struct error *err)
{
    bool is_same = level->is_loaded && memcmp(level->id.bytes, id.bytes, sizeof(id.bytes)) == 0;

    if (is_same && position >= level->start && position < level->end) {
        return ST_OK;
    }
    if (position == 0 || (is_same && position == level->end)) {
        return get_page(cursor, level, id, position, mode, err);
    }
    return mode == READ_NO_WAIT ? ST_WOULD_WAIT : scan_page(cursor, level, id, position, err);
}

/* In an array that starts at start: the extent that holds position. */
static const struct extent *
find(const struct extent *extents, size_t count, uint64_t start, uint64_t position,
     uint64_t *ret_start)
{
    for (size_t i = 0; i < count; i++) {
        if (position - start < extents[i].length) {
            *ret_start = start;
            return &extents[i];
        }
        start += extents[i].length;
    }
    return NULL;
}

static enum status
find_in_pages(struct extent_cursor *cursor, size_t depth, struct write_id id, uint64_t position,
              enum read_mode mode, const struct extent **ret_extent, uint64_t *ret_start,
              struct error *err)
{
    struct extent_cursor_level *level = &cursor->levels[depth];
    enum status st = load_page(cursor, level, id, position, mode, err);

    if (st != ST_OK) {
        return st;
    }
    *ret_extent = find(level->extents, level->count, level->start, position, ret_start);
    return *ret_extent != NULL ? ST_OK
                               : fail(err, ST_CORRUPT, "pages of extents end before the object");
}

enum status
extent_cursor_seek(struct extent_cursor *cursor, uint64_t position, enum read_mode mode,
                   const struct extent **ret_extent, uint64_t *ret_start, bool *ret_is_new,
                   struct error *err)
{
    const struct extent *extent;
    uint64_t start = 0;
    size_t depth = 0;
    enum status st = ST_OK;

    CHECK(position < cursor->size);
    if (!cursor->has_current || position < cursor->current_start ||
        position - cursor->current_start >= cursor->current.length) {
        if (cursor->layout->kind == LAYOUT_PAGES) {
            st = find_in_pages(cursor, depth++, cursor->layout->write_id, position, mode, &extent,
                               &start, err);
        } else {
            extent =
                find(cursor->layout->extents, cursor->layout->extent_count, 0, position, &start);
            CHECK(extent != NULL); /* the sum of lengths was compared with the size */
        }
        while (st == ST_OK && extent->kind == EXTENT_INDIRECT) {
            uint64_t inner = 0;

            if (depth == EXTENT_CURSOR_DEPTH) {
                return fail(err, ST_CORRUPT, "pages of extents are nested too deep");
            }
            st = find_in_pages(cursor, depth++, extent->write_id, position - start, mode, &extent,
                               &inner, err);
            start += inner;
        }
        if (st != ST_OK) {
            return st;
        }
        cursor->current = *extent;
        cursor->current_start = start;
        cursor->has_current = true;
        *ret_is_new = true;
    } else {
        *ret_is_new = false;
    }
    *ret_extent = &cursor->current;
    *ret_start = cursor->current_start;
    return ST_OK;
}
