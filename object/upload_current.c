/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_current.h"

#include "base/memory.h"
#include "meta/meta_key.h"

#include "base/banned.h"

static enum status
no_such_upload(struct error *err)
{
    return fail(err, ST_NO_SUCH_UPLOAD,
                "the upload does not exist; it may have been completed or "
                "aborted");
}

enum status
upload_check_open(const struct upload_record *record, struct error *err)
{
    switch (record->state) {
    case UPLOAD_OPEN:
        return ST_OK;
    case UPLOAD_COMPLETED:
    case UPLOAD_ABORTED:
        break;
    case UPLOAD_LEAVING:
    case UPLOAD_MOVED:
    case UPLOAD_ARRIVING:
        return fail(err, ST_MOVED, "the upload is on its way from one node to another");
    }
    return no_such_upload(err);
}

enum status
upload_yields_to_note(struct bytes value, struct arena *arena, bool *ret_yields, struct error *err)
{
    struct upload_record record;
    enum status st = upload_record_decode(value, arena, &record, err);

    if (st == ST_OK) {
        *ret_yields = record.state == UPLOAD_ARRIVING || record.state == UPLOAD_MOVED;
    }
    return st;
}

enum status
upload_get(struct home *home, uint64_t bucket_id, struct bytes key, struct upload_id id,
           bool may_wait, struct arena *arena, struct upload_record *ret_record, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key meta_key;
    enum status st;

    meta_key_upload(&meta_key, bucket_id, key, id);
    st =
        meta_db_get(home_db(home), FAMILY_UPLOAD, meta_key_bytes(&meta_key), may_wait, &value, err);
    if (st == ST_NOT_FOUND) {
        return no_such_upload(err);
    }
    if (st == ST_OK) {
        st = upload_record_decode(arena_copy(arena, value.data), arena, ret_record, err);
    }
    meta_value_release(&value);
    return st;
}

enum status
upload_require_open(struct home *home, uint64_t bucket_id, struct bytes key, struct upload_id id,
                    bool may_wait, bool may_leave, enum checksum_algorithm *ret_algorithm,
                    struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct upload_record record;
    enum status st = upload_get(home, bucket_id, key, id, may_wait, &arena, &record, err);

    if (st == ST_OK &&
        !(may_leave && (record.state == UPLOAD_LEAVING || record.state == UPLOAD_MOVED))) {
        st = upload_check_open(&record, err);
    }
    if (st == ST_OK) {
        *ret_algorithm = record.checksum_algorithm;
    }
    arena_release(&arena);
    return st;
}

enum status
upload_current_get(struct commit *commit, struct commit_view *view, uint64_t bucket_id,
                   struct bytes key, struct upload_id id, struct upload_record *ret_record,
                   struct bytes *ret_value, struct error *err)
{
    struct meta_key meta_key;
    enum status st;

    meta_key_upload(&meta_key, bucket_id, key, id);
    st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&meta_key), ret_value, err);
    if (st == ST_NOT_FOUND) {
        return no_such_upload(err);
    }
    return st != ST_OK ? st
                       : upload_record_decode(*ret_value, commit_arena(commit), ret_record, err);
}

enum status
upload_touch(struct commit *commit, struct commit_view *view, uint64_t bucket_id, struct bytes key,
             struct upload_id id, struct error *err)
{
    struct upload_record record;
    struct meta_key meta_key;
    struct bytes value;
    enum status st = upload_current_get(commit, view, bucket_id, key, id, &record, &value, err);

    if (st == ST_OK) {
        st = upload_check_open(&record, err);
    }
    if (st != ST_OK) {
        return st;
    }
    meta_key_upload(&meta_key, bucket_id, key, id);
    commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&meta_key), value);
    return ST_OK;
}

struct part_list {
    struct part_record *parts; /* heap while it grows */
    size_t count;
    size_t capacity;
};

static enum status
part_list_add(struct part_list *list, struct bytes value, struct arena *arena, struct error *err)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->parts = xrealloc_array(list->parts, list->capacity, sizeof(*list->parts));
    }
    return part_record_decode(arena_copy(arena, value), arena, &list->parts[list->count++], err);
}

enum status
upload_parts_read(struct home *home, uint64_t bucket_id, struct bytes key, struct upload_id id,
                  uint32_t after, size_t count_max, struct arena *arena,
                  struct part_record **ret_parts, size_t *ret_count, bool *ret_is_truncated,
                  struct error *err)
{
    struct part_list list = {0};
    struct meta_iterator *iterator;
    struct meta_key lower;
    struct meta_key upper;
    enum status st = ST_OK;

    meta_key_part(&lower, bucket_id, key, id, after + 1);
    meta_key_part(&upper, bucket_id, key, id, UINT32_MAX);
    iterator =
        meta_iterator_open(home_db(home), &(struct meta_scan){.family = FAMILY_UPLOAD,
                                                              .lower = meta_key_bytes(&lower),
                                                              .upper = meta_key_bytes(&upper)});
    meta_iterator_seek(iterator, meta_key_bytes(&lower));
    while (st == ST_OK && meta_iterator_is_valid(iterator) && list.count < count_max) {
        st = part_list_add(&list, meta_iterator_value(iterator), arena, err);
        meta_iterator_next(iterator);
    }
    if (st == ST_OK && !meta_iterator_is_valid(iterator)) {
        st = meta_iterator_status(iterator, err);
    }
    if (st == ST_OK) {
        *ret_parts = arena_alloc(arena, list.count * sizeof(*list.parts));
        if (list.count > 0) {
            memcpy(*ret_parts, list.parts, list.count * sizeof(*list.parts));
        }
        *ret_count = list.count;
        *ret_is_truncated = meta_iterator_is_valid(iterator);
    }
    free(list.parts);
    meta_iterator_close(&iterator);
    return st;
}

enum status
upload_drop_part(struct commit *commit, struct commit_view *view, struct bytes part_key,
                 struct error *err)
{
    struct part_record old;
    struct bytes value;
    enum status st = commit_view_get(view, FAMILY_UPLOAD, part_key, &value, err);

    if (st == ST_OK) {
        st = part_record_decode(value, commit_arena(commit), &old, err);
        if (st == ST_OK) {
            st = commit_drop_layout(commit, view, &old.layout, err);
        }
    } else if (st == ST_NOT_FOUND) {
        st = ST_OK;
    }
    return st;
}
