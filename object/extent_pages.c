/* SPDX-License-Identifier: Apache-2.0 */
#include "object/extent_pages.h"

#include "base/entropy.h"
#include "meta/meta_key.h"

#include "base/banned.h"

void
extent_pages_layout(const struct extent *extents, size_t count, struct layout *ret_layout)
{
    bool is_indirect = false;

    memset(ret_layout, 0, sizeof(*ret_layout));
    entropy_fill(ret_layout->write_id.bytes, sizeof(ret_layout->write_id.bytes));
    for (size_t i = 0; i < count; i++) {
        is_indirect |= extents[i].kind == EXTENT_INDIRECT;
    }
    if (count == 0) {
        ret_layout->kind = LAYOUT_INLINE;
        ret_layout->inline_data = BYTES_LITERAL("");
    } else if (count <= LAYOUT_RECORD_EXTENT_MAX && !is_indirect) {
        ret_layout->kind = LAYOUT_EXTENTS;
        ret_layout->extents = extents;
        ret_layout->extent_count = count;
    } else {
        ret_layout->kind = LAYOUT_PAGES;
        ret_layout->page_count = (count + LAYOUT_PAGE_EXTENT_MAX - 1) / LAYOUT_PAGE_EXTENT_MAX;
    }
}

void
extent_pages_put(struct commit *commit, const struct layout *layout, const struct extent *extents,
                 size_t count)
{
    struct buffer page = BUFFER_INIT;
    uint64_t offset = 0;

    if (layout->kind != LAYOUT_PAGES) {
        return;
    }
    for (size_t from = 0; from < count; from += LAYOUT_PAGE_EXTENT_MAX) {
        size_t rest = count - from;
        size_t size = rest < LAYOUT_PAGE_EXTENT_MAX ? rest : LAYOUT_PAGE_EXTENT_MAX;
        struct meta_key key;

        buffer_clear(&page);
        extent_page_encode(extents + from, size, &page);
        meta_key_extent_page(&key, layout->write_id, offset);
        commit_put(commit, FAMILY_LAYOUT, meta_key_bytes(&key), buffer_bytes(&page));
        for (size_t i = from; i < from + size; i++) {
            offset += extents[i].length;
        }
    }
    buffer_release(&page);
}
