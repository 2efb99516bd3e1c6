/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_current.h"

#include "object/part_table.h"

#include "base/banned.h"

enum status
object_current_get(struct commit *commit, struct commit_view *view, const struct meta_key *key,
                   const struct object_record **ret_record, struct error *err)
{
    struct object_record *record;
    struct bytes value;
    enum status st = commit_view_get(view, FAMILY_OBJECT, meta_key_bytes(key), &value, err);

    if (st == ST_NOT_FOUND) {
        *ret_record = NULL;
        return ST_OK;
    }
    if (st != ST_OK) {
        return st;
    }
    record = arena_alloc(commit_arena(commit), sizeof(*record));
    st = object_record_decode(value, commit_arena(commit), record, err);
    if (st == ST_OK) {
        *ret_record = record;
    }
    return st;
}

enum status
object_current_drop(struct commit *commit, struct commit_view *view,
                    const struct object_record *record, struct error *err)
{
    if (record->part_count > 0) {
        part_table_delete(commit, record->layout.write_id);
    }
    return commit_drop_layout(commit, view, &record->layout, err);
}

void
object_current_count(struct commit *commit, uint64_t bucket_id, const struct object_record *before,
                     const struct object_record *after)
{
    struct bucket_counters delta = {0};

    if (before != NULL) {
        delta.object_count--;
        delta.logical_bytes -= (int64_t)before->size;
        delta.stored_bytes -= (int64_t)before->stored_size;
    }
    if (after != NULL) {
        delta.object_count++;
        delta.logical_bytes += (int64_t)after->size;
        delta.stored_bytes += (int64_t)after->stored_size;
    }
    commit_count(commit, bucket_id, &delta);
}

bool
object_commit_is_doubtful(enum status status)
{
    return status == ST_UNAVAILABLE || status == ST_IO;
}
