/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are collected while they may still fit a record or a pack; from then on they go straight
 * from the caller's memory to chunk files.  A small body whose size is known and that comes in one
 * piece is never copied.
 */
#include "store/layout_writer.h"

#include "base/check.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/chunk_file.h"
#include "store/home_internal.h"
#include "store/layout_walk.h"
#include "store/mountpath_choice.h"
#include "store/pack_writer.h"
#include "store/space.h"
#include "store/store_limits.h"

#include "base/banned.h"

struct layout_writer {
    struct layout_writer_options options; /* key and upload point into this struct */
    struct buffer key;
    struct upload_id upload;
    struct write_id write_id;
    uint64_t size;           /* came so far */
    struct buffer collected; /* while the place is open */
    struct pack *pack;       /* whose reservation holds the bytes, or NULL */
    struct extent pack_extent;
    struct mountpath_choice choice;
    struct chunk_writer *chunk;   /* the one that is filled, or NULL */
    struct chunk_writer **chunks; /* all others, finished */
    struct extent *extents;       /* of them */
    size_t chunk_count;
    size_t chunk_capacity;
    uint64_t chunk_size; /* bytes in the one that is filled */
    bool is_finished;
    bool is_disowned;
};

enum status
layout_writer_create(const struct layout_writer_options *options, struct layout_writer **ret_writer,
                     struct error *err)
{
    struct layout_writer *writer;
    struct home *home = options->home;
    enum status st;

    assert_on_worker();
    CHECK(options->key.size <= META_KEY_NAME_MAX);
    st = home_require_writable(home, err);
    if (st == ST_OK) {
        st = space_take(home->space, options->size <= PACK_DATA_BYTES_MAX ? options->size : 0,
                        home->directory, err);
    }
    if (st != ST_OK) {
        return st;
    }
    writer = xcalloc(1, sizeof(*writer));
    writer->options = *options;
    buffer_append_bytes(&writer->key, options->key);
    writer->options.key = buffer_bytes(&writer->key);
    if (options->upload != NULL) {
        writer->upload = *options->upload;
        writer->options.upload = &writer->upload;
    }
    if (writer->options.chunk_bytes == 0) {
        writer->options.chunk_bytes = CHUNK_BYTES_DEFAULT;
    }
    entropy_fill(writer->write_id.bytes, sizeof(writer->write_id.bytes));
    atomic_fetch_add(&home->writer_count, 1);
    *ret_writer = writer;
    return ST_OK;
}

static enum status
write_to_pack(struct layout_writer *writer, struct bytes data, struct error *err)
{
    const struct pack_writer_options options = {
        .home = writer->options.home,
        .write_id = writer->write_id,
        .bucket_id = writer->options.bucket_id,
        .key = writer->options.key,
        .upload = writer->options.upload,
        .part_number = writer->options.part_number,
    };

    return pack_write(&options, data, &writer->pack, &writer->pack_extent, err);
}

static enum status
begin_chunk(struct layout_writer *writer, struct error *err)
{
    uint64_t hint = 0;
    struct chunk_writer_options options = {
        .home = writer->options.home,
        .write_id = writer->write_id,
        .bucket_id = writer->options.bucket_id,
        .key = writer->options.key,
        .upload = writer->options.upload,
        .part_number = writer->options.part_number,
        .durability = writer->options.durability,
    };
    enum status st = ST_OK;

    if (writer->options.size != LAYOUT_SIZE_UNKNOWN) {
        uint64_t done = writer->chunk_count * writer->options.chunk_bytes;

        hint = writer->options.size > done ? writer->options.size - done : 0;
        hint = hint < writer->options.chunk_bytes ? hint : writer->options.chunk_bytes;
    }
    if (writer->chunk_count == 0) {
        st = mountpath_choice_init(&writer->choice, writer->options.home, writer->write_id,
                                   writer->options.chunk_spread, err);
    }
    if (st != ST_OK) {
        return st;
    }
    options.mountpath = mountpath_choice_at(&writer->choice, writer->chunk_count);
    options.size_hint = hint;
    writer->chunk_size = 0;
    return chunk_writer_create(&options, &writer->chunk, err);
}

static enum status
end_chunk(struct layout_writer *writer, struct error *err)
{
    struct extent extent;
    enum status st = chunk_writer_finish(writer->chunk, &extent, err);

    if (st != ST_OK) {
        return st;
    }
    if (writer->chunk_count == writer->chunk_capacity) {
        writer->chunk_capacity = writer->chunk_capacity * 2 + 4;
        writer->chunks =
            xrealloc_array(writer->chunks, writer->chunk_capacity, sizeof(*writer->chunks));
        writer->extents =
            xrealloc_array(writer->extents, writer->chunk_capacity, sizeof(*writer->extents));
    }
    writer->extents[writer->chunk_count] = extent;
    writer->chunks[writer->chunk_count++] = writer->chunk;
    writer->chunk = NULL;
    return ST_OK;
}

static enum status
write_to_chunks(struct layout_writer *writer, struct bytes data, struct error *err)
{
    enum status st = ST_OK;

    while (data.size > 0 && st == ST_OK) {
        uint64_t room;
        size_t size;

        if (writer->chunk == NULL) {
            st = begin_chunk(writer, err);
            if (st != ST_OK) {
                break;
            }
        }
        room = writer->options.chunk_bytes - writer->chunk_size;
        size = data.size < room ? data.size : (size_t)room;
        st = chunk_writer_write(writer->chunk, bytes_slice(data, 0, size), err);
        writer->chunk_size += size;
        data = bytes_slice(data, size, data.size);
        if (st == ST_OK && writer->chunk_size == writer->options.chunk_bytes) {
            st = end_chunk(writer, err);
        }
    }
    return st;
}

