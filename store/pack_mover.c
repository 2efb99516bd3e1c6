/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The referrer of an entry is found by what its header says: the part record of its upload, or the
 * object of its key (a completed upload hands the parts' bytes to the object).  Inside the commit
 * the record is read again; only the extent that names exactly this entry is replaced.
 */
#include "store/pack_mover.h"

#include "base/check.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/commit_internal.h"
#include "store/home_metrics.h"
#include "store/pack_writer.h"

#include "base/banned.h"

/* Moves under way; each holds a reservation and a commit. */
#define MOVE_MAX 64

struct pack_move {
    struct pack_mover *mover;
    struct pack_entry entry;
    char *key;
    struct extent from;
    struct extent to;
    struct pack *pack; /* reservation of the new bytes */
    struct commit *commit;
};

struct pack_mover {
    struct home *home;
    struct pack_move moves[MOVE_MAX]; /* ring */
    size_t first;
    size_t count;
    uint64_t moved_count;
};

struct pack_mover *
pack_mover_create(struct home *home)
{
    struct pack_mover *mover = xcalloc(1, sizeof(*mover));

    mover->home = home;
    return mover;
}

void
pack_mover_destroy(struct pack_mover **take_mover)
{
    CHECK((*take_mover)->count == 0);
    free(*take_mover);
    *take_mover = NULL;
}

static bool
is_from(const struct pack_move *move, const struct extent *extent)
{
    return extent->kind == EXTENT_PACK && extent->pack_id == move->from.pack_id &&
           extent->offset == move->from.offset &&
           memcmp(&extent->write_id, &move->from.write_id, sizeof(extent->write_id)) == 0;
}

/* A copy of the extents with the moved one replaced; NULL: it is not among them. */
static const struct extent *
replace_extent(const struct pack_move *move, const struct extent *extents, size_t count,
               struct arena *arena)
{
    struct extent *copy = NULL;

    for (size_t i = 0; i < count; i++) {
        if (is_from(move, &extents[i])) {
            copy = arena_calloc(arena, count, sizeof(*copy));
            memcpy(copy, extents, count * sizeof(*copy));
            copy[i] = move->to;
            break;
        }
    }
    return copy;
}

/* In the pages of a layout; ST_NOT_FOUND: none of them names the entry. */
static enum status
replace_in_pages(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                 const struct layout *layout, struct error *err)
{
    uint64_t offset = 0;

    for (uint64_t page = 0; page < layout->page_count; page++) {
        const struct extent *extents;
        const struct extent *replaced;
        struct bytes value;
        struct meta_key key;
        size_t count;
        enum status st;

        meta_key_extent_page(&key, layout->write_id, offset);
        st = commit_view_get(view, FAMILY_LAYOUT, meta_key_bytes(&key), &value, err);
        if (st == ST_OK) {
            st = extent_page_decode(value, commit_arena(commit), &extents, &count, err);
        }
        if (st != ST_OK) {
            return st;
        }
        replaced = replace_extent(move, extents, count, commit_arena(commit));
        if (replaced != NULL) {
            struct buffer encoded = BUFFER_INIT;

            extent_page_encode(replaced, count, &encoded);
            commit_put(commit, FAMILY_LAYOUT, meta_key_bytes(&key), buffer_bytes(&encoded));
            buffer_release(&encoded);
            return ST_OK;
        }
        for (size_t i = 0; i < count; i++) {
            offset += extents[i].length;
        }
    }
    return ST_NOT_FOUND;
}

/* ST_NOT_FOUND: the layout does not name the entry; *ret_is_changed: the record must be put. */
static enum status
replace_in_layout(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                  struct layout *layout, bool *ret_is_changed, struct error *err)
{
    const struct extent *replaced;

    *ret_is_changed = false;
    if (layout->kind == LAYOUT_PAGES) {
        return replace_in_pages(move, commit, view, layout, err);
    }
    if (layout->kind != LAYOUT_EXTENTS) {
        return ST_NOT_FOUND;
    }
    replaced = replace_extent(move, layout->extents, layout->extent_count, commit_arena(commit));
    if (replaced == NULL) {
        return ST_NOT_FOUND;
    }
    layout->extents = replaced;
    *ret_is_changed = true;
    return ST_OK;
}

static enum status
replace_in_object(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                  struct error *err)
{
    struct object_record record;
    struct buffer encoded = BUFFER_INIT;
    struct bytes value;
    struct meta_key key;
    bool is_changed = false;
    enum status st;

    meta_key_object(&key, move->entry.bucket_id, bytes_of(move->key, move->entry.key_size));
    st = commit_view_get(view, FAMILY_OBJECT, meta_key_bytes(&key), &value, err);
    if (st == ST_OK) {
        st = object_record_decode(value, commit_arena(commit), &record, err);
    }
    if (st == ST_OK) {
        st = replace_in_layout(move, commit, view, &record.layout, &is_changed, err);
    }
    if (st == ST_OK && is_changed) {
        object_record_encode(&record, &encoded); /* with its seq: nothing new happened to it */
        commit_put(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&encoded));
        buffer_release(&encoded);
    }
    return st;
}

