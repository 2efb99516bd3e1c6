/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record:  bytes ready at the home -> its commit (only where nothing of an equal or greater seq
 *              is) -> scans that began before are over with opening -> removed at the former home
 * Its mark of a placement between targets (FAMILY_FORMER) is in the same two commits, as it is, or
 * goes alone where a tombstone or a key that moved on has no record.
 * An upload:   its record and all parts in this way, then removed, the record first: where a former
 *              home has parts without their record, all of them are at the home.
 * Every step is synced before the next one, and can be repeated after a stop at any point.
 */
#include "object/home_move_internal.h"

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
#include "object/upload_entries.h"

#include "base/banned.h"

static struct placement_holding
holding_of(const struct seq *seq)
{
    return (struct placement_holding){.has_record = seq != NULL,
                                      .record_seq = seq != NULL ? *seq : (struct seq){0, 0}};
}

struct seq
home_move_seq_of(struct bytes value)
{
    return (struct seq){decode_u64_be(value.data + RECORD_SEQ_OFFSET),
                        decode_u64_be(value.data + RECORD_SEQ_OFFSET + 8)};
}

/* Does it go in, where own (NULL: nothing) stands? */
bool
home_move_accepts(struct home_move *move, const struct seq *own)
{
    struct placement_holding holding = holding_of(own);

    move->is_there = !placement_accepts_move_in(&holding, move->seq);
    return !move->is_there;
}

/* What a home has of the key: the last word's seq of record and mark.  False: nothing. */
static bool
last_seq(const struct seq *record_seq, struct bytes mark, struct seq *ret_seq)
{
    struct seq seq = {0, 0};

    if (record_seq != NULL) {
        seq = *record_seq;
    }
    if (mark.size != 0 && seq_compare(home_move_seq_of(mark), seq) > 0) {
        seq = home_move_seq_of(mark);
    }
    *ret_seq = seq;
    return record_seq != NULL || mark.size != 0;
}

/* Inside decide: record and mark of the home. */
static enum status
get_own(struct home_move *move, struct commit *commit, struct commit_view *view,
        const struct object_record **ret_record, struct bytes *ret_mark, struct error *err)
{
    enum status st = object_current_get(commit, view, &move->key, ret_record, err);

    if (st == ST_OK) {
        st = commit_view_get(view, FAMILY_FORMER, meta_key_bytes(&move->key), ret_mark, err);
    }
    if (st == ST_NOT_FOUND) {
        *ret_mark = BYTES_NONE;
        return ST_OK;
    }
    if (st == ST_OK && ret_mark->size < RECORD_SEQ_OFFSET + 16) {
        st = fail(err, ST_CORRUPT, "a mark is too short");
    }
    return st;
}

static enum status
decide_object_in(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct home_move *move = arg;
    const struct object_record *own;
    struct bytes mark;
    struct seq seq;
    enum status st = get_own(move, commit, view, &own, &mark, err);

    if (st != ST_OK ||
        !home_move_accepts(move,
                           last_seq(own != NULL ? &own->seq : NULL, mark, &seq) ? &seq : NULL)) {
        return st;
    }
    if (move->has_object) {
        st = rehome_put(&move->rehome, commit, view, err);
    }
    if (st == ST_OK && own != NULL) {
        st = object_current_drop(commit, view, own, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (move->entry_count > 0) {
        part_table_put(commit, move->object.layout.write_id, move->entries, move->entry_count);
    }
    if (move->has_object) {
        commit_put(commit, FAMILY_OBJECT, meta_key_bytes(&move->key), buffer_bytes(&move->encoded));
    } else if (own != NULL) {
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&move->key));
    }
    if (move->mark.size != 0) {
        commit_put(commit, FAMILY_FORMER, meta_key_bytes(&move->key), move->mark);
    } else if (mark.size != 0) {
        commit_delete(commit, FAMILY_FORMER, meta_key_bytes(&move->key));
    }
    object_current_count(commit, move->bucket_id, own, move->has_object ? &move->object : NULL);
    return ST_OK;
}

static enum status
decide_object_out(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct home_move *move = arg;
    const struct object_record *own;
    struct bytes mark;
    struct seq seq;
    enum status st = get_own(move, commit, view, &own, &mark, err);

    if (st != ST_OK || !last_seq(own != NULL ? &own->seq : NULL, mark, &seq)) {
        return st;
    }
    if (seq_compare(seq, move->seq) > 0) {
        return fail(err, ST_INTERNAL, "a former home took a write after it lost the key");
    }
    if (mark.size != 0) {
        commit_delete(commit, FAMILY_FORMER, meta_key_bytes(&move->key));
    }
    if (own == NULL) {
        return ST_OK;
    }
    st = object_current_drop(commit, view, own, err);
    if (st == ST_OK) {
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&move->key));
        object_current_count(commit, move->bucket_id, own, NULL);
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
enum status
home_move_publish(struct home_move *move, commit_decide_fn *decide, struct error *err)
{
    enum status st = run_commit(move, move->to, decide, err);
    bool is_kept = object_commit_is_doubtful(st) || (st == ST_OK && !move->is_there);

    rehome_release(&move->rehome, is_kept);
    return st;
}

enum status
home_move_get(struct home *home, enum family family, const struct meta_key *key,
              struct arena *arena, struct bytes *ret_value, struct error *err)
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

