/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_reader.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/pack_format.h"
#include "store/pack_set.h"
#include "store/path_open.h"
#include "stream/crc.h"

#include "base/banned.h"

struct pack_reader {
    struct home *home;
    struct pack *pack;
    struct extent extent;
    struct pack_entry entry;
    bool is_checked; /* entry was read and matches the extent */
};

enum status
pack_reader_open(struct home *home, const struct extent *extent, enum read_mode mode,
                 struct pack_reader **ret_reader, struct error *err)
{
    struct pack_reader *reader;
    struct pack *pack;
    enum status st = pack_acquire(home->packs, extent->pack_id, mode, &pack, err);

    if (st != ST_OK) {
        return st;
    }
    if (extent->length > PACK_DATA_BYTES_MAX || extent->offset > pack->capacity_bytes ||
        pack_entry_space(extent->length, 0) > pack->capacity_bytes - extent->offset) {
        pack_release(pack);
        return fail(err, ST_CORRUPT, "an extent lies outside of its pack");
    }
    reader = xcalloc(1, sizeof(*reader));
    reader->home = home;
    reader->pack = pack;
    reader->extent = *extent;
    *ret_reader = reader;
    return ST_OK;
}

static enum status
check_entry(struct pack_reader *reader, const unsigned char *header, struct error *err)
{
    const struct extent *extent = &reader->extent;
    enum status st = pack_entry_decode(header, &reader->entry, err);

    if (st != ST_OK) {
        home_count(reader->home, HOME_CRC_MISMATCHES, 1);
        return st;
    }
    if (reader->entry.pack_id != extent->pack_id || reader->entry.data_size != extent->length ||
        memcmp(reader->entry.write_id.bytes, extent->write_id.bytes, WRITE_ID_BYTES) != 0) {
        return fail(err, ST_CORRUPT,
                    "pack %016" PRIx64 " holds another entry at %" PRIu64 " than the record names",
                    extent->pack_id, extent->offset);
    }
    reader->is_checked = true;
    return ST_OK;
}

/* Header and data: one read where they lie together. */
static enum status
read_bytes(struct pack_reader *reader, uint64_t offset, char *out, size_t size, enum read_mode mode,
           struct error *err)
{
    unsigned char header[PACK_ENTRY_HEADER_BYTES];
    struct iovec iov[] = {{header, sizeof(header)}, {out, size}};
    off_t at = (off_t)reader->extent.offset;
    enum status st;

    if (!reader->is_checked) {
        st = read_exactly_vector(reader->pack->fd, iov, offset == 0 ? 2 : 1, at, mode, "pack_read",
                                 err);
        if (st == ST_OK) {
            st = check_entry(reader, header, err);
        }
        if (st != ST_OK || offset == 0) {
            return st;
        }
    }
    return read_exactly(reader->pack->fd, out, size, at + (off_t)(PACK_ENTRY_HEADER_BYTES + offset),
                        mode, "pack_read", err);
}

enum status
pack_reader_read(struct pack_reader *reader, uint64_t offset, char *out, size_t size,
                 enum read_mode mode, struct error *err)
{
    enum status st;

    CHECK(offset % EXTENT_BLOCK_BYTES == 0 && offset + size <= reader->extent.length);
    CHECK(size % EXTENT_BLOCK_BYTES == 0 || offset + size == reader->extent.length);
    st = read_bytes(reader, offset, out, size, mode, err);
    home_count(reader->home, HOME_READ_BYTES, st == ST_OK ? size : 0);
    for (size_t at = 0; st == ST_OK && at < size; at += EXTENT_BLOCK_BYTES) {
        size_t block_size = size - at < EXTENT_BLOCK_BYTES ? size - at : EXTENT_BLOCK_BYTES;
        uint64_t block = (offset + at) / EXTENT_BLOCK_BYTES;

        if (crc32_castagnoli(0, bytes_of(out + at, block_size)) !=
            reader->entry.block_crcs[block]) {
            home_count(reader->home, HOME_CRC_MISMATCHES, 1);
            st = fail(err, ST_CORRUPT,
                      "block %" PRIu64 " of the entry at %" PRIu64 " in pack %016" PRIx64
                      " fails its checksum",
                      block, reader->extent.offset, reader->extent.pack_id);
        }
    }
    return st;
}

void
pack_reader_close(struct pack_reader **take_reader)
{
    if (*take_reader != NULL) {
        pack_release((*take_reader)->pack);
        free(*take_reader);
        *take_reader = NULL;
    }
}
