/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_remove.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/home_move.h"
#include "object/object_internal.h"
#include "object/ownership.h"
#include "object/upload_current.h"

#include "base/banned.h"

/* Parts that one commit removes: some 80 pages and chunk counts each at worst. */
#define REMOVE_PART_COUNT 64

struct marking {
    const struct upload_ref *upload;
    bool is_forced; /* also while it is on its way between targets */
    enum durability durability;
    const atomic_bool *is_refused;
    upload_admit_fn *admit; /* NULL: always */
    const void *admit_arg;
};

static enum status
decide_mark_aborted(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct marking *marking = arg;
    const struct upload_ref *upload = marking->upload;
    struct buffer encoded = BUFFER_INIT;
    struct upload_record record;
    struct meta_key key;
    struct bytes value;
    enum status st = upload_current_get(commit, view, upload->bucket_id, upload->key, upload->id,
                                        &record, &value, err);

    if (st == ST_OK && !marking->is_forced) {
        st = upload_check_open(&record, err);
    }
    if (st != ST_OK) {
        return st;
    }
    record.state = UPLOAD_ABORTED;
    upload_record_encode(&record, &encoded);
    meta_key_upload(&key, upload->bucket_id, upload->key, upload->id);
    commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&encoded));
    buffer_release(&encoded);
    return ST_OK;
}

static enum status
mark_aborted(const struct marking *marking, struct error *err)
{
    struct seq seq;

    return commit_run(&(struct commit_options){.home = marking->upload->home,
                                               .durability = marking->durability,
                                               .decide = decide_mark_aborted,
                                               .arg = (void *)marking,
                                               .is_refused = marking->is_refused,
                                               .admit = marking->admit,
                                               .admit_arg = marking->admit_arg},
                      &seq, err);
}

enum status
upload_mark_aborted(const struct upload_ref *upload, enum durability durability,
                    const atomic_bool *is_refused, struct error *err)
{
    struct marking marking = {.upload = upload, .durability = durability, .is_refused = is_refused};

    return mark_aborted(&marking, err);
}

bool
upload_record_stays(const struct object_store *store)
{
    struct cluster_map *map = store->ownership != NULL ? ownership_map(store->ownership) : NULL;
    bool stays = map != NULL && map->is_placing;

    cluster_map_unref(map);
    return stays;
}

struct removal {
    const struct upload_ref *upload;
    uint32_t numbers[REMOVE_PART_COUNT];
    size_t count;
    bool is_record_removed;
    bool is_note_removed;   /* also the record of a completion, which answers a repeated one */
    upload_admit_fn *admit; /* NULL: always */
    const void *admit_arg;
};

static enum status
part_remove(struct commit *commit, struct commit_view *view, const struct upload_ref *upload,
            uint32_t number, struct error *err)
{
    struct part_record part;
    struct meta_key key;
    struct bytes value;
    enum status st;

    meta_key_part(&key, upload->bucket_id, upload->key, upload->id, number);
    st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&key), &value, err);
    if (st == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (st == ST_OK) {
        st = part_record_decode(value, commit_arena(commit), &part, err);
    }
    if (st == ST_OK) {
        st = commit_drop_layout(commit, view, &part.layout, err);
    }
    if (st == ST_OK) {
        commit_delete(commit, FAMILY_UPLOAD, meta_key_bytes(&key));
    }
    return st;
}

static enum status
decide_removal(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct removal *removal = arg;
    const struct upload_ref *upload = removal->upload;
    struct upload_record record;
    struct bytes value;
    enum status st = upload_current_get(commit, view, upload->bucket_id, upload->key, upload->id,
                                        &record, &value, err);

    if (st == ST_NO_SUCH_UPLOAD) {
        return ST_OK; /* done by someone else */
    }
    if (st == ST_OK && (record.state == UPLOAD_OPEN || record.state == UPLOAD_LEAVING ||
                        record.state == UPLOAD_ARRIVING)) {
        st = fail(err, ST_CONFLICT, "the upload is open, or on its way");
    }
    for (size_t i = 0; i < removal->count && st == ST_OK; i++) {
        st = part_remove(commit, view, upload, removal->numbers[i], err);
    }
    if (st == ST_OK && removal->is_record_removed &&
        (record.state != UPLOAD_COMPLETED || removal->is_note_removed)) {
        struct meta_key key;

        meta_key_upload(&key, upload->bucket_id, upload->key, upload->id);
        commit_delete(commit, FAMILY_UPLOAD, meta_key_bytes(&key));
    }
    return st;
}

