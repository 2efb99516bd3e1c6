/* SPDX-License-Identifier: Apache-2.0 */
/* object/upload_item.h on any bytes: refused, or read into what writes itself back to the same. */
#include "base/check.h"
#include "object/object_store.h"
#include "object/upload_item.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same(const struct upload_item *item)
{
    struct arena arena = ARENA_INIT;
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct upload_item again;

    upload_item_write(item, &once);
    CHECK(upload_item_read(buffer_bytes(&once), &arena, &again, NULL) == ST_OK);
    CHECK(again.part_count == item->part_count && again.is_last == item->is_last);
    CHECK(bytes_equal(again.key, item->key) && again.bucket_id == item->bucket_id);
    upload_item_write(&again, &twice);
    CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    buffer_release(&once);
    buffer_release(&twice);
    arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct upload_item item;

    if (upload_item_read(bytes_of(data, size), &arena, &item, NULL) == ST_OK) {
        CHECK(item.part_count <= PART_NUMBER_MAX && item.key.size <= OBJECT_KEY_BYTES_MAX);
        for (size_t i = 1; i < item.part_count; i++) {
            CHECK(item.parts[i].number > item.parts[i - 1].number);
        }
        check_same(&item);
    }
    arena_release(&arena);
    return 0;
}