/* An empty value: there is none. */
static enum status
find_value(struct home *home, enum family family, const struct meta_key *key, struct arena *arena,
           struct bytes *ret_value, struct error *err)
{
    enum status st = home_move_get(home, family, key, arena, ret_value, err);

    if (st == ST_NOT_FOUND) {
        *ret_value = BYTES_NONE;
        st = ST_OK;
    }
    return st;
}

/* Is what move->from has there at the home already?  Then nothing is built. */
enum status
home_move_look(struct home_move *move, struct error *err)
{
    struct bytes value = BYTES_NONE;
    struct bytes mark = BYTES_NONE;
    struct seq seq = {0, 0};
    enum status st = find_value(move->to, move->family, &move->key, &move->arena, &value, err);

    if (st == ST_OK && move->family == FAMILY_OBJECT) {
        st = find_value(move->to, FAMILY_FORMER, &move->key, &move->arena, &mark, err);
    }
    if (st == ST_OK) {
        if (value.size != 0) {
            seq = home_move_seq_of(value);
        }
        (void)home_move_accepts(move,
                                last_seq(value.size != 0 ? &seq : NULL, mark, &seq) ? &seq : NULL);
    }
    return st;
}

enum status
home_move_build(struct home_move *move, struct layout *layout, const struct upload_id *upload,
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

    if (st == ST_OK && !move->has_object) {
        FAULT_KILL("move_before_mark");
        return home_move_publish(move, decide_object_in, err);
    }
    if (st == ST_OK && record->part_count > 0) {
        st = part_table_read(move->from, id, 0, PART_NUMBER_MAX, &move->arena, &move->entries,
                             &move->entry_count, &is_truncated, err);
    }
    if (st == ST_OK) {
        st = home_move_build(move, &record->layout, NULL, 0, counts, err);
    }
    if (st != ST_OK) {
        return st;
    }
    object_record_encode(record, &move->encoded); /* with its seq */
    FAULT_KILL("move_before_publish");
    return home_move_publish(move, decide_object_in, err);
}

/* Nobody who scans may have opened the home before the commit and opens the former one after the
 * removal. */
enum status
home_move_leave(struct home_move *move, commit_decide_fn *decide, struct error *err)
{
    FAULT_KILL("move_before_removal");
    store_pass_scans(move->store->store);
    return run_commit(move, move->from, decide, err);
}

void
home_move_init(struct home_move *move, struct object_store *store, struct home *from,
               struct home *to, enum family family, uint64_t bucket_id, struct bytes name)
{
    memset(move, 0, sizeof(*move));
    move->store = store;
    move->from = from;
    move->to = to;
    move->family = family;
    move->bucket_id = bucket_id;
    move->name = name;
}

void
home_move_release(struct home_move *move)
{
    buffer_release(&move->encoded);
    arena_release(&move->arena);
}

/* Record and mark at move->from, and the seq of the last word. */
static enum status
read_object(struct home_move *move, struct error *err)
{
    struct bytes value;
    enum status st = find_value(move->from, FAMILY_OBJECT, &move->key, &move->arena, &value, err);

    if (st == ST_OK) {
        st = find_value(move->from, FAMILY_FORMER, &move->key, &move->arena, &move->mark, err);
    }
    move->has_object = st == ST_OK && value.size != 0;
    if (move->has_object) {
        st = object_record_decode(value, &move->arena, &move->object, err);
    }
    if (st == ST_OK) {
        (void)last_seq(move->has_object ? &move->object.seq : NULL, move->mark, &move->seq);
    }
    return st;
}

static enum status
move_object(struct object_store *store, struct home *from, struct home *to, uint64_t bucket_id,
            struct bytes name, struct home_move_counts *counts, struct error *err)
{
    struct home_pin pin = home_pin(from); /* before the record is read */
    struct home_move move;
    enum status st;

    home_move_init(&move, store, from, to, FAMILY_OBJECT, bucket_id, name);
    meta_key_object(&move.key, bucket_id, name);
    st = read_object(&move, err);
    if (st != ST_OK || (!move.has_object && move.mark.size == 0)) {
        goto out;
    }
    st = home_move_look(&move, err);
    if (st == ST_OK && !move.is_there) {
        st = publish_object(&move, counts, err);
    }
    if (st == ST_OK) {
        counts->object_count += move.has_object;
        counts->byte_count += move.object.stored_size;
        st = home_move_leave(&move, decide_object_out, err);
    }
out:
    home_unpin(&pin);
    home_move_release(&move);
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
    if (st == ST_NOT_FOUND) {
        st = meta_db_get(home_db(former), FAMILY_FORMER, meta_key_bytes(&key), true, &value, err);
        meta_value_release(&value);
    }
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
            st =
                home_move_uploads(store, homes.formers[i], homes.home, bucket_id, key, counts, err);
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
    enum status st = home_require_commits(from, err);

    if (st != ST_OK) {
        return st;
    }
    home_move_init(&move, store, from, NULL, FAMILY_OBJECT, bucket_id, name);
    meta_key_object(&move.key, bucket_id, name);
    st = read_object(&move, err);
    if (st == ST_OK) {
        st = run_commit(&move, from, decide_object_out, err);
    }
    home_move_release(&move);
    return st;
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
