/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control_snapshot.h"

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

struct control_entry *
control_entry_create(const struct control_value *value)
{
    struct bytes key = value->key;
    struct bytes content = value->value;
    struct control_entry *entry = xmalloc(sizeof(*entry) + key.size + content.size);
    char *text = (char *)(entry + 1);

    memcpy(text, key.data, key.size);
    if (content.size > 0) {
        memcpy(text + key.size, content.data, content.size);
    }
    atomic_init(&entry->reference_count, 1);
    entry->value = *value;
    entry->value.key = bytes_of(text, key.size);
    entry->value.value = bytes_of(text + key.size, content.size);
    return entry;
}

struct control_entry *
control_entry_ref(struct control_entry *entry)
{
    atomic_fetch_add(&entry->reference_count, 1);
    return entry;
}

void
control_entry_unref(struct control_entry *entry)
{
    if (atomic_fetch_sub(&entry->reference_count, 1) == 1) {
        /* Values hold access keys' secrets. */
        memory_wipe((char *)(entry + 1), entry->value.key.size + entry->value.value.size);
        free(entry);
    }
}

static struct control_snapshot *
snapshot_alloc(size_t count, uint64_t revision)
{
    struct control_snapshot *snapshot =
        xmalloc(sizeof(*snapshot) + count * sizeof(snapshot->entries[0]));

    atomic_init(&snapshot->reference_count, 1);
    snapshot->revision = revision;
    snapshot->count = 0;
    return snapshot;
}

struct control_snapshot *
control_snapshot_create(uint64_t revision)
{
    return snapshot_alloc(0, revision);
}

struct control_snapshot *
control_snapshot_ref(struct control_snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->reference_count, 1);
    return snapshot;
}

void
control_snapshot_unref(struct control_snapshot *snapshot)
{
    if (atomic_fetch_sub(&snapshot->reference_count, 1) == 1) {
        for (size_t i = 0; i < snapshot->count; i++) {
            control_entry_unref(snapshot->entries[i]);
        }
        free(snapshot);
    }
}

size_t
control_snapshot_lower_bound(const struct control_snapshot *snapshot, struct bytes key)
{
    size_t low = 0;
    size_t high = snapshot->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (bytes_compare(snapshot->entries[middle]->value.key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct control_value *
control_snapshot_find(const struct control_snapshot *snapshot, struct bytes key)
{
    size_t i = control_snapshot_lower_bound(snapshot, key);

    return i < snapshot->count && bytes_equal(snapshot->entries[i]->value.key, key)
               ? &snapshot->entries[i]->value
               : NULL;
}

void
control_snapshot_append(struct control_snapshot **snapshot, struct control_entry *entry)
{
    struct control_snapshot *grown = *snapshot;
    size_t count = grown->count;

    CHECK(atomic_load(&grown->reference_count) == 1);
    CHECK(count == 0 || bytes_compare(grown->entries[count - 1]->value.key, entry->value.key) < 0);
    if ((count & (count - 1)) == 0) { /* full whenever count is a power of two, or 0 */
        grown = xrealloc(grown,
                         sizeof(*grown) + (count == 0 ? 1 : 2 * count) * sizeof(grown->entries[0]));
        *snapshot = grown;
    }
    grown->entries[grown->count++] = entry;
    if (entry->value.revision > grown->revision) {
        grown->revision = entry->value.revision;
    }
}

static void
snapshot_share(struct control_snapshot *snapshot, struct control_entry *entry)
{
    snapshot->entries[snapshot->count++] = control_entry_ref(entry);
}

struct control_snapshot *
control_snapshot_with(const struct control_snapshot *snapshot, struct bytes key,
                      struct control_entry *entry, uint64_t revision)
{
    struct control_snapshot *next = snapshot_alloc(snapshot->count + 1, revision);
    size_t place = control_snapshot_lower_bound(snapshot, key);
    bool is_present =
        place < snapshot->count && bytes_equal(snapshot->entries[place]->value.key, key);

    CHECK(entry != NULL || is_present);
    for (size_t i = 0; i < place; i++) {
        snapshot_share(next, snapshot->entries[i]);
    }
    if (entry != NULL) {
        next->entries[next->count++] = entry;
    }
    for (size_t i = place + (is_present ? 1 : 0); i < snapshot->count; i++) {
        snapshot_share(next, snapshot->entries[i]);
    }
    return next;
}

struct control_snapshot *
control_snapshot_at(const struct control_snapshot *snapshot, uint64_t revision)
{
    struct control_snapshot *next = snapshot_alloc(snapshot->count, revision);

    for (size_t i = 0; i < snapshot->count; i++) {
        snapshot_share(next, snapshot->entries[i]);
    }
    return next;
}
