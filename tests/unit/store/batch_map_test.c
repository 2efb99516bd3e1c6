/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch_map.h"

#include <stdio.h>

#include "base/memory.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static void
put(struct batch_map *map, enum family family, const char *key, const char *value)
{
    struct bytes name = bytes_of_string(key);

    batch_map_put(map, batch_key_hash(family, name), family, name, bytes_of_string(value));
}

static struct batch_entry *
find(struct batch_map *map, enum family family, const char *key)
{
    struct bytes name = bytes_of_string(key);

    return batch_map_find(map, batch_key_hash(family, name), family, name);
}

TEST(last_write_of_a_key_counts_and_families_are_apart)
{
    struct batch_map *map = batch_map_create();

    put(map, FAMILY_OBJECT, "k", "one");
    put(map, FAMILY_OBJECT, "k", "two");

    EXPECT_BYTES(bytes_of_string("two"), find(map, FAMILY_OBJECT, "k")->value);
    EXPECT(find(map, FAMILY_UPLOAD, "k") == NULL);
    batch_map_delete(map, batch_key_hash(FAMILY_OBJECT, BYTES_LITERAL("k")), FAMILY_OBJECT,
                     BYTES_LITERAL("k"));
    EXPECT_INT(BATCH_DELETED, find(map, FAMILY_OBJECT, "k")->kind);
    batch_map_clear(map);
    EXPECT(find(map, FAMILY_OBJECT, "k") == NULL);
    batch_map_destroy(&map);
}

TEST(map_grows_and_keeps_entries_and_sums)
{
    enum { COUNT = 20000 };
    struct batch_map *map = batch_map_create();
    struct meta_batch *batch = meta_batch_create();
    char(*keys)[16] = xcalloc(COUNT, sizeof(*keys));
    const int64_t one[] = {1, -1};

    for (int i = 0; i < COUNT; i++) {
        struct bytes key;

        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        key = bytes_of_string(keys[i]);
        if (i % 100 == 0) {
            batch_map_add(map, batch_key_hash(FAMILY_NODE, key), FAMILY_NODE, key, one, 2);
            batch_map_add(map, batch_key_hash(FAMILY_NODE, key), FAMILY_NODE, key, one, 1);
        } else {
            put(map, FAMILY_OBJECT, keys[i], keys[i]);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 100 == 0) {
            EXPECT_INT(2, find(map, FAMILY_NODE, keys[i])->sum[0]);
            EXPECT_INT(-1, find(map, FAMILY_NODE, keys[i])->sum[1]);
        } else {
            EXPECT_BYTES(bytes_of_string(keys[i]), find(map, FAMILY_OBJECT, keys[i])->value);
        }
    }
    batch_map_emit_sums(map, batch);

    EXPECT_INT(COUNT / 100, meta_batch_count(batch));
    meta_batch_destroy(&batch);
    batch_map_destroy(&map);
    free(keys);
}
