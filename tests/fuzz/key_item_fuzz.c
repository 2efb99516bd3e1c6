/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object/key_item.h on any bytes: refused, or read into what writes itself back to the same.  What
 * it holds (record, mark, notes) is decoded as who receives it does.
 */
#include "base/check.h"
#include "object/key_holding.h"
#include "object/key_item.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Refused or not, it came back. */
static void
expect_any(enum status st)
{
    CHECK(st < STATUS_COUNT);
}

static void
check_same(const struct key_item *item)
{
    struct arena arena = ARENA_INIT;
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct key_item again;

    key_item_write(item, &once);
    CHECK(key_item_read(buffer_bytes(&once), &arena, &again, NULL) == ST_OK);
    CHECK(again.part_count == item->part_count && again.note_count == item->note_count);
    CHECK(bytes_equal(again.key, item->key) && again.bucket_id == item->bucket_id);
    CHECK(again.has_bytes == item->has_bytes && bytes_equal(again.bytes, item->bytes));
    key_item_write(&again, &twice);
    CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    buffer_release(&once);
    buffer_release(&twice);
    arena_release(&arena);
}

static void
decode(const struct key_item *item, struct arena *arena)
{
    static const struct cluster_map MAP = {.version = 3};
    struct key_holding holding;
    struct upload_record upload;

    if (key_holding_decode(item->record, item->mark, &MAP, arena, &holding, NULL) == ST_OK) {
        CHECK(holding.holding.has_record == (item->record.size != 0));
    }
    for (size_t i = 0; i < item->note_count; i++) {
        expect_any(upload_record_decode(item->notes[i].value, arena, &upload, NULL));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct key_item item;

    if (key_item_read(bytes_of(data, size), &arena, &item, NULL) == ST_OK) {
        CHECK(item.key.size > 0);
        check_same(&item);
        decode(&item, &arena);
    }
    arena_release(&arena);
    return 0;
}
