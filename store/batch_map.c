/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch_map.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

#define INITIAL_CAPACITY 2048
/* A commit of a huge object fills more; the memory goes back after its batch. */
#define KEPT_CAPACITY_MAX 65536

struct batch_map {
    struct batch_entry *entries;
    size_t capacity; /* power of two */
    size_t count;
    uint64_t generation;
    size_t *sums; /* indexes of BATCH_SUM entries */
    size_t sum_count;
    size_t sum_capacity;
};

struct batch_map *
batch_map_create(void)
{
    struct batch_map *map = xcalloc(1, sizeof(*map));

    map->capacity = INITIAL_CAPACITY;
    map->entries = xcalloc(map->capacity, sizeof(*map->entries));
    map->generation = 1;
    return map;
}

void
batch_map_destroy(struct batch_map **take_map)
{
    if (*take_map != NULL) {
        free((*take_map)->entries);
        free((*take_map)->sums);
        free(*take_map);
        *take_map = NULL;
    }
}

void
batch_map_clear(struct batch_map *map)
{
    map->generation++;
    map->count = 0;
    map->sum_count = 0;
    if (map->capacity > KEPT_CAPACITY_MAX) {
        free(map->entries);
        map->capacity = INITIAL_CAPACITY;
        map->entries = xcalloc(map->capacity, sizeof(*map->entries));
    }
}

uint64_t
batch_key_hash(enum family family, struct bytes key)
{
    return hash_bytes(key, (uint64_t)family + 1);
}

/* Where the key stands or would stand. */
static size_t
locate(const struct batch_map *map, uint64_t hash, enum family family, struct bytes key)
{
    size_t i = hash & (map->capacity - 1);

    for (;;) {
        const struct batch_entry *entry = &map->entries[i];

        if (entry->generation != map->generation ||
            (entry->hash == hash && entry->family == family && bytes_equal(entry->key, key))) {
            return i;
        }
        i = (i + 1) & (map->capacity - 1);
    }
}

static void
grow(struct batch_map *map)
{
    struct batch_entry *old = map->entries;
    size_t old_capacity = map->capacity;

    map->capacity *= 2;
    map->entries = xcalloc(map->capacity, sizeof(*map->entries));
    map->sum_count = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].generation == map->generation) {
            size_t at = locate(map, old[i].hash, old[i].family, old[i].key);

            map->entries[at] = old[i];
            if (old[i].kind == BATCH_SUM) {
                map->sums[map->sum_count++] = at;
            }
        }
    }
    free(old);
}

struct batch_entry *
batch_map_find(struct batch_map *map, uint64_t hash, enum family family, struct bytes key)
{
    struct batch_entry *entry = &map->entries[locate(map, hash, family, key)];

    return entry->generation == map->generation ? entry : NULL;
}

static struct batch_entry *
find_or_add(struct batch_map *map, uint64_t hash, enum family family, struct bytes key,
            bool *ret_is_new)
{
    struct batch_entry *entry;

    if (map->count >= map->capacity / 2) {
        grow(map);
    }
    entry = &map->entries[locate(map, hash, family, key)];
    *ret_is_new = entry->generation != map->generation;
    if (*ret_is_new) {
        memset(entry, 0, sizeof(*entry));
        entry->hash = hash;
        entry->generation = map->generation;
        entry->family = family;
        entry->key = key;
        map->count++;
    }
    return entry;
}

static void
set(struct batch_map *map, uint64_t hash, enum family family, struct bytes key,
    enum batch_entry_kind kind, struct bytes value)
{
    bool is_new;
    struct batch_entry *entry = find_or_add(map, hash, family, key, &is_new);

    CHECK(is_new || entry->kind != BATCH_SUM);
    entry->kind = kind;
    entry->value = value;
    entry->key = key;
}

void
batch_map_put(struct batch_map *map, uint64_t hash, enum family family, struct bytes key,
              struct bytes value)
{
    set(map, hash, family, key, BATCH_PUT, value);
}

void
batch_map_delete(struct batch_map *map, uint64_t hash, enum family family, struct bytes key)
{
    set(map, hash, family, key, BATCH_DELETED, BYTES_NONE);
}

void
batch_map_add(struct batch_map *map, uint64_t hash, enum family family, struct bytes key,
              const int64_t *values, size_t count)
{
    bool is_new;
    struct batch_entry *entry = find_or_add(map, hash, family, key, &is_new);

    CHECK(count <= BATCH_SUM_MAX);
    CHECK(is_new || entry->kind == BATCH_SUM);
    if (is_new) {
        entry->kind = BATCH_SUM;
        if (map->sum_count == map->sum_capacity) {
            map->sum_capacity = map->sum_capacity * 2 + 16;
            map->sums = xrealloc_array(map->sums, map->sum_capacity, sizeof(*map->sums));
        }
        map->sums[map->sum_count++] = (size_t)(entry - map->entries);
    }
    for (size_t i = 0; i < count; i++) {
        entry->sum[i] += values[i];
    }
    entry->sum_count = count > entry->sum_count ? count : entry->sum_count;
}

void
batch_map_emit_sums(struct batch_map *map, struct meta_batch *batch)
{
    for (size_t i = 0; i < map->sum_count; i++) {
        const struct batch_entry *entry = &map->entries[map->sums[i]];
        unsigned char operand[8 * BATCH_SUM_MAX];

        for (size_t j = 0; j < entry->sum_count; j++) {
            encode_u64_be(operand + 8 * j, (uint64_t)entry->sum[j]);
        }
        meta_batch_merge(batch, entry->family, entry->key, bytes_of(operand, 8 * entry->sum_count));
    }
}
