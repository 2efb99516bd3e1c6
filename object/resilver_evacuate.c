/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record at a time: each chunk file on a mountpath that takes nothing new is copied to one that
 * does, and in one commit the record (or its page) names the copy instead.  The seq of an object
 * stays: nothing new happened to it.  That of an open upload changes, so that a completion that has
 * read its parts reads them again.
 */
#include "base/check.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/rehome.h"
#include "object/resilver_internal.h"
#include "object/upload_current.h"
#include "store/mountpath_drain.h"

#include "base/banned.h"

/* As deep as pages of extents are nested: those of an object, those of its parts. */
#define PAGE_DEPTH_MAX 2

struct evacuation {
    struct resilver *resilver;
    struct home *home;
    enum family family;
    struct bytes key;
    uint64_t bucket_id;
    struct bytes name;
    struct upload_id upload;
    uint32_t part_number;
    struct arena arena;
    struct layout layout; /* as it was read */
    struct extent from;
    struct extent to;
    struct layout written; /* to, as a layout */
};

static bool
is_from(const struct evacuation *evacuation, const struct extent *extent)
{
    return extent->kind == EXTENT_CHUNK &&
           memcmp(&extent->chunk_id, &evacuation->from.chunk_id, CHUNK_ID_BYTES) == 0;
}

/* A copy with the extent replaced; NULL: it is not among them. */
static const struct extent *
replace_extent(const struct evacuation *evacuation, const struct extent *extents, size_t count,
               struct arena *arena)
{
    struct extent *copy = NULL;

    for (size_t i = 0; i < count && copy == NULL; i++) {
        if (is_from(evacuation, &extents[i])) {
            copy = arena_calloc(arena, count, sizeof(*copy));
            memcpy(copy, extents, count * sizeof(*copy));
            copy[i] = evacuation->to;
        }
    }
    return copy;
}

static enum status replace_in_pages(const struct evacuation *evacuation, struct commit *commit,
                                    struct commit_view *view, struct write_id id,
                                    uint64_t page_count, uint64_t length, int depth,
                                    struct error *err);

/* ST_NOT_FOUND: not below this page. */
static enum status
replace_in_page(const struct evacuation *evacuation, struct commit *commit,
                struct commit_view *view, const struct meta_key *key, int depth, uint64_t *offset,
                struct error *err)
{
    const struct extent *extents;
    const struct extent *replaced;
    struct bytes value;
    size_t count;
    enum status st = commit_view_get(view, FAMILY_LAYOUT, meta_key_bytes(key), &value, err);