/* The next parts that are there, and whether there are more. */
static enum status
removal_find(struct removal *removal, bool *ret_has_more, struct error *err)
{
    const struct upload_ref *upload = removal->upload;
    struct meta_iterator *iterator;
    struct meta_key lower;
    struct meta_key upper;
    enum status st = ST_OK;

    meta_key_part(&lower, upload->bucket_id, upload->key, upload->id, 1);
    meta_key_part(&upper, upload->bucket_id, upload->key, upload->id, UINT32_MAX);
    iterator = meta_iterator_open(home_db(upload->home), &(struct meta_scan){
                                                             .family = FAMILY_UPLOAD,
                                                             .lower = meta_key_bytes(&lower),
                                                             .upper = meta_key_bytes(&upper),
                                                         });
    removal->count = 0;
    meta_iterator_seek(iterator, meta_key_bytes(&lower));
    while (meta_iterator_is_valid(iterator) && removal->count < REMOVE_PART_COUNT && st == ST_OK) {
        uint64_t bucket_id;
        struct bytes name;
        struct upload_id id;

        st = meta_key_parse_upload(meta_iterator_key(iterator), &bucket_id, &name, &id,
                                   &removal->numbers[removal->count]);
        if (st != ST_OK) {
            st = fail(err, ST_CORRUPT, "the key of a part is malformed");
        }
        removal->count++;
        meta_iterator_next(iterator);
    }
    *ret_has_more = meta_iterator_is_valid(iterator);
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}

/* upload, is_note_removed and admit are the caller's. */
static enum status
remove_upload(struct removal *removal, enum durability durability, bool is_record_removed,
              struct error *err)
{
    bool has_more = true;
    enum status st = ST_OK;

    while (has_more && st == ST_OK) {
        struct seq seq;

        st = removal_find(removal, &has_more, err);
        if (st != ST_OK || (removal->count == 0 && !is_record_removed)) {
            break;
        }
        removal->is_record_removed = is_record_removed && !has_more;
        st = commit_run(&(struct commit_options){.home = removal->upload->home,
                                                 .durability = durability,
                                                 .decide = decide_removal,
                                                 .arg = removal,
                                                 .admit = removal->admit,
                                                 .admit_arg = removal->admit_arg},
                        &seq, err);
    }
    return st;
}

/* A note may have come from another target since the caller decided. */
enum status
upload_remove(const struct upload_ref *upload, enum durability durability, bool is_record_removed,
              struct error *err)
{
    struct removal removal = {.upload = upload};

    return remove_upload(&removal, durability, is_record_removed, err);
}

/* A walk over the uploads of one home; views in the cursor live until the next step. */
struct upload_walk {
    struct home *home;
    struct meta_key at; /* the next upload is the first at or behind it */
    struct meta_key end;
    struct meta_key found;
    struct upload_ref upload;
    struct arena arena;
    struct upload_record record;
};

static void
walk_begin(struct upload_walk *walk, struct home *home, uint64_t first_bucket, uint64_t end_bucket)
{
    *walk = (struct upload_walk){.home = home};
    meta_key_object(&walk->at, first_bucket, BYTES_NONE);
    meta_key_object(&walk->end, end_bucket, BYTES_NONE);
}

/* Parts whose upload has no record cannot happen, and are left to fsck. */
static enum status
walk_take(struct upload_walk *walk, struct meta_iterator *iterator, bool *ret_is_upload,
          struct error *err)
{
    struct bytes key = meta_iterator_key(iterator);
    uint32_t number;

