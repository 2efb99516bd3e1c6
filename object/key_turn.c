/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_turn.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

struct key_turn_table {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t hashes[KEY_TURN_MAX]; /* guarded by lock */
    size_t count;                  /* guarded by lock */
};

struct key_turn_table *
key_turn_table_create(void)
{
    struct key_turn_table *table = xcalloc(1, sizeof(*table));

    CHECK(pthread_mutex_init(&table->lock, NULL) == 0);
    CHECK(pthread_cond_init(&table->changed, NULL) == 0);
    return table;
}

void
key_turn_table_destroy(struct key_turn_table **take_table)
{
    struct key_turn_table *table = *take_table;

    if (table != NULL) {
        CHECK(table->count == 0);
        pthread_cond_destroy(&table->changed);
        pthread_mutex_destroy(&table->lock);
        free(table);
        *take_table = NULL;
    }
}

static size_t
find_locked(const struct key_turn_table *table, uint64_t hash)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->hashes[i] == hash) {
            return i;
        }
    }
    return SIZE_MAX;
}

void
key_turn_take(struct key_turn_table *table, uint64_t hash)
{
    assert_on_worker();
    WITH_LOCK (&table->lock) {
        while (table->count == KEY_TURN_MAX || find_locked(table, hash) != SIZE_MAX) {
            CHECK(pthread_cond_wait(&table->changed, &table->lock) == 0);
        }
        table->hashes[table->count++] = hash;
    }
}

void
key_turn_give_back(struct key_turn_table *table, uint64_t hash)
{
    WITH_LOCK (&table->lock) {
        size_t at = find_locked(table, hash);

        CHECK(at != SIZE_MAX);
        table->hashes[at] = table->hashes[--table->count];
        CHECK(pthread_cond_broadcast(&table->changed) == 0);
    }
}
