/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes over the extents of the range one after the other.  Bytes of whole blocks go straight to the
 * caller's buffer; a block of which only a part is wanted, or that does not fit, is read into the
 * reader's own block first.
 */
#include "store/layout_reader.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/chunk_file.h"
#include "store/extent_cursor.h"
#include "store/health.h"
#include "store/home_internal.h"
#include "store/pack_reader.h"

#include "base/banned.h"

struct layout_reader {
    struct source source;
    struct home_pin pin;
    char *what;
    struct arena arena; /* copy of the layout */
    struct layout layout;
    struct extent_cursor cursor;
    uint64_t position; /* in the object */
    uint64_t end;
    struct chunk_reader *chunk; /* of the cursor's extent */
    struct pack_reader *pack;   /* of the cursor's extent */
    char *block;                /* EXTENT_BLOCK_BYTES, on demand */
    uint64_t block_offset;      /* in the extent, of what block holds */
    size_t block_size;          /* 0: block holds nothing */
};

static void
close_extent(struct layout_reader *reader)
{
    chunk_reader_close(&reader->chunk);
    pack_reader_close(&reader->pack);
    reader->block_size = 0;
}

static enum status
open_extent(struct layout_reader *reader, const struct extent *extent, enum read_mode mode,
            struct error *err)
{
    if (reader->chunk != NULL || reader->pack != NULL) {
        return ST_OK;
    }
    return extent->kind == EXTENT_PACK
               ? pack_reader_open(reader->pin.home, extent, mode, &reader->pack, err)
               : chunk_reader_open(reader->pin.home, extent, mode, &reader->chunk, err);
}

/* offset at a block of the extent; size whole blocks or up to its end. */
static enum status
read_blocks(struct layout_reader *reader, uint64_t offset, char *out, size_t size,
            enum read_mode mode, struct error *err)
{
    return reader->pack != NULL ? pack_reader_read(reader->pack, offset, out, size, mode, err)
                                : chunk_reader_read(reader->chunk, offset, out, size, mode, err);
}

/* Copy out of the block that holds offset. */
static enum status
read_part(struct layout_reader *reader, const struct extent *extent, uint64_t offset, char *out,
          size_t size_max, enum read_mode mode, size_t *ret_size, struct error *err)
{
    uint64_t block_offset = offset / EXTENT_BLOCK_BYTES * EXTENT_BLOCK_BYTES;
    uint64_t left = extent->length - block_offset;
    size_t block_size = left < EXTENT_BLOCK_BYTES ? (size_t)left : EXTENT_BLOCK_BYTES;
    size_t at = (size_t)(offset - block_offset);
    size_t size = block_size - at < size_max ? block_size - at : size_max;

    if (reader->block_size == 0 || reader->block_offset != block_offset) {
        enum status st;

        if (reader->block == NULL) {
            reader->block = xmalloc(EXTENT_BLOCK_BYTES);
        }
        reader->block_size = 0;
        st = read_blocks(reader, block_offset, reader->block, block_size, mode, err);
        if (st != ST_OK) {
            return st;
        }
        reader->block_offset = block_offset;
        reader->block_size = block_size;
    }
    memcpy(out, reader->block + at, size);
    *ret_size = size;
    return ST_OK;
}

/* Some of the wanted bytes of the cursor's extent. */
static enum status
read_extent(struct layout_reader *reader, const struct extent *extent, uint64_t offset, char *out,
            size_t capacity, enum read_mode mode, size_t *ret_size, struct error *err)
{
    uint64_t left = extent->length - offset;
    uint64_t wanted = reader->end - reader->position;
    size_t size = left < capacity ? (size_t)left : capacity;
    enum status st;

    if (wanted < size) {
        size = (size_t)wanted;
    }
    if (size < left) {
        size -= size % EXTENT_BLOCK_BYTES; /* whole blocks only, unless it is the extent's end */
    }
    if (offset % EXTENT_BLOCK_BYTES != 0 || size == 0) {
        size_t size_max = wanted < capacity ? (size_t)wanted : capacity;

        return read_part(reader, extent, offset, out, size_max, mode, ret_size, err);
    }
    st = read_blocks(reader, offset, out, size, mode, err);
    if (st == ST_OK) {
        *ret_size = size;
    }
    return st;
}

static struct layout_reader *
from_source(struct source *source)
{
    return CONTAINER_OF(struct layout_reader, source, source);
}

static enum status
read_inline(struct layout_reader *reader, char *out, size_t capacity, size_t *ret_size)
{
    uint64_t left = reader->end - reader->position;
    size_t size = left < capacity ? (size_t)left : capacity;

    memcpy(out, reader->layout.inline_data.data + reader->position, size);
    reader->position += size;
    *ret_size = size;
    return ST_OK;
}

