/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layout_writer.h"

#include "store/layout_walk.h"

#include "base/banned.h"

/* Collects what a walk over committed pages meets. */
struct extent_list {
    struct home *home;
    struct buffer extents; /* array of struct extent */
};

static enum status
get_page(struct layout_walk *walk, struct bytes key, struct bytes *ret_value, struct error *err)
{
    struct extent_list *list = walk->arg;
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(home_db(list->home), FAMILY_LAYOUT, key, true, &value, err);

    if (st == ST_OK) {
        *ret_value = arena_copy(walk->arena, value.data);
    }
    meta_value_release(&value);
    return st;
}

static enum status
add_extent(struct layout_walk *walk, const struct extent *extent, struct error *err)
{
    struct extent_list *list = walk->arg;

    buffer_append(&list->extents, extent, sizeof(*extent));
    return ST_OK;
}

enum status
layout_extents(struct home *home, const struct layout *layout, struct arena *arena,
               const struct extent **ret_extents, size_t *ret_count, struct error *err)
{
    struct extent_list list = {.home = home, .extents = BUFFER_INIT};
    struct layout_walk walk = {.get = get_page, .visit = add_extent, .arena = arena, .arg = &list};
    enum status st;

    assert_on_worker();
    st = layout_walk(&walk, layout, err);
    if (st == ST_OK) {
        *ret_extents = (const void *)arena_copy(arena, buffer_bytes(&list.extents)).data;
        *ret_count = list.extents.size / sizeof(struct extent);
    }
    buffer_release(&list.extents);
    return st;
}
