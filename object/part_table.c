/* SPDX-License-Identifier: Apache-2.0 */
#include "object/part_table.h"

#include "base/memory.h"
#include "meta/meta_key.h"

#include "base/banned.h"

void
part_table_put(struct commit *commit, struct write_id id, const struct part_entry *entries,
               size_t count)
{
    struct buffer page = BUFFER_INIT;

    for (size_t from = 0; from < count; from += PART_TABLE_PAGE_COUNT) {
        size_t size = count - from < PART_TABLE_PAGE_COUNT ? count - from : PART_TABLE_PAGE_COUNT;
        struct meta_key key;

        buffer_clear(&page);
        part_page_encode(entries + from, size, &page);
        meta_key_part_page(&key, id, entries[from].number);
        commit_put(commit, FAMILY_LAYOUT, meta_key_bytes(&key), buffer_bytes(&page));
    }
    buffer_release(&page);
}

static void
table_bounds(struct write_id id, struct meta_key *ret_from, struct meta_key *ret_to)
{
    meta_key_part_page(ret_from, id, 0);
    meta_key_part_page(ret_to, id, UINT32_MAX);
}

void
part_table_delete(struct commit *commit, struct write_id id)
{
    struct meta_key from;
    struct meta_key to;

    table_bounds(id, &from, &to);
    commit_delete_range(commit, FAMILY_LAYOUT, meta_key_bytes(&from), meta_key_bytes(&to));
}

struct table_reader {
    uint32_t after;
    size_t count_max;
    struct part_entry *entries; /* heap while it grows */
    size_t count;
    size_t capacity;
    bool is_truncated;
};

static void
reader_take_page(struct table_reader *reader, const struct part_entry *entries, size_t count)
{
    for (size_t i = 0; i < count && !reader->is_truncated; i++) {
        if (entries[i].number <= reader->after) {
            continue;
        }
        if (reader->count == reader->count_max) {
            reader->is_truncated = true;
            return;
        }
        if (reader->count == reader->capacity) {
            reader->capacity = reader->capacity == 0 ? 16 : reader->capacity * 2;
            reader->entries =
                xrealloc_array(reader->entries, reader->capacity, sizeof(*reader->entries));
        }
        reader->entries[reader->count++] = entries[i];
    }
}

static enum status
reader_run(struct table_reader *reader, struct meta_iterator *iterator, struct bytes start,
           struct error *err)
{
    struct arena arena = ARENA_INIT;
    enum status st = ST_OK;

    /* The page that holds `after` may begin before it. */
    meta_iterator_seek_before(iterator, start);
    if (!meta_iterator_is_valid(iterator)) {
        st = meta_iterator_status(iterator, err);
        meta_iterator_seek(iterator, start);
    }
    while (st == ST_OK && meta_iterator_is_valid(iterator) && !reader->is_truncated) {
        const struct part_entry *entries;
        size_t count;

        st = part_page_decode(meta_iterator_value(iterator), &arena, &entries, &count, err);
        if (st == ST_OK) {
            reader_take_page(reader, entries, count);
            meta_iterator_next(iterator);
        }
        arena_release(&arena);
    }
    if (st == ST_OK && !reader->is_truncated) {
        st = meta_iterator_status(iterator, err);
    }
    return st;
}

enum status
part_table_read(struct home *home, struct write_id id, uint32_t after, size_t count_max,
                struct arena *arena, struct part_entry **ret_entries, size_t *ret_count,
                bool *ret_is_truncated, struct error *err)
{
    struct table_reader reader = {.after = after, .count_max = count_max};
    struct meta_iterator *iterator;
    struct meta_key from;
    struct meta_key to;
    struct meta_key start;
    enum status st;

    table_bounds(id, &from, &to);
    meta_key_part_page(&start, id, after);
    iterator = meta_iterator_open(home_db(home), &(struct meta_scan){.family = FAMILY_LAYOUT,
                                                                     .lower = meta_key_bytes(&from),
                                                                     .upper = meta_key_bytes(&to)});
    st = reader_run(&reader, iterator, meta_key_bytes(&start), err);
    if (st == ST_OK) {
        *ret_entries = arena_alloc(arena, reader.count * sizeof(*reader.entries));
        if (reader.count > 0) {
            memcpy(*ret_entries, reader.entries, reader.count * sizeof(*reader.entries));
        }
        *ret_count = reader.count;
        *ret_is_truncated = reader.is_truncated;
    }
    free(reader.entries);
    meta_iterator_close(&iterator);
    return st;
}
