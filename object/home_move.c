/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record:  bytes ready at the home -> its commit (only where nothing of an equal or greater seq
 *              is) -> scans that began before are over with opening -> removed at the former home
 * An upload:   its record and all parts in this way, then removed, the record first: where a former
 *              home has parts without their record, all of them are at the home.
 * Every step is synced before the next one, and can be repeated after a stop at any point.
 */
#include "object/home_move.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/key_turn.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/part_table.h"
#include "object/placement_rules.h"
#include "object/rehome.h"
#include "object/upload_entries.h"

#include "base/banned.h"

/* One record on its way. */
struct home_move {
    struct object_store *store;
    struct home *from;
    struct home *to;
    uint64_t bucket_id;
    struct bytes name;
    enum family family;
    struct meta_key key;
    struct arena arena;
    struct seq seq;
    struct object_record object;
    struct part_record part;
    bool is_part;
    struct rehome rehome;
    struct part_entry *entries; /* its part table */
    size_t entry_count;
    struct buffer encoded;
    bool is_there; /* decide found it at the home */
};

static struct placement_holding
holding_of(const struct seq *seq)
{
    return (struct placement_holding){.has_record = seq != NULL,
                                      .record_seq = seq != NULL ? *seq : (struct seq){0, 0}};
}

static struct seq
seq_of_value(struct bytes value)
{
    return (struct seq){decode_u64_be(value.data + RECORD_SEQ_OFFSET),
                        decode_u64_be(value.data + RECORD_SEQ_OFFSET + 8)};
}

/* Does it go in, where own (NULL: nothing) stands? */
static bool
is_accepted(struct home_move *move, const struct seq *own)
{
    struct placement_holding holding = holding_of(own);

    move->is_there = !placement_accepts_move_in(&holding, move->seq);
    return !move->is_there;
}

