/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pin_table.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "store/store_limits.h"

#include "base/banned.h"

/* Slot of a pin that found the table full. */
#define SLOT_OVERFLOW UINT32_MAX
/* Slots on one cache line are taken by different threads; spread them. */
#define PROBE_STEP 8

struct pin_table {
    _Atomic uint64_t slots[PIN_SLOT_COUNT]; /* 0: free, else batch + 1 */
    _Atomic uint64_t overflow_count;        /* pins without a slot: nothing may be freed */
};

struct pin_table *
pin_table_create(void)
{
    return xcalloc(1, sizeof(struct pin_table));
}

void
pin_table_destroy(struct pin_table **take_table)
{
    struct pin_table *table = *take_table;

    if (table == NULL) {
        return;
    }
    CHECK(pin_table_oldest(table) == UINT64_MAX);
    free(table);
    *take_table = NULL;
}

uint32_t
pin_table_take(struct pin_table *table, uint64_t published_batch)
{
    static __thread uint32_t hint;

    if (hint == 0) {
        hint = (uint32_t)entropy_u64() | 1;
    }
    for (uint32_t i = 0; i < PIN_SLOT_COUNT; i++) {
        uint32_t slot = (hint + i * (PROBE_STEP + 1)) % PIN_SLOT_COUNT;
        uint64_t expected = 0;

        if (atomic_load_explicit(&table->slots[slot], memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong(&table->slots[slot], &expected, published_batch + 1)) {
            /* The record must be read after others can see the pin; pin_table_oldest has the
             * other half of this. */
            atomic_thread_fence(memory_order_seq_cst);
            return slot;
        }
    }
    atomic_fetch_add(&table->overflow_count, 1);
    atomic_thread_fence(memory_order_seq_cst);
    return SLOT_OVERFLOW;
}

void
pin_table_give_back(struct pin_table *table, uint32_t slot)
{
    if (slot == SLOT_OVERFLOW) {
        CHECK(atomic_fetch_sub(&table->overflow_count, 1) > 0);
        return;
    }
    CHECK(slot < PIN_SLOT_COUNT);
    CHECK(atomic_exchange(&table->slots[slot], 0) != 0);
}

uint64_t
pin_table_oldest(struct pin_table *table)
{
    uint64_t oldest = UINT64_MAX;

    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&table->overflow_count) > 0) {
        return 0;
    }
    for (uint32_t i = 0; i < PIN_SLOT_COUNT; i++) {
        uint64_t value = atomic_load(&table->slots[i]);

        if (value != 0 && value - 1 < oldest) {
            oldest = value - 1;
        }
    }
    return oldest;
}
