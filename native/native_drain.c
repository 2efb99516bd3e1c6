/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_drain.h"

#include "object/object_delete.h"
#include "object/object_list.h"

#include "base/banned.h"

/* How often a bucket that others write into is emptied again. */
#define DESTROY_TRY_COUNT 16

struct names {
    struct arena *arena;
    struct object_delete_entry *entries;
    size_t count;
};

static void
take_name(struct bytes name, const struct object_record *record, void *arg)
{
    struct names *names = arg;

    (void)record;
    names->entries[names->count++] =
        (struct object_delete_entry){.key = arena_copy(names->arena, name)};
}

/* *ret_count: how many there were. */
static enum status
delete_page(const struct bucket *bucket, size_t *ret_count, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct names names = {.arena = &arena};
    struct object_list_options options = {.count_max = OBJECT_DELETE_KEYS_MAX};
    struct object_list_result result;
    enum status st;

    names.entries = arena_calloc(&arena, OBJECT_DELETE_KEYS_MAX, sizeof(*names.entries));
    st = object_list(bucket, &options, take_name, &names, &arena, &result, err);
    if (st == ST_OK && names.count > 0) {
        st = object_delete(bucket, names.entries, names.count, err);
    }
    for (size_t i = 0; i < names.count && st == ST_OK; i++) {
        st = names.entries[i].status;
        if (st != ST_OK && err != NULL) {
            *err = names.entries[i].error;
        }
    }
    *ret_count = names.count;
    arena_release(&arena);
    return st;
}

enum status
native_drain_destroy(const struct bucket *bucket, struct error *err)
{
    enum status st = ST_BUCKET_NOT_EMPTY;

    for (size_t try = 0; try < DESTROY_TRY_COUNT && st == ST_BUCKET_NOT_EMPTY; try++) {
        size_t count;

        do {
            st = delete_page(bucket, &count, err);
        } while (st == ST_OK && count > 0);
        if (st == ST_OK) {
            st = bucket_delete(bucket->store, bucket->principal, bucket->name, err);
        }
    }
    return st;
}

static void
count_object(struct bytes name, const struct object_record *record, void *arg)
{
    struct native_count *count = arg;

    (void)name;
    if (count->object_count == 0 || record->size < count->size_min) {
        count->size_min = record->size;
    }
    if (record->size > count->size_max) {
        count->size_max = record->size;
    }
    count->object_count++;
    count->byte_count += record->size;
    count->stored_bytes += record->stored_size;
}

enum status
native_drain_count(const struct bucket *bucket, struct bytes prefix, struct native_count *ret_count,
                   struct error *err)
{
    struct native_count count = {0};
    struct arena arena = ARENA_INIT;
    struct object_list_options options = {.prefix = prefix, .count_max = OBJECT_DELETE_KEYS_MAX};
    struct object_list_result result;
    enum status st;

    do {
        st = object_list(bucket, &options, count_object, &count, &arena, &result, err);
        options.after = result.last;
    } while (st == ST_OK && result.is_truncated);
    arena_release(&arena);
    if (st == ST_OK) {
        *ret_count = count;
    }
    return st;
}

uint64_t
native_drain_disk_bytes(struct object_store *store)
{
    struct store_space space;

    store_space(object_store_store(store), &space);
    return space.total_bytes;
}

uint64_t
native_drain_free_bytes(struct object_store *store)
{
    struct store_space space;

    store_space(object_store_store(store), &space);
    return space.free_bytes;
}

uint64_t
native_drain_used_percent(struct object_store *store, uint64_t stored_bytes)
{
    uint64_t total = native_drain_disk_bytes(store);

    return total > 0 ? stored_bytes * 100 / total : 0;
}
