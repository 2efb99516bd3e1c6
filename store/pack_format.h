/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a pack file.  A header block, then entries aligned to PACK_ALIGN_BYTES:
 *   entry header (fixed size), data, key of the referrer
 * The key comes last so that the place of the data follows from the extent alone.  Space between
 * entries is what abandoned reservations left; a walk finds the next entry by magic, pack id and
 * header CRC at each aligned offset.  All integers are big-endian.
 */
#ifndef STORE_PACK_FORMAT_H
#define STORE_PACK_FORMAT_H

#include "meta/extent.h"
#include "meta/upload_record.h"
#include "store/store_limits.h"

#define PACK_HEADER_BYTES ((size_t)4096)
#define PACK_ENTRY_HEADER_BYTES ((size_t)128)
#define PACK_ALIGN_BYTES ((uint64_t)64)
#define PACK_BLOCK_MAX (PACK_DATA_BYTES_MAX / EXTENT_BLOCK_BYTES)

struct pack_header {
    uint64_t pack_id;
    unsigned char home_uuid[16];
    uint64_t capacity_bytes;
};

/* out: PACK_HEADER_BYTES. */
void pack_header_encode(const struct pack_header *header, unsigned char *out);
MUST_USE enum status pack_header_decode(const unsigned char *in, struct pack_header *ret_header,
                                        struct error *err);

struct pack_entry {
    uint64_t pack_id;
    struct write_id write_id;
    uint64_t bucket_id;
    struct upload_id upload; /* all zero: an object */
    uint32_t part_number;
    uint32_t key_size;
    uint32_t data_size;
    uint32_t block_crcs[PACK_BLOCK_MAX]; /* CRC32C of each EXTENT_BLOCK_BYTES of data */
    uint32_t key_crc;
    uint64_t synced_batch; /* was on disk when this was written: see store/pack_witness.h */
};

/* out: PACK_ENTRY_HEADER_BYTES. */
void pack_entry_encode(const struct pack_entry *entry, unsigned char *out);
/* ST_CORRUPT: no entry stands here. */
MUST_USE enum status pack_entry_decode(const unsigned char *in, struct pack_entry *ret_entry,
                                       struct error *err);
/* Space of an entry in its pack, aligned. */
uint64_t pack_entry_space(uint64_t data_size, uint64_t key_size);
/* What a record that names this extent counts as live: the same when named and when dropped. */
int64_t pack_live_bytes(const struct extent *extent);

#endif
