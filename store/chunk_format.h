/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of a chunk file, and the places of things in it. */
#ifndef STORE_CHUNK_FORMAT_H
#define STORE_CHUNK_FORMAT_H

#include "meta/meta_key.h"
#include "store/chunk_file.h"

#define CHUNK_PATH_SIZE 128
#define CHUNK_SHARD_COUNT 256

struct chunk_header {
    struct chunk_id chunk_id;
    struct write_id write_id;
    unsigned char home_uuid[16];
    uint64_t bucket_id;
    struct upload_id upload; /* all zero: an object */
    uint32_t part_number;
    struct bytes key; /* decoded: a view into the block */
};

/* out: CHUNK_HEADER_BYTES. */
void chunk_header_encode(const struct chunk_header *header, unsigned char *out);
MUST_USE enum status chunk_header_decode(const unsigned char *in, struct chunk_header *ret_header,
                                         struct error *err);

/* out: CHUNK_PATH_SIZE, relative to the mountpath. */
void chunk_path_format(char *out, const unsigned char *home_uuid, struct chunk_id id);
void chunk_shard_format(char *out, const unsigned char *home_uuid, unsigned int shard);

static inline uint64_t
chunk_block_count(uint64_t length)
{
    return (length + EXTENT_BLOCK_BYTES - 1) / EXTENT_BLOCK_BYTES;
}

static inline uint64_t
chunk_table_offset(uint64_t length)
{
    return CHUNK_HEADER_BYTES + length;
}

#endif
