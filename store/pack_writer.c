/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_writer.h"

#include <errno.h>
#include <inttypes.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/pack_format.h"
#include "stream/crc.h"

#include "base/banned.h"

static enum status
fail_write(struct home *home, const struct pack *pack, struct error *err)
{
    struct error local = ERROR_INIT;
    enum status st;

    if (errno == ENOSPC || errno == EDQUOT) {
        return fail_errno(err, ST_NO_SPACE, "mountpath %s: no space in a pack", home->directory);
    }
    st = fail_errno(&local, ST_IO, "mountpath %s: writing pack %016" PRIx64 " failed",
                    home->directory, pack->id);
    home_quarantine(home, &local);
    if (err != NULL) {
        *err = local;
    }
    return st;
}

static void
fill_entry(const struct pack_writer_options *options, struct bytes data, const struct pack *pack,
           struct pack_entry *entry)
{
    *entry = (struct pack_entry){
        .pack_id = pack->id,
        .write_id = options->write_id,
        .bucket_id = options->bucket_id,
        .part_number = options->part_number,
        .key_size = (uint32_t)options->key.size,
        .data_size = (uint32_t)data.size,
        .key_crc = crc32_castagnoli(0, options->key),
        .synced_batch = atomic_load(&options->home->synced_batch),
    };
    if (options->upload != NULL) {
        entry->upload = *options->upload;
    }
    for (size_t at = 0; at < data.size; at += EXTENT_BLOCK_BYTES) {
        size_t end = at + EXTENT_BLOCK_BYTES < data.size ? at + EXTENT_BLOCK_BYTES : data.size;

        entry->block_crcs[at / EXTENT_BLOCK_BYTES] =
            crc32_castagnoli(0, bytes_slice(data, at, end));
    }
}

enum status
pack_write(const struct pack_writer_options *options, struct bytes data, struct pack **ret_pack,
           struct extent *ret_extent, struct error *err)
{
    unsigned char header[PACK_ENTRY_HEADER_BYTES];
    struct iovec iov[] = {{header, sizeof(header)},
                          {(char *)data.data, data.size},
                          {(char *)options->key.data, options->key.size}};
    struct pack_entry entry;
    struct pack *pack = NULL;
    uint64_t offset = 0;
    enum status st = pack_reserve(
        options->home->packs, pack_entry_space(data.size, options->key.size), &pack, &offset, err);

    if (st != ST_OK) {
        return st;
    }
    fill_entry(options, data, pack, &entry);
    pack_entry_encode(&entry, header);
    if (write_fully(pack->fd, iov, ARRAY_COUNT(iov), (off_t)offset, "pack_write") != 0) {
        st = fail_write(options->home, pack, err);
        pack_release_reservation(pack);
        return st;
    }
    home_count(options->home, HOME_WRITTEN_BYTES,
               PACK_ENTRY_HEADER_BYTES + data.size + options->key.size);
    *ret_extent = (struct extent){.kind = EXTENT_PACK,
                                  .length = data.size,
                                  .write_id = options->write_id,
                                  .pack_id = pack->id,
                                  .offset = offset};
    *ret_pack = pack;
    return ST_OK;
}
