/* SPDX-License-Identifier: Apache-2.0 */
#include "object/bucket_table.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

#define SLOT_COUNT_MIN ((size_t)64)

struct bucket_table {
    pthread_mutex_t lock;
    struct bucket_entry **slots;  /* guarded by lock; hash table, slot_count a power of two */
    size_t slot_count;            /* guarded by lock */
    struct bucket_entry **sorted; /* guarded by lock; by name */
    size_t count;                 /* guarded by lock */
    size_t capacity;              /* guarded by lock */
};

struct bucket_table *
bucket_table_create(void)
{
    struct bucket_table *table = xcalloc(1, sizeof(*table));

    CHECK(pthread_mutex_init(&table->lock, NULL) == 0);
    table->slot_count = SLOT_COUNT_MIN;
    table->slots = xcalloc(table->slot_count, sizeof(struct bucket_entry *));
    return table;
}

void
bucket_table_destroy(struct bucket_table **take_table)
{
    struct bucket_table *table = *take_table;

    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        CHECK(atomic_load(&table->sorted[i]->reference_count) == 1);
        bucket_entry_release(&table->sorted[i]);
    }
    free(table->sorted);
    free(table->slots);
    CHECK(pthread_mutex_destroy(&table->lock) == 0);
    free(table);
    *take_table = NULL;
}

static struct bucket_entry **
slot_of_locked(const struct bucket_table *table, struct bytes name)
{
    return &table->slots[hash_bytes(name, 0) & (table->slot_count - 1)];
}