    if (st == ST_OK) {
        st = extent_page_decode(value, commit_arena(commit), &extents, &count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    replaced = replace_extent(evacuation, extents, count, commit_arena(commit));
    if (replaced != NULL) {
        struct buffer encoded = BUFFER_INIT;

        extent_page_encode(replaced, count, &encoded);
        commit_put(commit, FAMILY_LAYOUT, meta_key_bytes(key), buffer_bytes(&encoded));
        buffer_release(&encoded);
        return ST_OK;
    }
    st = ST_NOT_FOUND;
    for (size_t i = 0; i < count && st == ST_NOT_FOUND; i++) {
        *offset += extents[i].length;
        if (extents[i].kind == EXTENT_INDIRECT && depth < PAGE_DEPTH_MAX) {
            st = replace_in_pages(evacuation, commit, view, extents[i].write_id, UINT64_MAX,
                                  extents[i].length, depth + 1, err);
        }
    }
    return st;
}

static enum status
replace_in_pages(const struct evacuation *evacuation, struct commit *commit,
                 struct commit_view *view, struct write_id id, uint64_t page_count, uint64_t length,
                 int depth, struct error *err)
{
    uint64_t offset = 0;
    enum status st = ST_NOT_FOUND;

    for (uint64_t page = 0; page < page_count && offset < length && st == ST_NOT_FOUND; page++) {
        struct meta_key key;
        uint64_t before = offset;

        meta_key_extent_page(&key, id, offset);
        st = replace_in_page(evacuation, commit, view, &key, depth, &offset, err);
        if (st == ST_NOT_FOUND && offset == before) {
            break; /* the page is gone: the record is another one by now */
        }
    }
    return st;
}

static enum status
replace_in_layout(const struct evacuation *evacuation, struct commit *commit,
                  struct commit_view *view, struct layout *layout, struct error *err)
{
    const struct extent *replaced;

    if (layout->kind == LAYOUT_PAGES) {
        return replace_in_pages(evacuation, commit, view, layout->write_id, layout->page_count,
                                UINT64_MAX, 0, err);
    }
    if (layout->kind != LAYOUT_EXTENTS) {
        return ST_NOT_FOUND;
    }
    replaced =
        replace_extent(evacuation, layout->extents, layout->extent_count, commit_arena(commit));
    if (replaced == NULL) {
        return ST_NOT_FOUND;
    }
    layout->extents = replaced;
    return ST_OK;
}

static enum status
touch_upload(const struct evacuation *evacuation, struct commit *commit, struct commit_view *view,
             struct error *err)
{
    enum status st = upload_touch(commit, view, evacuation->bucket_id, evacuation->name,
                                  evacuation->upload, err);

    /* It is completed or aborted: nobody relies on its seq. */
    return st == ST_NO_SUCH_UPLOAD ? ST_OK : st;
}

static enum status
replace_in_record(const struct evacuation *evacuation, struct commit *commit,
                  struct commit_view *view, struct bytes value, struct error *err)
{
    struct buffer encoded = BUFFER_INIT;
    struct object_record object;
    struct part_record part;
    enum status st;

    if (evacuation->family == FAMILY_OBJECT) {
        st = object_record_decode(value, commit_arena(commit), &object, err);
        if (st == ST_OK) {
            st = replace_in_layout(evacuation, commit, view, &object.layout, err);
        }
        if (st == ST_OK) {
            object_record_encode(&object, &encoded);
        }
    } else {
        st = part_record_decode(value, commit_arena(commit), &part, err);
        if (st == ST_OK) {
            st = replace_in_layout(evacuation, commit, view, &part.layout, err);
        }
        if (st == ST_OK) {
            part_record_encode(&part, &encoded);
            st = touch_upload(evacuation, commit, view, err);
        }
    }
    if (st == ST_OK) {
        commit_put(commit, evacuation->family, evacuation->key, buffer_bytes(&encoded));
    }
    buffer_release(&encoded);
    return st;
}

/* ST_NOT_FOUND: the record does not name the file any more. */
static enum status
decide_replacement(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct evacuation *evacuation = arg;
    const struct layout from = {
        .kind = LAYOUT_EXTENTS, .extents = &evacuation->from, .extent_count = 1};
    struct bytes value;
    enum status st = commit_view_get(view, evacuation->family, evacuation->key, &value, err);

    if (st == ST_OK) {
        st = replace_in_record(evacuation, commit, view, value, err);
    }
    if (st == ST_OK) {
        st = commit_drop_layout(commit, view, &from, err);
    }
    return st == ST_OK ? commit_name_layout(commit, view, &evacuation->written, false, err) : st;
}

static enum status
commit_entered(struct evacuation *evacuation, commit_decide_fn *decide, struct error *err)
{
    struct store *store = evacuation->resilver->store->store;
    struct seq seq;
    enum status st;

    store_enter(store);
    st = resilver_check_generation(evacuation->resilver, err);
    if (st == ST_OK) {
        st = commit_run(&(struct commit_options){.home = evacuation->home,
                                                 .durability = DURABILITY_STRICT,
                                                 .decide = decide,
                                                 .arg = evacuation},
                        &seq, err);
    }
    store_leave(store);
    return st;
}

static enum status
replace_file(struct evacuation *evacuation, const struct extent *extent, struct error *err)
{
    struct resilver *resilver = evacuation->resilver;
    struct layout_writer *writer = NULL;
    bool is_part = evacuation->part_number != 0;
    enum status st = rehome_copy_extent(
        &(struct rehome_options){
            .from = evacuation->home,
            .to = evacuation->home,
            .bucket_id = evacuation->bucket_id,
            .key = evacuation->name,
            .upload = is_part ? &evacuation->upload : NULL,
            .part_number = evacuation->part_number,
        },
        extent, &evacuation->arena, &writer, &evacuation->written, err);

    if (st != ST_OK) {
        return st;
    }
    evacuation->from = *extent;
    evacuation->to = evacuation->written.extents[0];
    FAULT_KILL("evacuate_before_commit");
    st = commit_entered(evacuation, decide_replacement, err);
    if (st == ST_OK || object_commit_is_doubtful(st)) {
        layout_writer_disown(writer);
    }
    layout_writer_destroy(&writer);
    if (st == ST_OK) {
        WITH_LOCK (&resilver->lock) {
            resilver->progress.chunk_count++;
            resilver->progress.chunk_bytes += extent->length;
        }
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Bytes that are gone: the object is none any more.  Of an upload only the part. */
static enum status
decide_loss(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct evacuation *evacuation = arg;
    const struct object_record *object;
    struct part_record part;
    struct bytes value;
    struct meta_key key;
    enum status st;

    if (evacuation->family == FAMILY_OBJECT) {
        meta_key_object(&key, evacuation->bucket_id, evacuation->name);
        st = object_current_get(commit, view, &key, &object, err);
        if (st != ST_OK || object == NULL ||
            memcmp(&object->layout.write_id, &evacuation->layout.write_id, WRITE_ID_BYTES) != 0) {
            return st;
        }
        st = object_current_drop(commit, view, object, err);
        object_current_count(commit, evacuation->bucket_id, object, NULL);
    } else {
        st = commit_view_get(view, FAMILY_UPLOAD, evacuation->key, &value, err);
        if (st != ST_OK) {
            return st;
        }
        st = part_record_decode(value, commit_arena(commit), &part, err);
        if (st == ST_OK) {
            st = commit_drop_layout(commit, view, &part.layout, err);
        }
        if (st == ST_OK) {
            st = touch_upload(evacuation, commit, view, err);
        }
    }
    if (st == ST_OK) {
        commit_delete(commit, evacuation->family, evacuation->key);
    }
    return st;
}

static enum status
give_up(struct evacuation *evacuation, struct error *err)
{
    struct resilver *resilver = evacuation->resilver;
    enum status st = resilver_note_loss(resilver, evacuation->bucket_id, evacuation->name,
                                        evacuation->part_number, err);

    if (st == ST_OK) {
        st = commit_entered(evacuation, decide_loss, err);
    }
    if (st == ST_OK) {
        WITH_LOCK (&resilver->lock) {
            resilver->progress.lost_count++;
        }
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status
evacuate_layout(struct evacuation *evacuation, struct error *err)
{
    struct store *store = evacuation->resilver->store->store;
    const struct extent *extents;
    size_t count = 0;
    enum status st = layout_extents(evacuation->home, &evacuation->layout, &evacuation->arena,
                                    &extents, &count, err);

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (mountpath_extent_place(store, &extents[i]) == EXTENT_LOST) {
            return give_up(evacuation, err);
        }
    }
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (mountpath_extent_place(store, &extents[i]) == EXTENT_LEAVES) {
            st = replace_file(evacuation, &extents[i], err);
        }
    }
    return st;
}

static enum status
read_layout(struct evacuation *evacuation, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct object_record object;
    struct part_record part;
    struct bytes copy;
    enum status st = meta_db_get(home_db(evacuation->home), evacuation->family, evacuation->key,
                                 true, &value, err);

    if (st != ST_OK) {
        return st;
    }
    copy = arena_copy(&evacuation->arena, value.data);
    meta_value_release(&value);
    if (evacuation->family == FAMILY_OBJECT) {
        st = object_record_decode(copy, &evacuation->arena, &object, err);
        if (st == ST_OK) {
            evacuation->layout = object.layout;
        }
    } else {
        st = part_record_decode(copy, &evacuation->arena, &part, err);
        if (st == ST_OK) {
            evacuation->layout = part.layout;
        }
    }
    return st;
}

enum status
resilver_evacuate(struct resilver *resilver, struct home *home, enum family family,
                  struct bytes key, struct error *err)
{
    struct evacuation evacuation = {
        .resilver = resilver, .home = home, .family = family, .key = key};
    struct home_pin pin;
    enum status st;

    if (family == FAMILY_OBJECT) {
        st = meta_key_parse_object(key, &evacuation.bucket_id, &evacuation.name);
    } else {
        st = meta_key_parse_upload(key, &evacuation.bucket_id, &evacuation.name, &evacuation.upload,
                                   &evacuation.part_number);
        if (st == ST_OK && evacuation.part_number == 0) {
            return ST_OK; /* an upload has no bytes itself */
        }
    }
    if (st != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of a %s record is malformed", family_name(family));
    }
    pin = home_pin(home);
    st = read_layout(&evacuation, err);
    if (st == ST_OK) {
        st = evacuate_layout(&evacuation, err);
    }
    home_unpin(&pin);
    arena_release(&evacuation.arena);
    return st == ST_NOT_FOUND ? ST_OK : st; /* deleted meanwhile */
}
