/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pin_table.h"

#include "store/store_limits.h"

#include "tests/unit/test.h"

#include "base/banned.h"

TEST(oldest_pin_is_the_smallest_batch_still_held)
{
    struct pin_table *table = pin_table_create();
    uint32_t old = pin_table_take(table, 5);
    uint32_t young = pin_table_take(table, 9);

    EXPECT_INT(5, pin_table_oldest(table));
    pin_table_give_back(table, old);
    EXPECT_INT(9, pin_table_oldest(table));
    pin_table_give_back(table, young);
    EXPECT(pin_table_oldest(table) == UINT64_MAX);
    pin_table_destroy(&table);
}

TEST(pin_of_batch_zero_blocks_everything_after_it)
{
    struct pin_table *table = pin_table_create();
    uint32_t slot = pin_table_take(table, 0);

    EXPECT_INT(0, pin_table_oldest(table));
    pin_table_give_back(table, slot);
    pin_table_destroy(&table);
}

/* More readers than slots: nobody waits, nothing is freed until those without a slot are done. */
TEST(full_table_still_pins)
{
    static uint32_t slots[PIN_SLOT_COUNT + 3];
    struct pin_table *table = pin_table_create();

    for (size_t i = 0; i < PIN_SLOT_COUNT + 3; i++) {
        slots[i] = pin_table_take(table, 100);
    }
    EXPECT_INT(0, pin_table_oldest(table));
    for (size_t i = PIN_SLOT_COUNT; i < PIN_SLOT_COUNT + 3; i++) {
        pin_table_give_back(table, slots[i]);
    }
    EXPECT_INT(100, pin_table_oldest(table));
    for (size_t i = 0; i < PIN_SLOT_COUNT; i++) {
        pin_table_give_back(table, slots[i]);
    }
    EXPECT(pin_table_oldest(table) == UINT64_MAX);
    pin_table_destroy(&table);
}
