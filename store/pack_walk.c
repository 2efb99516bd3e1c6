/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_walk.h"

#include "base/memory.h"
#include "store/path_open.h"
#include "stream/crc.h"

#include "base/banned.h"

/* Holds the largest entry, so that one read serves many small ones. */
#define WINDOW_BYTES ((size_t)1 << 20)

void
pack_walk_init(struct pack_walk *walk, struct pack *pack)
{
    *walk = (struct pack_walk){.pack = pack, .offset = PACK_HEADER_BYTES};
    walk->window = xmalloc(WINDOW_BYTES);
}

void
pack_walk_release(struct pack_walk *walk)
{
    free(walk->window);
    walk->window = NULL;
}

/* Make size bytes at offset stand in the window; the caller knows that the file has them. */
static enum status
fill_window(struct pack_walk *walk, uint64_t offset, size_t size, struct error *err)
{
    uint64_t left = walk->pack->capacity_bytes - offset;
    size_t wanted = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    enum status st;

    if (offset >= walk->window_offset && offset + size <= walk->window_offset + walk->window_size) {
        return ST_OK;
    }
    walk->window_size = 0;
    st = read_exactly(walk->pack->fd, walk->window, wanted, (off_t)offset, READ_MAY_WAIT,
                      "pack_walk_read", err);
    if (st == ST_OK) {
        walk->window_offset = offset;
        walk->window_size = wanted;
    }
    return st;
}

static const char *
window_at(const struct pack_walk *walk, uint64_t offset)
{
    return walk->window + (offset - walk->window_offset);
}

static void
check_sums(struct pack_walk_entry *found)
{
    const struct pack_entry *entry = &found->entry;

    found->is_sound = crc32_castagnoli(0, found->key) == entry->key_crc;
    for (size_t at = 0; at < found->data.size; at += EXTENT_BLOCK_BYTES) {
        size_t end = at + EXTENT_BLOCK_BYTES;

        end = end < found->data.size ? end : found->data.size;
        found->is_sound =
            found->is_sound && crc32_castagnoli(0, bytes_slice(found->data, at, end)) ==
                                   entry->block_crcs[at / EXTENT_BLOCK_BYTES];
    }
}

enum status
pack_walk_next(struct pack_walk *walk, struct pack_walk_entry *ret_entry, struct error *err)
{
    uint64_t capacity = walk->pack->capacity_bytes;

    for (; walk->offset + PACK_ENTRY_HEADER_BYTES <= capacity; walk->offset += PACK_ALIGN_BYTES) {
        struct pack_walk_entry found = {.offset = walk->offset};
        uint64_t space;
        const char *header;
        enum status st = fill_window(walk, walk->offset, PACK_ENTRY_HEADER_BYTES, err);

        if (st != ST_OK) {
            return st;
        }
        header = window_at(walk, walk->offset);
        if (header[0] != 'L' ||
            pack_entry_decode((const unsigned char *)header, &found.entry, NULL) != ST_OK ||
            found.entry.pack_id != walk->pack->id) {
            continue;
        }
        space = pack_entry_space(found.entry.data_size, found.entry.key_size);
        if (space > capacity - walk->offset) {
            continue;
        }
        st = fill_window(walk, walk->offset, (size_t)space, err);
        if (st != ST_OK) {
            return st;
        }
        found.data = bytes_of(window_at(walk, walk->offset) + PACK_ENTRY_HEADER_BYTES,
                              found.entry.data_size);
        found.key = bytes_of(found.data.data + found.data.size, found.entry.key_size);
        check_sums(&found);
        /* Damaged data may hide a whole entry that is sound: look at each step. */
        walk->offset += found.is_sound ? space : PACK_ALIGN_BYTES;
        *ret_entry = found;
        return ST_OK;
    }
    return ST_NOT_FOUND;
}