/* Index of the first entry whose name is not less than name. */
static size_t
position_of_locked(const struct bucket_table *table, struct bytes name)
{
    size_t from = 0;
    size_t to = table->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (bytes_compare(table->sorted[middle]->name, name) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static struct bucket_entry *
entry_find_locked(const struct bucket_table *table, struct bytes name)
{
    struct bucket_entry *entry = *slot_of_locked(table, name);

    while (entry != NULL && !bytes_equal(entry->name, name)) {
        entry = entry->next_in_slot;
    }
    return entry;
}

static void
slots_grow_locked(struct bucket_table *table)
{
    table->slot_count *= 2;
    free(table->slots);
    table->slots = xcalloc(table->slot_count, sizeof(struct bucket_entry *));
    for (size_t i = 0; i < table->count; i++) {
        struct bucket_entry **slot = slot_of_locked(table, table->sorted[i]->name);

        table->sorted[i]->next_in_slot = *slot;
        *slot = table->sorted[i];
    }
}

static void
entry_insert_locked(struct bucket_table *table, struct bucket_entry *entry)
{
    size_t position = position_of_locked(table, entry->name);
    struct bucket_entry **slot = slot_of_locked(table, entry->name);

    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? SLOT_COUNT_MIN : table->capacity * 2;
        table->sorted =
            xrealloc_array(table->sorted, table->capacity, sizeof(struct bucket_entry *));
    }
    memmove(&table->sorted[position + 1], &table->sorted[position],
            (table->count - position) * sizeof(struct bucket_entry *));
    table->sorted[position] = entry;
    table->count++;
    entry->next_in_slot = *slot;
    *slot = entry;
    if (table->count > table->slot_count) {
        slots_grow_locked(table);
    }
}

static void
entry_remove_locked(struct bucket_table *table, struct bucket_entry *entry)
{
    size_t position = position_of_locked(table, entry->name);
    struct bucket_entry **slot = slot_of_locked(table, entry->name);

    CHECK(position < table->count && table->sorted[position] == entry);
    table->count--;
    memmove(&table->sorted[position], &table->sorted[position + 1],
            (table->count - position) * sizeof(struct bucket_entry *));
    while (*slot != entry) {
        slot = &(*slot)->next_in_slot;
    }
    *slot = entry->next_in_slot;
    entry->next_in_slot = NULL;
}

static struct bucket_entry *
entry_create(const struct bucket_value *value)
{
    struct bucket_entry *entry =
        xcalloc(1, sizeof(*entry) + value->name.size + value->owner.size + 1);
    char *text = (char *)(entry + 1);

    memcpy(text, value->name.data, value->name.size);
    memcpy(text + value->name.size, value->owner.data, value->owner.size);
    entry->name = bytes_of(text, value->name.size);
    entry->owner = bytes_of(text + value->name.size, value->owner.size);
    entry->id = value->id;
    entry->created_ns = value->created_ns;
    atomic_init(&entry->reference_count, 1);
    atomic_init(&entry->is_refusing_writes, false);
    return entry;
}

static void
table_put(struct bucket_table *table, const struct bucket_value *value, uint64_t revision)
{
    struct bucket_entry *fresh = entry_create(value);
    struct bucket_entry *old;

    WITH_LOCK (&table->lock) {
        struct bucket_entry *entry;

        old = entry_find_locked(table, value->name);
        if (old != NULL && old->id == value->id) {
            entry = old;
            old = fresh;
        } else {
            if (old != NULL) {
                entry_remove_locked(table, old);
            }
            entry_insert_locked(table, fresh);
            entry = fresh;
        }
        entry->properties = value->properties;
        entry->state = value->state;
        atomic_store(&entry->revision, revision);
        atomic_store(&entry->is_refusing_writes, value->state != BUCKET_ACTIVE);
    }
    if (old != NULL) {
        atomic_store(&old->is_refusing_writes, true);
        atomic_store(&old->revision, BUCKET_REVISION_GONE);
        bucket_entry_release(&old);
    }
}

static void
table_remove(struct bucket_table *table, struct bytes name)
{
    struct bucket_entry *entry;

    WITH_LOCK (&table->lock) {
        entry = entry_find_locked(table, name);
        if (entry != NULL) {
            entry_remove_locked(table, entry);
            atomic_store(&entry->is_refusing_writes, true);
            atomic_store(&entry->revision, BUCKET_REVISION_GONE);
        }
    }
    bucket_entry_release(&entry);
}

void
bucket_table_changed(const struct control_value *value, void *arg)
{
    struct bytes name = bytes_slice(value->key, sizeof(BUCKET_VALUE_PREFIX) - 1, value->key.size);
    struct arena arena = ARENA_INIT;
    struct bucket_value parsed;
    struct error err = ERROR_INIT;

    if (value->value.data == NULL) {
        table_remove(arg, name);
    } else if (bucket_value_parse(value->value, &arena, &parsed, &err) != ST_OK ||
               !bytes_equal(parsed.name, name)) {
        log_error(&(struct log_context){.bucket = name}, "bucket_value_unreadable",
                  "the bucket's control value cannot be used: %s", err.text);
    } else {
        table_put(arg, &parsed, value->revision);
    }
    arena_release(&arena);
}

struct bucket_entry *
bucket_table_find(struct bucket_table *table, struct bytes name,
                  struct bucket_properties *ret_properties, enum bucket_state *ret_state)
{
    struct bucket_entry *entry;

    WITH_LOCK (&table->lock) {
        entry = entry_find_locked(table, name);
        if (entry != NULL) {
            bucket_entry_hold(entry);
            *ret_properties = entry->properties;
            *ret_state = entry->state;
        }
    }
    return entry;
}

void
bucket_entry_hold(struct bucket_entry *entry)
{
    atomic_fetch_add_explicit(&entry->reference_count, 1, memory_order_relaxed);
}

void
bucket_entry_release(struct bucket_entry **take_entry)
{
    struct bucket_entry *entry = *take_entry;

    *take_entry = NULL;
    if (entry != NULL &&
        atomic_fetch_sub_explicit(&entry->reference_count, 1, memory_order_acq_rel) == 1) {
        free(entry);
    }
}

size_t
bucket_table_count(struct bucket_table *table, struct bytes owner)
{
    size_t count = 0;

    WITH_LOCK (&table->lock) {
        for (size_t i = 0; i < table->count; i++) {
            count += bytes_equal(table->sorted[i]->owner, owner);
        }
    }
    return count;
}

struct bucket_entry *
bucket_table_next(struct bucket_table *table, struct bytes after)
{
    struct bucket_entry *entry = NULL;

    WITH_LOCK (&table->lock) {
        size_t position = position_of_locked(table, after);

        if (position < table->count && bytes_equal(table->sorted[position]->name, after)) {
            position++;
        }
        if (position < table->count) {
            entry = table->sorted[position];
            bucket_entry_hold(entry);
        }
    }
    return entry;
}
