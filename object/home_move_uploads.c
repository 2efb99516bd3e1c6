/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upload goes to the key's home in repeatable steps: its record and all parts, then they are
 * removed at the former home, the record first: where that has parts without their record, all of
 * them are at the home.
 */
#include "object/home_move_internal.h"
#include "object/upload_entries.h"

#include "base/banned.h"

static enum status
decide_upload_in(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct home_move *move = arg;
    struct part_record old;
    struct bytes value;
    struct seq own;
    enum status st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&move->key), &value, err);

    if (st != ST_OK && st != ST_NOT_FOUND) {
        return st;
    }
    if (st == ST_OK) {
        own = home_move_seq_of(value);
    }
    if (!home_move_accepts(move, st == ST_OK ? &own : NULL)) {
        return ST_OK;
    }
    if (st == ST_OK && move->is_part) {
        st = part_record_decode(value, commit_arena(commit), &old, err);
        if (st == ST_OK) {
            st = commit_drop_layout(commit, view, &old.layout, err);
        }
        if (st != ST_OK) {
            return st;
        }
    }
    st = rehome_put(&move->rehome, commit, view, err);
    if (st == ST_OK) {
        commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&move->key), buffer_bytes(&move->encoded));
    }
    return st;
}

static enum status
decide_upload_out(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct home_move *move = arg;
    struct part_record old;
    struct bytes value;
    enum status st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&move->key), &value, err);

    if (st == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (st == ST_OK && move->is_part) {
        st = part_record_decode(value, commit_arena(commit), &old, err);
        if (st == ST_OK) {
            st = commit_drop_layout(commit, view, &old.layout, err);
        }
    }
    if (st == ST_OK) {
        commit_delete(commit, FAMILY_UPLOAD, meta_key_bytes(&move->key));
    }
    return st;
}

static enum status
publish_part(struct home_move *move, const struct upload_entry *entry, struct bytes value,
             struct home_move_counts *counts, struct error *err)
{
    enum status st = part_record_decode(value, &move->arena, &move->part, err);

    move->is_part = true;
    if (st == ST_OK) {
        st = home_move_build(move, &move->part.layout, &entry->id, entry->number, counts, err);
    }
    if (st == ST_OK) {
        counts->byte_count += move->part.size;
        part_record_encode(&move->part, &move->encoded);
        st = home_move_publish(move, decide_upload_in, err);
    }
    return st;
}

static enum status
publish_entry(struct home_move *move, const struct upload_entry *entry,
              struct home_move_counts *counts, struct error *err)
{
    struct home_pin pin = home_pin(move->from);
    struct bytes value;
    enum status st = home_require_writable(move->to, err);

    move->key = entry->key;
    if (st == ST_OK) {
        st = home_move_get(move->from, FAMILY_UPLOAD, &move->key, &move->arena, &value, err);
    }
    if (st == ST_OK) {
        move->seq = home_move_seq_of(value);
        st = home_move_look(move, err);
    }
    if (st == ST_OK && !move->is_there && entry->number != 0) {
        st = publish_part(move, entry, value, counts, err);
    } else if (st == ST_OK && !move->is_there) {
        buffer_append_bytes(&move->encoded, value);
        st = home_move_publish(move, decide_upload_in, err);
    }
    home_unpin(&pin);
    return st == ST_NOT_FOUND ? ST_OK : st; /* a cleanup removed it meanwhile */
}

/* One pass over the entries, each with a move of its own. */
static enum status
entries_pass(struct object_store *store, struct home *from, struct home *to, uint64_t bucket_id,
             struct bytes name, const struct upload_entries *list, bool is_removal,
             struct home_move_counts *counts, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < list->count && st == ST_OK; i++) {
        const struct upload_entry *entry = &list->entries[i];
        struct home_move move;

        home_move_init(&move, store, from, to, FAMILY_UPLOAD, bucket_id, name);
        move.key = entry->key;
        move.is_part = entry->number != 0;
        if (is_removal) {
            counts->upload_count += entry->number == 0;
            st = home_move_leave(&move, decide_upload_out, err);
        } else if (entry->has_upload) {
            st = publish_entry(&move, entry, counts, err);
        }
        home_move_release(&move);
    }
    return st;
}

enum status
home_move_uploads(struct object_store *store, struct home *from, struct home *to,
                  uint64_t bucket_id, struct bytes name, struct home_move_counts *counts,
                  struct error *err)
{
    struct upload_entries list = {0};
    enum status st = upload_entries_read(from, bucket_id, name, SIZE_MAX, &list, err);

    if (st == ST_OK) {
        st = entries_pass(store, from, to, bucket_id, name, &list, false, counts, err);
    }
    if (st == ST_OK) {
        st = entries_pass(store, from, to, bucket_id, name, &list, true, counts, err);
    }
    upload_entries_release(&list);
    return st;
}
