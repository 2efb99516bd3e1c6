/* SPDX-License-Identifier: Apache-2.0 */
<<<<<<< HEAD
#include "store/layout_writer.h"

#include "store/layout_walk.h"

#include "base/banned.h"

/* Collects what a walk over committed pages meets. */
struct extent_list {
    struct home *home;
    struct buffer extents; /* array of struct extent */
=======
#include "base/check.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/layout_walk.h"
#include "store/layout_writer.h"

#include "base/banned.h"

struct extent_collection {
    struct layout_walk walk;
    struct meta_db *db;
    struct extent *extents; /* heap while it grows */
    size_t count;
    size_t capacity;
>>>>>>> e76868b (object, store: pages before their names, shared chunks replaced)
};

static enum status
get_page(struct layout_walk *walk, struct bytes key, struct bytes *ret_value, struct error *err)
{
<<<<<<< HEAD
    struct extent_list *list = walk->arg;
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(home_db(list->home), FAMILY_LAYOUT, key, true, &value, err);
=======
    struct extent_collection *collection = CONTAINER_OF(struct extent_collection, walk, walk);
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(collection->db, FAMILY_LAYOUT, key, true, &value, err);
>>>>>>> e76868b (object, store: pages before their names, shared chunks replaced)

    if (st == ST_OK) {
        *ret_value = arena_copy(walk->arena, value.data);
    }
    meta_value_release(&value);
    return st;
}

static enum status
<<<<<<< HEAD
add_extent(struct layout_walk *walk, const struct extent *extent, struct error *err)
{
    struct extent_list *list = walk->arg;

    buffer_append(&list->extents, extent, sizeof(*extent));
=======
collect(struct layout_walk *walk, const struct extent *extent, struct error *err)
{
    struct extent_collection *collection = CONTAINER_OF(struct extent_collection, walk, walk);

    if (collection->count == collection->capacity) {
        collection->capacity = collection->capacity == 0 ? 16 : collection->capacity * 2;
        collection->extents =
            xrealloc_array(collection->extents, collection->capacity, sizeof(*collection->extents));
    }
    collection->extents[collection->count++] = *extent;
>>>>>>> e76868b (object, store: pages before their names, shared chunks replaced)
    return ST_OK;
}

enum status
layout_extents(struct home *home, const struct layout *layout, struct arena *arena,
               const struct extent **ret_extents, size_t *ret_count, struct error *err)
{
<<<<<<< HEAD
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
=======
    struct arena pages = ARENA_INIT;
    struct extent_collection collection = {
        .walk = {.get = get_page, .visit = collect, .arena = &pages}, .db = home->db};
    enum status st;

    assert_on_worker();
    st = layout_walk(&collection.walk, layout, err);
    if (st == ST_OK) {
        struct extent *extents = arena_calloc(arena, collection.count + 1, sizeof(*extents));

        if (collection.count > 0) {
            memcpy(extents, collection.extents, collection.count * sizeof(*extents));
        }
        *ret_extents = extents;
        *ret_count = collection.count;
    }
    free(collection.extents);
    arena_release(&pages);
>>>>>>> e76868b (object, store: pages before their names, shared chunks replaced)
    return st;
}