    memcpy(walk->found.data, key.data, key.size);
    walk->found.size = key.size;
    walk->upload.home = walk->home;
    if (meta_key_parse_upload(meta_key_bytes(&walk->found), &walk->upload.bucket_id,
                              &walk->upload.key, &walk->upload.id, &number) != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of an upload is malformed");
    }
    walk->at = walk->found;
    *ret_is_upload = number == 0;
    if (number == 0) {
        struct bytes value;

        arena_release(&walk->arena);
        value = arena_copy(&walk->arena, meta_iterator_value(iterator));
        CHECK(meta_key_successor(&walk->at));
        return upload_record_decode(value, &walk->arena, &walk->record, err);
    }
    meta_key_upload(&walk->at, walk->upload.bucket_id, walk->upload.key, walk->upload.id);
    CHECK(meta_key_successor(&walk->at));
    return ST_OK;
}

/* *ret_found false: the end. */
static enum status
walk_next(struct upload_walk *walk, bool *ret_found, struct error *err)
{
    struct meta_iterator *iterator =
        meta_iterator_open(home_db(walk->home), &(struct meta_scan){
                                                    .family = FAMILY_UPLOAD,
                                                    .lower = meta_key_bytes(&walk->at),
                                                    .upper = meta_key_bytes(&walk->end),
                                                    .keep_cache_cold = true,
                                                });
    enum status st = ST_OK;

    *ret_found = false;
    meta_iterator_seek(iterator, meta_key_bytes(&walk->at));
    while (st == ST_OK && !*ret_found && meta_iterator_is_valid(iterator)) {
        st = walk_take(walk, iterator, ret_found, err);
        if (st == ST_OK && !*ret_found) {
            meta_iterator_seek(iterator, meta_key_bytes(&walk->at));
        }
    }
    if (st == ST_OK && !*ret_found) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}

static bool
walk_open(struct upload_walk *walk, struct home *home, uint64_t first_bucket, uint64_t end_bucket)
{
    if (!home_is_holder(home) || !home_hold(home)) {
        return false;
    }
    walk_begin(walk, home, first_bucket, end_bucket);
    return true;
}

static void
walk_close(struct upload_walk *walk)
{
    arena_release(&walk->arena);
    home_unhold(walk->home);
}

/* Abort it if it is open, and remove all of it, at the key's home. */
static enum status
walk_remove(struct upload_walk *walk, struct object_store *store, upload_admit_fn *admit,
            const void *admit_arg, struct error *err)
{
    struct upload_ref *upload = &walk->upload;
    struct marking marking = {.upload = upload,
                              .is_forced = true,
                              .durability = DURABILITY_STRICT,
                              .admit = admit,
                              .admit_arg = admit_arg};
    struct removal removal = {
        .upload = upload, .is_note_removed = true, .admit = admit, .admit_arg = admit_arg};
    enum status st;

    store_enter(store->store);
    st = home_move_settle(store, upload->bucket_id, upload->key, &upload->home, NULL, err);
    if (st == ST_OK && walk->record.state != UPLOAD_COMPLETED) {
        st = mark_aborted(&marking, err);
        st = st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
    }
    if (st == ST_OK) {
        st = remove_upload(&removal, DURABILITY_STRICT, true, err);
    }
    store_leave(store->store);
    return st;
}

/* Counts what it has found. */
static enum status
remove_of_home(struct object_store *store, struct upload_walk *walk, upload_admit_fn *admit,
               const void *admit_arg, size_t *found_count, struct error *err)
{
    bool found = true;
    enum status st = ST_OK;

    while (st == ST_OK && found) {
        st = walk_next(walk, &found, err);
        if (st == ST_OK && found) {
            (*found_count)++;
            st = walk_remove(walk, store, admit, admit_arg, err);
        }
    }
    return st;
}

static enum status
remove_all_once(struct object_store *store, uint64_t bucket_id, upload_admit_fn *admit,
                const void *admit_arg, size_t *found_count, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < store_home_count(store->store) && st == ST_OK; i++) {
        struct upload_walk walk;

        if (walk_open(&walk, store_home_at(store->store, i), bucket_id, bucket_id + 1)) {
            st = remove_of_home(store, &walk, admit, admit_arg, found_count, err);
            walk_close(&walk);
        }
    }
    return st;
}

