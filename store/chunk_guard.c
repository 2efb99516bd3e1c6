/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_guard.h"

#include <pthread.h>

#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

#define SLOT_COUNT 256

struct chunk_guard {
    pthread_mutex_t lock;
    struct list slots[SLOT_COUNT]; /* guarded by lock; ids are random: their first byte will do */
};

struct chunk_guard *
chunk_guard_create(void)
{
    struct chunk_guard *guard = xcalloc(1, sizeof(*guard));

    CHECK(pthread_mutex_init(&guard->lock, NULL) == 0);
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        list_init(&guard->slots[i]);
    }
    return guard;
}

void
chunk_guard_destroy(struct chunk_guard **take_guard)
{
    struct chunk_guard *guard = *take_guard;

    if (guard == NULL) {
        return;
    }
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        CHECK(list_is_empty(&guard->slots[i]));
    }
    pthread_mutex_destroy(&guard->lock);
    free(guard);
    *take_guard = NULL;
}

void
chunk_guard_add(struct chunk_guard *guard, struct chunk_guard_entry *entry)
{
    WITH_LOCK (&guard->lock) {
        list_append(&guard->slots[entry->id.bytes[0] % SLOT_COUNT], &entry->node);
    }
}

void
chunk_guard_remove(struct chunk_guard *guard, struct chunk_guard_entry *entry)
{
    WITH_LOCK (&guard->lock) {
        list_remove(&entry->node);
    }
}

bool
chunk_guard_has(struct chunk_guard *guard, struct chunk_id id)
{
    bool is_found = false;

    WITH_LOCK (&guard->lock) {
        struct list *slot = &guard->slots[id.bytes[0] % SLOT_COUNT];

        for (struct list *node = slot->next; node != slot && !is_found; node = node->next) {
            const struct chunk_guard_entry *entry =
                CONTAINER_OF(struct chunk_guard_entry, node, node);

            is_found = memcmp(entry->id.bytes, id.bytes, sizeof(id.bytes)) == 0;
        }
    }
    return is_found;
}

size_t
chunk_guard_count(struct chunk_guard *guard, const struct home *mountpath)
{
    size_t count = 0;

    WITH_LOCK (&guard->lock) {
        for (size_t i = 0; i < SLOT_COUNT; i++) {
            struct list *slot = &guard->slots[i];

            for (struct list *node = slot->next; node != slot; node = node->next) {
                count += CONTAINER_OF(struct chunk_guard_entry, node, node)->mountpath == mountpath;
            }
        }
    }
    return count;
}
