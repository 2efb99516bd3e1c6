/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_entries.h"

#include "base/memory.h"

#include "base/banned.h"

static enum status
entries_add(struct upload_entries *list, struct bytes key, struct error *err)
{
    struct upload_entry entry = {.key = {.size = key.size}};
    const struct upload_entry *last = list->count > 0 ? &list->entries[list->count - 1] : NULL;
    struct bytes name;
    uint64_t bucket_id;

    if (key.size > sizeof(entry.key.data) ||
        meta_key_parse_upload(key, &bucket_id, &name, &entry.id, &entry.number) != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of an upload is malformed");
    }
    memcpy(entry.key.data, key.data, key.size);
    entry.has_upload = entry.number == 0 || (last != NULL && last->has_upload &&
                                             memcmp(&last->id, &entry.id, sizeof(entry.id)) == 0);
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->entries = xrealloc_array(list->entries, list->capacity, sizeof(*list->entries));
    }
    list->entries[list->count++] = entry;
    return ST_OK;
}

enum status
upload_entries_read(struct home *home, uint64_t bucket_id, struct bytes name, size_t count_max,
                    struct upload_entries *list, struct error *err)
{
    struct meta_iterator *iterator;
    struct meta_key lower;
    struct meta_key upper;
    enum status st = ST_OK;

    meta_key_object(&lower, bucket_id, name);
    lower.data[lower.size++] = 0;
    upper = lower;
    upper.data[upper.size - 1] = 1;
    iterator =
        meta_iterator_open(home_db(home), &(struct meta_scan){.family = FAMILY_UPLOAD,
                                                              .lower = meta_key_bytes(&lower),
                                                              .upper = meta_key_bytes(&upper)});
    for (meta_iterator_seek(iterator, meta_key_bytes(&lower));
         st == ST_OK && meta_iterator_is_valid(iterator) && list->count < count_max;
         meta_iterator_next(iterator)) {
        st = entries_add(list, meta_iterator_key(iterator), err);
    }
    if (st == ST_OK && !meta_iterator_is_valid(iterator)) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}

void
upload_entries_release(struct upload_entries *list)
{
    free(list->entries);
    memset(list, 0, sizeof(*list));
}