enum status
upload_remove_all(struct object_store *store, uint64_t bucket_id, upload_admit_fn *admit,
                  const void *admit_arg, struct error *err)
{
    uint64_t generation = 0;
    size_t empty_count = 0;
    enum status st = ST_OK;

    /* What moves between homes can be passed by a walk over them once under a generation. */
    while (st == ST_OK && empty_count < (store_is_unfinished(store->store) ? 2 : 1)) {
        size_t found_count = 0;

        if (generation != store_generation(store->store)) {
            generation = store_generation(store->store);
            empty_count = 0;
        }
        st = remove_all_once(store, bucket_id, admit, admit_arg, &found_count, err);
        empty_count = found_count > 0 ? 0 : empty_count + 1;
    }
    return st;
}

/* What was sent here and was not handed over: the source has gone on with it, or sends it again. */
static enum status
decide_drop_arrival(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct upload_ref *upload = arg;
    struct buffer encoded = BUFFER_INIT;
    struct upload_record record;
    struct meta_key key;
    struct bytes value;
    enum status st = upload_current_get(commit, view, upload->bucket_id, upload->key, upload->id,
                                        &record, &value, err);

    if (st != ST_OK || record.state != UPLOAD_ARRIVING) {
        return st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
    }
    record.state = UPLOAD_MOVED;
    upload_record_encode(&record, &encoded);
    meta_key_upload(&key, upload->bucket_id, upload->key, upload->id);
    commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&encoded));
    buffer_release(&encoded);
    return ST_OK;
}

static enum status
drop_arrival(struct upload_ref *upload, struct error *err)
{
    return commit_run(&(struct commit_options){.home = upload->home,
                                               .durability = DURABILITY_STRICT,
                                               .decide = decide_drop_arrival,
                                               .arg = upload},
                      NULL, err);
}

static enum status
walk_clean(struct upload_walk *walk, struct object_store *store, int64_t keep_s,
           uint64_t *removed_count, struct error *err)
{
    int64_t age_ns = clock_wall_ns() - walk->record.completed_ns;
    bool is_ended = walk->record.state == UPLOAD_COMPLETED;
    bool is_old = is_ended ? age_ns >= keep_s * CLOCK_NS_PER_S : !upload_record_stays(store);
    struct upload_ref *upload = &walk->upload;
    struct removal removal = {.upload = upload};
    enum status st;

    if (walk->record.state == UPLOAD_OPEN || walk->record.state == UPLOAD_LEAVING ||
        (walk->record.state == UPLOAD_ARRIVING && !is_old)) {
        return ST_OK;
    }
    store_enter(store->store);
    st = home_move_settle(store, upload->bucket_id, upload->key, &upload->home, NULL, err);
    if (st == ST_OK && walk->record.state == UPLOAD_ARRIVING) {
        st = drop_arrival(upload, err);
    }
    if (st == ST_OK) {
        removal.is_note_removed = is_old && is_ended;
        st = remove_upload(&removal, DURABILITY_STRICT, is_old, err);
    }
    store_leave(store->store);
    *removed_count += st == ST_OK && is_old;
    return st;
}

enum status
upload_remove_leftovers(struct object_store *store, int64_t keep_s, const atomic_bool *is_cancelled,
                        uint64_t *ret_removed_count, struct error *err)
{
    uint64_t removed_count = 0;
    enum status st = ST_OK;

    for (size_t i = 0; i < store_home_count(store->store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store->store, i);
        struct upload_walk walk;
        bool found = true;

        if (home_state(home) != HOME_PRESENT || !walk_open(&walk, home, 0, UINT64_MAX)) {
            continue;
        }
        while (st == ST_OK && found && (is_cancelled == NULL || !atomic_load(is_cancelled))) {
            st = walk_next(&walk, &found, err);
            if (st == ST_OK && found) {
                st = walk_clean(&walk, store, keep_s, &removed_count, err);
            }
        }
        walk_close(&walk);
    }
    if (st == ST_OK) {
        *ret_removed_count = removed_count;
    }
    return st;
}