static enum status
reader_read(struct source *source, enum read_mode mode, char *out, size_t capacity,
            size_t *ret_size, struct error *err)
{
    struct layout_reader *reader = from_source(source);
    const struct extent *extent;
    uint64_t extent_start;
    size_t size = 0;
    bool is_new = false;
    enum status st;

    CHECK(capacity > 0);
    if (reader->position == reader->end) {
        *ret_size = 0;
        return ST_OK;
    }
    if (reader->layout.kind == LAYOUT_INLINE) {
        return read_inline(reader, out, capacity, ret_size);
    }
    st = extent_cursor_seek(&reader->cursor, reader->position, mode, &extent, &extent_start,
                            &is_new, err);
    if (st == ST_OK && is_new) {
        close_extent(reader);
    }
    if (st == ST_OK) {
        st = open_extent(reader, extent, mode, err);
    }
    if (st == ST_OK) {
        st = read_extent(reader, extent, reader->position - extent_start, out, capacity, mode,
                         &size, err);
    }
    if (st == ST_OK) {
        reader->position += size;
        *ret_size = size;
    } else if (st == ST_CORRUPT || st == ST_IO) {
        health_suspect(home_store(reader->pin.home)->health);
        log_error(NULL, "stored_bytes_unreadable", "%s: byte %" PRIu64 ": %s",
                  home_directory(reader->pin.home), reader->position,
                  err != NULL ? err->text : status_text(st));
    }
    return st;
}

/* Unverified bytes of a chunk file that is open already. */
static bool
reader_file_range(struct source *source, int *ret_fd, off_t *ret_offset, size_t *ret_size)
{
    struct layout_reader *reader = from_source(source);
    const struct extent *extent;
    uint64_t extent_start;
    uint64_t offset;
    uint64_t left;
    bool is_new = false;

    if (reader->position == reader->end || reader->layout.kind == LAYOUT_INLINE ||
        extent_cursor_seek(&reader->cursor, reader->position, READ_NO_WAIT, &extent, &extent_start,
                           &is_new, NULL) != ST_OK) {
        return false;
    }
    if (is_new) {
        close_extent(reader);
    }
    if (extent->kind != EXTENT_CHUNK || open_extent(reader, extent, READ_NO_WAIT, NULL) != ST_OK) {
        return false;
    }
    offset = reader->position - extent_start;
    left = extent->length - offset;
    left = left < reader->end - reader->position ? left : reader->end - reader->position;
    *ret_fd = chunk_reader_lend_fd(reader->chunk, (size_t)left);
    *ret_offset = (off_t)(CHUNK_HEADER_BYTES + offset);
    *ret_size = (size_t)left;
    reader->position += left;
    return true;
}

static void
reader_release(struct source *source)
{
    struct layout_reader *reader = from_source(source);

    close_extent(reader);
    extent_cursor_release(&reader->cursor);
    home_unpin(&reader->pin);
    arena_release(&reader->arena);
    free(reader->block);
    free(reader->what);
    free(reader);
}

static const struct source_ops VERIFIED_OPS = {reader_read, NULL, reader_release};
static const struct source_ops UNVERIFIED_OPS = {reader_read, reader_file_range, reader_release};

static void
copy_layout(struct layout_reader *reader, const struct layout *layout)
{
    reader->layout = *layout;
    if (layout->kind == LAYOUT_INLINE) {
        reader->layout.inline_data = arena_copy(&reader->arena, layout->inline_data);
    }
    if (layout->kind == LAYOUT_EXTENTS) {
        struct bytes copy =
            arena_copy(&reader->arena,
                       bytes_of(layout->extents, layout->extent_count * sizeof(*layout->extents)));

        reader->layout.extents = (const struct extent *)(const void *)copy.data;
    }
}

static enum status
check_size(const struct layout_reader_options *options, struct error *err)
{
    const struct layout *layout = options->layout;
    uint64_t size = 0;

    CHECK(options->offset <= options->size && options->length <= options->size - options->offset);
    if (layout->kind == LAYOUT_PAGES) {
        return ST_OK; /* known page by page */
    }
    size = layout->kind == LAYOUT_INLINE ? layout->inline_data.size : 0;
    for (size_t i = 0; layout->kind == LAYOUT_EXTENTS && i < layout->extent_count; i++) {
        size += layout->extents[i].length;
    }
    if (size != options->size) {
        return fail(err, ST_CORRUPT, "%s: its extents hold %" PRIu64 " bytes instead of %" PRIu64,
                    options->what, size, options->size);
    }
    return ST_OK;
}

enum status
layout_reader_open(const struct layout_reader_options *options, enum read_mode mode,
                   struct home_pin *take_pin, struct source **ret_source, struct error *err)
{
    struct layout_reader *reader;
    const struct extent *extent;
    uint64_t extent_start;
    bool is_new;
    enum status st = check_size(options, err);

    if (st != ST_OK) {
        home_unpin(take_pin);
        return st;
    }
    reader = xcalloc(1, sizeof(*reader));
    reader->source.ops = options->is_unverified ? &UNVERIFIED_OPS : &VERIFIED_OPS;
    reader->what = xstrdup(options->what != NULL ? options->what : "");
    reader->position = options->offset;
    reader->end = options->offset + options->length;
    reader->pin = *take_pin;
    copy_layout(reader, options->layout);
    extent_cursor_init(&reader->cursor, take_pin->home, &reader->layout, options->size);
    take_pin->home = NULL;
    if (options->length > 0 && reader->layout.kind != LAYOUT_INLINE) {
        /* What is missing or damaged shows before a head is sent. */
        st = extent_cursor_seek(&reader->cursor, reader->position, mode, &extent, &extent_start,
                                &is_new, err);
        if (st == ST_OK) {
            st = open_extent(reader, extent, mode, err);
        }
    }
    if (st == ST_WOULD_WAIT) {
        *take_pin = reader->pin;
        reader->pin.home = NULL;
    }
    if (st != ST_OK) {
        reader_release(&reader->source);
        return st;
    }
    *ret_source = &reader->source;
    return ST_OK;
}