static enum status
decide_object_in(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct home_move *move = arg;
    const struct object_record *own;
    enum status st = object_current_get(commit, view, &move->key, &own, err);

    if (st != ST_OK || !is_accepted(move, own != NULL ? &own->seq : NULL)) {
        return st;
    }
    st = rehome_put(&move->rehome, commit, view, err);
    if (st == ST_OK && own != NULL) {
        st = object_current_drop(commit, view, own, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (move->entry_count > 0) {
        part_table_put(commit, move->object.layout.write_id, move->entries, move->entry_count);
    }
    commit_put(commit, FAMILY_OBJECT, meta_key_bytes(&move->key), buffer_bytes(&move->encoded));
    object_current_count(commit, move->bucket_id, own, &move->object);
    return ST_OK;
}

static enum status
decide_object_out(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct home_move *move = arg;
    const struct object_record *own;
    enum status st = object_current_get(commit, view, &move->key, &own, err);

    if (st != ST_OK || own == NULL) {
        return st;
    }
    if (seq_compare(own->seq, move->seq) > 0) {
        return fail(err, ST_INTERNAL, "a former home took a write after it lost the key");
    }
    st = object_current_drop(commit, view, own, err);
    if (st == ST_OK) {
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&move->key));
        object_current_count(commit, move->bucket_id, own, NULL);
    }
    return st;
}

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
        own = seq_of_value(value);
    }
    if (!is_accepted(move, st == ST_OK ? &own : NULL)) {
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
run_commit(struct home_move *move, struct home *home, commit_decide_fn *decide, struct error *err)
{
    struct seq seq;

    return commit_run(
        &(struct commit_options){
            .home = home, .durability = DURABILITY_STRICT, .decide = decide, .arg = move},
        &seq, err);
}

/* The bytes ready, then the record; rehome is released. */
static enum status
publish(struct home_move *move, commit_decide_fn *decide, struct error *err)
{
    enum status st = run_commit(move, move->to, decide, err);
    bool is_kept = object_commit_is_doubtful(st) || (st == ST_OK && !move->is_there);

    rehome_release(&move->rehome, is_kept);
    return st;
}

static enum status
get_value(struct home *home, enum family family, const struct meta_key *key, struct arena *arena,
          struct bytes *ret_value, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(home_db(home), family, meta_key_bytes(key), true, &value, err);

    if (st == ST_OK && value.data.size < RECORD_SEQ_OFFSET + 16) {
        st = fail(err, ST_CORRUPT, "a %s record is too short", family_name(family));
    }
    if (st == ST_OK) {
        *ret_value = arena_copy(arena, value.data);
    }
    meta_value_release(&value);
    return st;
}

/* Is what move->from has there at the home already?  Then nothing is built. */
static enum status
look_at_home(struct home_move *move, struct error *err)
{
    struct bytes value;
    enum status st = get_value(move->to, move->family, &move->key, &move->arena, &value, err);
    struct seq own;

    if (st == ST_OK) {
        own = seq_of_value(value);
        (void)is_accepted(move, &own);
        return ST_OK;
    }
    move->is_there = false;
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status
build(struct home_move *move, struct layout *layout, const struct upload_id *upload,
      uint32_t part_number, struct home_move_counts *counts, struct error *err)
{
    enum status st = rehome_build(&move->rehome,
                                  &(struct rehome_options){.from = move->from,
                                                           .to = move->to,
                                                           .bucket_id = move->bucket_id,
                                                           .key = move->name,
                                                           .upload = upload,
                                                           .part_number = part_number,
                                                           .layout = layout},
                                  err);

    if (st == ST_OK) {
        *layout = move->rehome.layout;
        counts->copied_bytes += move->rehome.copied_bytes;
    } else {
        rehome_release(&move->rehome, false);
    }
    return st;
}

static enum status
publish_object(struct home_move *move, struct home_move_counts *counts, struct error *err)
{
    struct object_record *record = &move->object;
    struct write_id id = record->layout.write_id;
    bool is_truncated;
    enum status st = home_require_writable(move->to, err);

    if (st == ST_OK && record->part_count > 0) {
        st = part_table_read(move->from, id, 0, PART_NUMBER_MAX, &move->arena, &move->entries,
                             &move->entry_count, &is_truncated, err);
    }
    if (st == ST_OK) {
        st = build(move, &record->layout, NULL, 0, counts, err);
    }
    if (st != ST_OK) {
        return st;
    }
    object_record_encode(record, &move->encoded); /* with its seq */
    FAULT_KILL("move_before_publish");
    return publish(move, decide_object_in, err);
}

/* Nobody who scans may have opened the home before the commit and opens the former one after the
 * removal. */
static enum status
leave(struct home_move *move, commit_decide_fn *decide, struct error *err)
{
    FAULT_KILL("move_before_removal");
    store_pass_scans(move->store->store);
    return run_commit(move, move->from, decide, err);
}

static void
move_init(struct home_move *move, struct object_store *store, struct home *from, struct home *to,
          enum family family, uint64_t bucket_id, struct bytes name)
{
    memset(move, 0, sizeof(*move));
    move->store = store;
    move->from = from;
    move->to = to;
    move->family = family;
    move->bucket_id = bucket_id;
    move->name = name;
}

static void
move_release(struct home_move *move)
{
    buffer_release(&move->encoded);
    arena_release(&move->arena);
}

static enum status
move_object(struct object_store *store, struct home *from, struct home *to, uint64_t bucket_id,
            struct bytes name, struct home_move_counts *counts, struct error *err)
{
    struct home_pin pin = home_pin(from); /* before the record is read */
    struct home_move move;
    struct bytes value;
    enum status st;

    move_init(&move, store, from, to, FAMILY_OBJECT, bucket_id, name);
    meta_key_object(&move.key, bucket_id, name);
    st = get_value(from, FAMILY_OBJECT, &move.key, &move.arena, &value, err);
    if (st == ST_NOT_FOUND) {
        st = ST_OK;
        goto out;
    }
    if (st == ST_OK) {
        st = object_record_decode(value, &move.arena, &move.object, err);
    }
    if (st == ST_OK) {
        move.seq = move.object.seq;
        st = look_at_home(&move, err);
    }
    if (st == ST_OK && !move.is_there) {
        st = publish_object(&move, counts, err);
    }
    if (st == ST_OK) {
        counts->object_count++;
        counts->byte_count += move.object.stored_size;
        st = leave(&move, decide_object_out, err);
    }
out:
    home_unpin(&pin);
    move_release(&move);
    return st;
}

static enum status
publish_part(struct home_move *move, const struct upload_entry *entry, struct bytes value,
             struct home_move_counts *counts, struct error *err)
{
    enum status st = part_record_decode(value, &move->arena, &move->part, err);

    move->is_part = true;
    if (st == ST_OK) {
        st = build(move, &move->part.layout, &entry->id, entry->number, counts, err);
    }
    if (st == ST_OK) {
        counts->byte_count += move->part.size;
        part_record_encode(&move->part, &move->encoded);
        st = publish(move, decide_upload_in, err);
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
        st = get_value(move->from, FAMILY_UPLOAD, &move->key, &move->arena, &value, err);
    }
    if (st == ST_OK) {
        move->seq = seq_of_value(value);
        st = look_at_home(move, err);
    }
    if (st == ST_OK && !move->is_there && entry->number != 0) {
        st = publish_part(move, entry, value, counts, err);
    } else if (st == ST_OK && !move->is_there) {
        buffer_append_bytes(&move->encoded, value);
        st = publish(move, decide_upload_in, err);
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

        move_init(&move, store, from, to, FAMILY_UPLOAD, bucket_id, name);
        move.key = entry->key;
        move.is_part = entry->number != 0;
        if (is_removal) {
            counts->upload_count += entry->number == 0;
            st = leave(&move, decide_upload_out, err);
        } else if (entry->has_upload) {
            st = publish_entry(&move, entry, counts, err);
        }
        move_release(&move);
    }
    return st;
}

static enum status
move_uploads(struct object_store *store, struct home *from, struct home *to, uint64_t bucket_id,
             struct bytes name, struct home_move_counts *counts, struct error *err)
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

/* Anything of the name in a former home?  Once there is nothing, there never will be again under
 * this generation. */
static enum status
has_anything(struct home *former, uint64_t bucket_id, struct bytes name, bool *ret_has,
             struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct upload_entries list = {0};
    struct meta_key key;
    enum status st = home_require_commits(former, err);

    if (st != ST_OK) {
        return st;
    }
    meta_key_object(&key, bucket_id, name);
    st = meta_db_get(home_db(former), FAMILY_OBJECT, meta_key_bytes(&key), true, &value, err);
    meta_value_release(&value);
    *ret_has = st == ST_OK;
    if (st == ST_NOT_FOUND) {
        st = upload_entries_read(former, bucket_id, name, 1, &list, err);
        *ret_has = list.count > 0;
        upload_entries_release(&list);
    }
    return st;
}

static enum status
ask_formers(const struct key_homes *homes, uint64_t bucket_id, struct bytes name, bool *ret_has,
            struct error *err)
{
    bool has_any = false;
    enum status st = ST_OK;

    for (size_t i = 0; i < homes->former_count && st == ST_OK; i++) {
        bool has = false;

        st = has_anything(homes->formers[i], bucket_id, name, &has, err);
        has_any = has_any || has;
    }
    *ret_has = has_any;
    return st;
}

enum status
home_move_settle(struct object_store *store, uint64_t bucket_id, struct bytes key,
                 struct home **ret_home, struct home_move_counts *counts, struct error *err)
{
    struct home_move_counts own_counts = {0};
    struct key_homes homes;
    bool has_any = false;
    uint64_t hash;
    enum status st;

    assert_on_worker();
    store_homes_of(store->store, bucket_id, key, &homes);
    *ret_home = homes.home;
    st = ask_formers(&homes, bucket_id, key, &has_any, err);
    if (st != ST_OK || !has_any) {
        return st;
    }
    st = home_require_commits(homes.home, err);
    if (st != ST_OK) {
        return st;
    }
    counts = counts != NULL ? counts : &own_counts;
    hash = hash_bytes(key, bucket_id);
    key_turn_take(store->turns, hash);
    for (size_t i = 0; i < homes.former_count && st == ST_OK; i++) {
        st = move_object(store, homes.formers[i], homes.home, bucket_id, key, counts, err);
        if (st == ST_OK) {
            st = move_uploads(store, homes.formers[i], homes.home, bucket_id, key, counts, err);
        }
    }
    key_turn_give_back(store->turns, hash);
    return st;
}

static enum status
discard_object(struct object_store *store, struct home *from, uint64_t bucket_id, struct bytes name,
               struct error *err)
{
    struct home_move move;
    struct bytes value;
    enum status st = home_require_commits(from, err);

    if (st != ST_OK) {
        return st;
    }
    move_init(&move, store, from, NULL, FAMILY_OBJECT, bucket_id, name);
    meta_key_object(&move.key, bucket_id, name);
    st = get_value(from, FAMILY_OBJECT, &move.key, &move.arena, &value, err);
    if (st == ST_OK) {
        move.seq = seq_of_value(value);
        st = run_commit(&move, from, decide_object_out, err);
    }
    move_release(&move);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status
home_move_discard(struct object_store *store, uint64_t bucket_id, struct bytes key,
                  struct home **ret_home, struct error *err)
{
    struct key_homes homes;
    uint64_t hash = hash_bytes(key, bucket_id);
    enum status st = ST_OK;

    assert_on_worker();
    store_homes_of(store->store, bucket_id, key, &homes);
    *ret_home = homes.home;
    key_turn_take(store->turns, hash);
    for (size_t i = 0; i < homes.former_count && st == ST_OK; i++) {
        st = discard_object(store, homes.formers[i], bucket_id, key, err);
    }
    key_turn_give_back(store->turns, hash);
    return st;
}
