/* SPDX-License-Identifier: Apache-2.0 */
#include "object/rehome.h"

#include "base/check.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/extent_pages.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* What is read at a time. */
#define REHOME_BUFFER_BYTES ((size_t)256 << 10)

static enum status
copy_bytes(struct source *source, uint64_t length, struct layout_writer *writer, struct error *err)
{
    char *buffer = xmalloc_aligned(REHOME_BUFFER_BYTES);
    enum status st = ST_OK;

    while (length > 0 && st == ST_OK) {
        size_t size = 0;

        st = source_read(source, READ_MAY_WAIT, buffer, REHOME_BUFFER_BYTES, &size, err);
        if (st == ST_OK && size == 0) {
            st = fail(err, ST_CORRUPT, "the bytes to be moved ended early");
        }
        if (st == ST_OK) {
            st = layout_writer_write(writer, bytes_of(buffer, size), err);
            length -= size;
        }
    }
    free(buffer);
    return st;
}

enum status
rehome_copy_extent(const struct rehome_options *options, const struct extent *extent,
                   struct arena *arena, struct layout_writer **ret_writer,
                   struct layout *ret_layout, struct error *err)
{
    const struct layout one = {.kind = LAYOUT_EXTENTS, .extents = extent, .extent_count = 1};
    struct layout_writer *writer = NULL;
    struct source *source = NULL;
    struct home_pin pin = home_pin(options->from);
    enum status st = layout_writer_create(
        &(struct layout_writer_options){
            .home = options->to,
            .bucket_id = options->bucket_id,
            .key = options->key,
            .upload = options->upload,
            .part_number = options->part_number,
            .is_piece = true,
            .chunk_bytes = extent->length,
            .durability = DURABILITY_STRICT,
            .size = extent->length,
        },
        &writer, err);

    if (st == ST_OK) {
        st = layout_reader_open(&(struct layout_reader_options){.layout = &one,
                                                                .size = extent->length,
                                                                .length = extent->length,
                                                                .what = "bytes that are moved"},
                                READ_MAY_WAIT, &pin, &source, err);
    }
    home_unpin(&pin); /* unless the source took it */
    if (st == ST_OK) {
        st = copy_bytes(source, extent->length, writer, err);
        source_release(&source);
    }
    if (st == ST_OK) {
        st = layout_writer_finish(writer, arena, ret_layout, err);
    }
    if (st == ST_OK) {
        CHECK(ret_layout->kind == LAYOUT_EXTENTS && ret_layout->extent_count == 1);
        *ret_writer = writer;
        writer = NULL;
    }
    layout_writer_destroy(&writer);
    return st;
}

static enum status
copy_piece(struct rehome *rehome, const struct rehome_options *options, const struct extent *extent,
           struct error *err)
{
    struct layout *written = &rehome->written[rehome->writer_count];
    enum status st = rehome_copy_extent(options, extent, &rehome->arena,
                                        &rehome->writers[rehome->writer_count], written, err);

    if (st == ST_OK) {
        rehome->writer_count++;
        rehome->extents[rehome->extent_count++] = written->extents[0];
        rehome->copied_bytes += extent->length;
    }
    return st;
}

static enum status
take_extent(struct rehome *rehome, const struct rehome_options *options,
            const struct extent *extent, struct error *err)
{
    struct extent linked;
    enum status st;

    if (extent->kind != EXTENT_CHUNK) {
        return copy_piece(rehome, options, extent, err);
    }
    st = chunk_link_create(options->from, extent, options->to, &rehome->links[rehome->link_count],
                           &linked, err);
    if (st == ST_NOT_IMPLEMENTED) {
        return copy_piece(rehome, options, extent, err);
    }
    if (st == ST_OK) {
        rehome->linked[rehome->link_count++] = linked;
        rehome->extents[rehome->extent_count++] = linked;
    }
    return st;
}

/* A write id whose pages wait at the new home to be deleted, since it was there before, must not
 * get new ones. */
static enum status
choose_write_id(struct rehome *rehome, const struct layout *layout, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    rehome->layout.write_id = layout->write_id;
    meta_key_dropped_pages(&key, layout->write_id);
    st = meta_db_get(home_db(rehome->to), FAMILY_NODE, meta_key_bytes(&key), true, &value, err);
    if (st == ST_OK) {
        entropy_fill(rehome->layout.write_id.bytes, WRITE_ID_BYTES);
    }
    meta_value_release(&value);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status
build_extents(struct rehome *rehome, const struct rehome_options *options, struct error *err)
{
    const struct extent *extents = options->extents;
    size_t count = options->extent_count;
    struct layout layout;
    enum status st = ST_OK;

    if (extents == NULL) {
        st = layout_extents(options->from, options->layout, &rehome->arena, &extents, &count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    rehome->extents = arena_calloc(&rehome->arena, count + 1, sizeof(*rehome->extents));
    rehome->linked = arena_calloc(&rehome->arena, count + 1, sizeof(*rehome->linked));
    rehome->written = arena_calloc(&rehome->arena, count + 1, sizeof(*rehome->written));
    rehome->writers = xcalloc(count + 1, sizeof(struct layout_writer *));
    rehome->links = xcalloc(count + 1, sizeof(struct chunk_link *));
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        st = take_extent(rehome, options, &extents[i], err);
    }
    extent_pages_layout(rehome->extents, rehome->extent_count, &layout);
    layout.write_id = rehome->layout.write_id;
    rehome->layout = layout;
    return st;
}

enum status
rehome_build(struct rehome *rehome, const struct rehome_options *options, struct error *err)
{
    struct home_pin pin = home_pin(options->from);
    enum status st;

    assert_on_worker();
    memset(rehome, 0, sizeof(*rehome));
    rehome->to = options->to;
    st = choose_write_id(rehome, options->layout, err);
    if (st == ST_OK &&
        (options->layout->kind == LAYOUT_NONE || options->layout->kind == LAYOUT_INLINE)) {
        struct write_id id = rehome->layout.write_id;

        rehome->layout = *options->layout;
        rehome->layout.write_id = id;
    } else if (st == ST_OK) {
        st = build_extents(rehome, options, err);
    }
    home_unpin(&pin);
    return st;
}

enum status
rehome_put(const struct rehome *rehome, struct commit *commit, struct commit_view *view,
           struct error *err)
{
    const struct layout linked = {
        .kind = LAYOUT_EXTENTS, .extents = rehome->linked, .extent_count = rehome->link_count};
    enum status st = ST_OK;

    extent_pages_put(commit, &rehome->layout, rehome->extents, rehome->extent_count);
    if (rehome->link_count > 0) {
        st = commit_name_layout(commit, view, &linked, false, err);
    }
    for (size_t i = 0; i < rehome->writer_count && st == ST_OK; i++) {
        st = commit_name_layout(commit, view, &rehome->written[i], false, err);
    }
    return st;
}

void
rehome_release(struct rehome *rehome, bool is_kept)
{
    for (size_t i = 0; i < rehome->writer_count; i++) {
        if (is_kept) {
            layout_writer_disown(rehome->writers[i]);
        }
        layout_writer_destroy(&rehome->writers[i]);
    }
    for (size_t i = 0; i < rehome->link_count; i++) {
        chunk_link_destroy(&rehome->links[i], is_kept);
    }
    free(rehome->writers);
    free(rehome->links);
    arena_release(&rehome->arena);
    memset(rehome, 0, sizeof(*rehome));
}
