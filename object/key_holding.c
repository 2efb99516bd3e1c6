/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_holding.h"

#include "meta/meta_key.h"

#include "base/banned.h"

bool
key_mark_counts(const struct former_record *mark, const struct cluster_map *map)
{
    if (mark->generation <= map->finished_version) {
        return false;
    }
    return (mark->flags & FORMER_MOVED) == 0 || !cluster_map_is_removed(map, mark->destination);
}

enum status
key_holding_decode(struct bytes record_value, struct bytes mark_value,
                   const struct cluster_map *map, struct arena *arena,
                   struct key_holding *ret_holding, struct error *err)
{
    struct key_holding holding = {.record_value = record_value,
                                  .has_stored_mark = mark_value.size != 0};
    enum status st = ST_OK;

    if (record_value.size != 0) {
        st = object_record_decode(record_value, arena, &holding.record, err);
        holding.holding.has_record = true;
        holding.holding.record_seq = holding.record.seq;
    }
    if (st == ST_OK && mark_value.size != 0) {
        struct former_record *mark = &holding.holding.mark;

        st = former_record_decode(mark_value, arena, mark, err);
        if (st == ST_OK && key_mark_counts(mark, map)) {
            holding.holding.has_mark = true;
            holding.mark_value = mark_value;
        }
    }
    if (st == ST_OK) {
        *ret_holding = holding;
    }
    return st;
}

static enum status
read_value(struct home *home, enum family family, const struct meta_key *key, struct arena *arena,
           struct bytes *ret_value, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(home_db(home), family, meta_key_bytes(key), true, &value, err);

    *ret_value = st == ST_OK ? arena_copy(arena, value.data) : BYTES_NONE;
    meta_value_release(&value);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* The record first: a write that comes in between puts a greater seq into both, and a move that
 * comes in between leaves a mark that is greater than what was read. */
enum status
key_holding_read(struct home *home, uint64_t bucket_id, struct bytes key,
                 const struct cluster_map *map, struct arena *arena,
                 struct key_holding *ret_holding, struct error *err)
{
    struct bytes record = BYTES_NONE;
    struct bytes mark = BYTES_NONE;
    struct meta_key meta_key;
    enum status st = home_require_readable(home, err);

    meta_key_object(&meta_key, bucket_id, key);
    if (st == ST_OK) {
        st = read_value(home, FAMILY_OBJECT, &meta_key, arena, &record, err);
    }
    if (st == ST_OK) {
        st = read_value(home, FAMILY_FORMER, &meta_key, arena, &mark, err);
    }
    return st == ST_OK ? key_holding_decode(record, mark, map, arena, ret_holding, err) : st;
}

static enum status
view_value(struct commit_view *view, enum family family, const struct meta_key *key,
           struct bytes *ret_value, struct error *err)
{
    enum status st = commit_view_get(view, family, meta_key_bytes(key), ret_value, err);

    if (st == ST_NOT_FOUND) {
        *ret_value = BYTES_NONE;
        return ST_OK;
    }
    return st;
}

enum status
key_holding_get(struct commit *commit, struct commit_view *view, uint64_t bucket_id,
                struct bytes key, const struct cluster_map *map, struct key_holding *ret_holding,
                struct error *err)
{
    struct bytes record = BYTES_NONE;
    struct bytes mark = BYTES_NONE;
    struct meta_key meta_key;
    enum status st;

    meta_key_object(&meta_key, bucket_id, key);
    st = view_value(view, FAMILY_OBJECT, &meta_key, &record, err);
    if (st == ST_OK) {
        st = view_value(view, FAMILY_FORMER, &meta_key, &mark, err);
    }
    return st == ST_OK
               ? key_holding_decode(record, mark, map, commit_arena(commit), ret_holding, err)
               : st;
}
