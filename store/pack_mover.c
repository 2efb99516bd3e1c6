/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The referrer of an entry is found by what its header says: the part record of its upload, the
 * object of its key (a completed upload hands the parts' bytes to the object), or a version of it.
 * Inside the commit the record is read again; only the extent that names exactly this entry is
 * replaced.  REFERRERS says of every family whether its records may name entries.
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
    struct meta_key version; /* FAMILY_VERSION: whose record it is; size 0: of none */
    struct pack *pack;       /* reservation of the new bytes */
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

    for (int family = 0; family < FAMILY_COUNT; family++) {
        CHECK(pack_mover_naming((enum family)family) != PACK_NAMING_UNSAID);
    }
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
replace_in_record(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                  enum family family, const struct meta_key *key, struct error *err)
{
    struct object_record record;
    struct buffer encoded = BUFFER_INIT;
    struct bytes value;
    bool is_changed = false;
    enum status st = commit_view_get(view, family, meta_key_bytes(key), &value, err);

    if (st == ST_OK) {
        st = object_record_decode(value, commit_arena(commit), &record, err);
    }
    if (st == ST_OK) {
        st = replace_in_layout(move, commit, view, &record.layout, &is_changed, err);
    }
    if (st == ST_OK && is_changed) {
        object_record_encode(&record, &encoded); /* with its seq: nothing new happened to it */
        commit_put(commit, family, meta_key_bytes(key), buffer_bytes(&encoded));
        buffer_release(&encoded);
    }
    return st;
}

static enum status
replace_in_object(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                  struct error *err)
{
    struct meta_key key;

    meta_key_object(&key, move->entry.bucket_id, bytes_of(move->key, move->entry.key_size));
    return replace_in_record(move, commit, view, FAMILY_OBJECT, &key, err);
}

static enum status
replace_in_version(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                   struct error *err)
{
    return move->version.size == 0
               ? ST_NOT_FOUND
               : replace_in_record(move, commit, view, FAMILY_VERSION, &move->version, err);
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

/* How the records of a family name entries of packs, and what finds the one that names this. */
struct referrer {
    enum pack_naming naming;
    enum status (*replace)(const struct pack_move *move, struct commit *commit,
                           struct commit_view *view, struct error *err);
};

static const struct referrer REFERRERS[] = {
    [FAMILY_OBJECT] = {PACK_NAMING_ENTRIES, replace_in_object},
    [FAMILY_VERSION] = {PACK_NAMING_ENTRIES, replace_in_version},
    [FAMILY_FORMER] = {PACK_NAMING_NOTHING, NULL},
    [FAMILY_LAYOUT] = {PACK_NAMING_FOR_OTHERS, NULL}, /* through the record that has the pages */
    [FAMILY_CHUNK] = {PACK_NAMING_NOTHING, NULL},
    [FAMILY_PACK] = {PACK_NAMING_NOTHING, NULL},
    [FAMILY_UPLOAD] = {PACK_NAMING_ENTRIES, replace_in_part},
    [FAMILY_ATIME] = {PACK_NAMING_NOTHING, NULL},
    [FAMILY_CHANGE] = {PACK_NAMING_NOTHING, NULL},
    [FAMILY_NODE] = {PACK_NAMING_NOTHING, NULL},
};
_Static_assert(ARRAY_COUNT(REFERRERS) == FAMILY_COUNT, "each family says how it names entries");

enum pack_naming
pack_mover_naming(enum family family)
{
    return REFERRERS[family].naming;
}

/* A part before the object that may have taken it over, hence from the last family on. */
static enum status
replace_anywhere(const struct pack_move *move, struct commit *commit, struct commit_view *view,
                 struct error *err)
{
    enum status st = ST_NOT_FOUND;

    for (size_t i = ARRAY_COUNT(REFERRERS); i > 0 && st == ST_NOT_FOUND; i--) {
        if (REFERRERS[i - 1].naming == PACK_NAMING_ENTRIES) {
            st = REFERRERS[i - 1].replace(move, commit, view, err);
        }
    }
    return st;
}

static enum status
decide_move(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct pack_move *move = arg;
    const struct layout from = {.kind = LAYOUT_EXTENTS, .extents = &move->from, .extent_count = 1};
    const struct layout to = {.kind = LAYOUT_EXTENTS, .extents = &move->to, .extent_count = 1};
    enum status st = replace_anywhere(move, commit, view, err);

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

/* ST_NOT_FOUND: neither the object nor the part nor this version names the entry. */
static enum status
probe(struct pack_move *move, struct error *err)
{
    const struct commit_options options = {
        .home = move->mover->home, .decide = decide_move, .arg = move};
    struct commit *commit = commit_create(&options);
    enum status st;

    commit_decide(commit, NULL);
    st = commit->status;
    if (st != ST_OK && st != ST_NOT_FOUND && err != NULL) {
        *err = commit->error;
    }
    commit_destroy(&commit);
    return st;
}

/* One version after the other; the one that names the entry stays in move. */
static enum status
probe_versions(struct pack_move *move, struct error *err)
{
    struct meta_key prefix;
    struct meta_key end;
    struct meta_scan scan = {.family = FAMILY_VERSION, .keep_cache_cold = true};
    struct meta_iterator *iterator;
    enum status st = ST_NOT_FOUND;

    meta_key_versions(&prefix, move->entry.bucket_id, bytes_of(move->key, move->entry.key_size));
    end = prefix;
    CHECK(meta_key_successor(&end));
    scan.lower = meta_key_bytes(&prefix);
    scan.upper = meta_key_bytes(&end);
    iterator = meta_iterator_open(move->mover->home->db, &scan);
    for (; st == ST_NOT_FOUND && meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        CHECK(key.size <= sizeof(move->version.data));
        memcpy(move->version.data, key.data, key.size);
        move->version.size = key.size;
        st = probe(move, err);
    }
    if (st == ST_NOT_FOUND) {
        enum status scanned = meta_iterator_status(iterator, err);

        move->version.size = 0;
        st = scanned == ST_OK ? ST_NOT_FOUND : scanned;
    }
    meta_iterator_close(&iterator);
    return st;
}

/* Does any record name the entry?  Only a look, so that dead bytes are not written again. */
static enum status
is_live(struct pack_move *move, bool *ret_is_live, struct error *err)
{
    enum status st = probe(move, err);

    if (st == ST_NOT_FOUND) {
        st = probe_versions(move, err);
    }
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
    move->version.size = 0;
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