static bool
is_chunked(const struct layout_writer *writer)
{
    return writer->chunk != NULL || writer->chunk_count > 0;
}

static uint64_t
inline_max(const struct layout_writer *writer)
{
    return writer->options.is_piece ? 0 : INLINE_BYTES_MAX;
}

enum status
layout_writer_write(struct layout_writer *writer, struct bytes data, struct error *err)
{
    uint64_t known = writer->options.size;
    enum status st;

    assert_on_worker();
    CHECK(!writer->is_finished);
    if (data.size == 0) {
        return ST_OK;
    }
    if (known != LAYOUT_SIZE_UNKNOWN && data.size > known - writer->size) {
        return fail(err, ST_TOO_LARGE, "more bytes came than were announced");
    }
    writer->size += data.size;
    if (is_chunked(writer)) {
        return write_to_chunks(writer, data, err);
    }
    if (writer->size == known && data.size == known && known > inline_max(writer) &&
        known <= PACK_DATA_BYTES_MAX) {
        return write_to_pack(writer, data, err);
    }
    if (writer->size <= PACK_DATA_BYTES_MAX &&
        (known == LAYOUT_SIZE_UNKNOWN || known <= PACK_DATA_BYTES_MAX)) {
        buffer_append_bytes(&writer->collected, data);
        return ST_OK;
    }
    st = write_to_chunks(writer, buffer_bytes(&writer->collected), err);
    buffer_release(&writer->collected);
    return st == ST_OK ? write_to_chunks(writer, data, err) : st;
}

static void
fill_layout(const struct layout_writer *writer, struct arena *arena, struct layout *ret_layout)
{
    const struct extent *extents = is_chunked(writer) ? writer->extents : &writer->pack_extent;
    size_t count = is_chunked(writer) ? writer->chunk_count : 1;
    struct extent *copy;

    *ret_layout = (struct layout){.kind = LAYOUT_NONE, .write_id = writer->write_id};
    if (writer->size == 0) {
        return;
    }
    if (writer->pack == NULL && !is_chunked(writer)) {
        ret_layout->kind = LAYOUT_INLINE;
        ret_layout->inline_data = arena_copy(arena, buffer_bytes(&writer->collected));
    } else if (count <= LAYOUT_RECORD_EXTENT_MAX) {
        copy = arena_calloc(arena, count, sizeof(*copy));
        memcpy(copy, extents, count * sizeof(*copy));
        ret_layout->kind = LAYOUT_EXTENTS;
        ret_layout->extents = copy;
        ret_layout->extent_count = count;
    } else {
        ret_layout->kind = LAYOUT_PAGES;
        ret_layout->page_count = (count + LAYOUT_PAGE_EXTENT_MAX - 1) / LAYOUT_PAGE_EXTENT_MAX;
    }
}

enum status
layout_writer_finish(struct layout_writer *writer, struct arena *arena, struct layout *ret_layout,
                     struct error *err)
{
    enum status st = ST_OK;

    assert_on_worker();
    CHECK(!writer->is_finished);
    if (writer->chunk != NULL) {
        st = end_chunk(writer, err);
    } else if (!is_chunked(writer) && writer->collected.size > inline_max(writer)) {
        st = write_to_pack(writer, buffer_bytes(&writer->collected), err);
    }
    if (st != ST_OK) {
        return st;
    }
    writer->is_finished = true;
    fill_layout(writer, arena, ret_layout);
    return ST_OK;
}

void
layout_writer_put_pages(const struct layout_writer *writer, struct commit *commit)
{
    struct buffer page = BUFFER_INIT;
    uint64_t offset = 0;

    CHECK(writer->is_finished);
    if (writer->chunk_count <= LAYOUT_RECORD_EXTENT_MAX) {
        return;
    }
    for (size_t at = 0; at < writer->chunk_count; at += LAYOUT_PAGE_EXTENT_MAX) {
        size_t left = writer->chunk_count - at;
        size_t count = left < LAYOUT_PAGE_EXTENT_MAX ? left : LAYOUT_PAGE_EXTENT_MAX;
        struct meta_key key;

        buffer_clear(&page);
        extent_page_encode(writer->extents + at, count, &page);
        meta_key_extent_page(&key, writer->write_id, offset);
        commit_put(commit, FAMILY_LAYOUT, meta_key_bytes(&key), buffer_bytes(&page));
        for (size_t i = 0; i < count; i++) {
            offset += writer->extents[at + i].length;
        }
    }
    buffer_release(&page);
}

void
layout_writer_extents(const struct layout_writer *writer, const struct extent **ret_extents,
                      size_t *ret_count)
{
    CHECK(writer->is_finished);
    *ret_extents = is_chunked(writer) ? writer->extents : &writer->pack_extent;
    *ret_count = is_chunked(writer) ? writer->chunk_count : writer->pack != NULL;
}

void
layout_writer_disown(struct layout_writer *writer)
{
    writer->is_disowned = true;
}

void
layout_writer_destroy(struct layout_writer **take_writer)
{
    struct layout_writer *writer = *take_writer;

    if (writer == NULL) {
        return;
    }
    if (writer->pack != NULL) {
        pack_release_reservation(writer->pack);
    }
    atomic_fetch_sub(&writer->options.home->writer_count, 1);
    chunk_writer_destroy(&writer->chunk, false);
    for (size_t i = 0; i < writer->chunk_count; i++) {
        chunk_writer_destroy(&writer->chunks[i], writer->is_disowned);
    }
    free(writer->chunks);
    free(writer->extents);
    buffer_release(&writer->collected);
    buffer_release(&writer->key);
    free(writer);
    *take_writer = NULL;
}