static enum status
replace_in_part(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                struct error *err)
{
    struct part_record record;
    struct buffer encoded = BUFFER_INIT;
    struct bytes value;
    struct meta_key key;
    bool is_changed = false;
    enum status st;

    if (move->entry.part_number == 0) {
        return ST_NOT_FOUND;
    }
    meta_key_part(&key, move->entry.bucket_id, bytes_of(move->key, move->entry.key_size),
                  move->entry.upload, move->entry.part_number);
    st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&key), &value, err);
    if (st == ST_OK) {
        st = part_record_decode(value, commit_arena(commit), &record, err);
    }
    if (st == ST_OK) {
        st = replace_in_layout(move, commit, view, &record.layout, &is_changed, err);
    }
    if (st == ST_OK && is_changed) {
        part_record_encode(&record, &encoded);
        commit_put(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&encoded));
        buffer_release(&encoded);
    }
    return st;
}

static enum status
decide_move(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct pack_move *move = arg;
    const struct layout from = {.kind = LAYOUT_EXTENTS, .extents = &move->from, .extent_count = 1};
    const struct layout to = {.kind = LAYOUT_EXTENTS, .extents = &move->to, .extent_count = 1};
    enum status st = replace_in_part(move, commit, view, err);

    if (st == ST_NOT_FOUND) {
        st = replace_in_object(move, commit, view, err);
    }
    if (st == ST_OK) {
        st = commit_drop_layout(commit, view, &from, err);
    }
    return st == ST_OK ? commit_name_layout(commit, view, &to, false, err) : st;
}

static enum status
finish_first(struct pack_mover *mover, struct error *err)
{
    struct pack_move *move = &mover->moves[mover->first];
    enum status st = commit_wait(move->commit, err);

    home_count(mover->home, HOME_PACK_MOVED_BYTES, st == ST_OK ? move->to.length : 0);
    commit_destroy(&move->commit);
    pack_release_reservation(move->pack);
    free(move->key);
    memset(move, 0, sizeof(*move));
    mover->first = (mover->first + 1) % MOVE_MAX;
    mover->count--;
    mover->moved_count += st == ST_OK;
    return st == ST_NOT_FOUND ? ST_OK : st; /* it died meanwhile */
}

/* Does any record name the entry?  Only a look, so that dead bytes are not written again. */
static enum status
is_live(struct pack_move *move, bool *ret_is_live, struct error *err)
{
    const struct commit_options options = {
        .home = move->mover->home, .decide = decide_move, .arg = move};
    struct commit *probe = commit_create(&options);
    enum status st;

    commit_decide(probe, NULL);
    st = probe->status;
    if (st != ST_OK && st != ST_NOT_FOUND && err != NULL) {
        *err = probe->error;
    }
    commit_destroy(&probe);
    *ret_is_live = st == ST_OK;
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status
start_move(struct pack_mover *mover, struct pack_move *move, struct bytes data, struct error *err)
{
    struct pack_writer_options options = {
        .home = mover->home,
        .bucket_id = move->entry.bucket_id,
        .key = bytes_of(move->key, move->entry.key_size),
        .upload = &move->entry.upload,
        .part_number = move->entry.part_number,
    };
    const struct commit_options commit = {.home = mover->home, .decide = decide_move, .arg = move};
    enum status st;

    entropy_fill(options.write_id.bytes, sizeof(options.write_id.bytes));
    st = pack_write(&options, data, &move->pack, &move->to, err);
    if (st != ST_OK) {
        return st;
    }
    move->commit = commit_create(&commit);
    commit_submit(move->commit);
    mover->count++;
    return ST_OK;
}

enum status
pack_mover_move(struct pack_mover *mover, const struct pack_entry *entry, uint64_t offset,
                struct bytes data, struct bytes key, struct error *err)
{
    struct pack_move *move;
    bool is_wanted = false;
    enum status st = ST_OK;

    if (mover->count == MOVE_MAX) {
        st = finish_first(mover, err);
    }
    if (st != ST_OK) {
        return st;
    }
    move = &mover->moves[(mover->first + mover->count) % MOVE_MAX];
    move->mover = mover;
    move->entry = *entry;
    move->key = xmemdup(key.data, key.size > 0 ? key.size : 1);
    move->from = (struct extent){.kind = EXTENT_PACK,
                                 .length = entry->data_size,
                                 .write_id = entry->write_id,
                                 .pack_id = entry->pack_id,
                                 .offset = offset};
    move->to = move->from; /* until it is written */
    st = is_live(move, &is_wanted, err);
    if (st == ST_OK && is_wanted) {
        st = start_move(mover, move, data, err);
    } else {
        is_wanted = false;
    }
    if (!is_wanted || st != ST_OK) {
        free(move->key);
        move->key = NULL;
    }
    return st;
}

enum status
pack_mover_drain(struct pack_mover *mover, struct error *err)
{
    enum status result = ST_OK;

    while (mover->count > 0) {
        enum status st = finish_first(mover, result == ST_OK ? err : NULL);

        result = result == ST_OK ? st : result;
    }
    return result;
}

uint64_t
pack_mover_moved_count(const struct pack_mover *mover)
{
    return mover->moved_count;
}
