/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_format.h"

#include "base/check.h"
#include "base/encode.h"
#include "stream/crc.h"

#include "base/banned.h"

#define MAGIC_BYTES 8
static const char PACK_MAGIC[MAGIC_BYTES] = {'L', 'o', 'd', 'e', 'P', 'a', 'c', 'k'};
static const char ENTRY_MAGIC[MAGIC_BYTES] = {'L', 'o', 'd', 'e', 'E', 'n', 't', '1'};
#define PACK_FORMAT 1

/* Offsets in the pack's header. */
#define PACK_FORMAT_AT 8
#define PACK_ID_AT 16
#define PACK_HOME_AT 24
#define PACK_CAPACITY_AT 40
#define PACK_CRC_AT (PACK_HEADER_BYTES - 4)

/* Offsets in an entry's header; 96 to 123 are zero. */
#define ENTRY_PACK_AT 8
#define ENTRY_WRITE_ID_AT 16
#define ENTRY_BUCKET_AT 32
#define ENTRY_UPLOAD_AT 40
#define ENTRY_PART_AT 56
#define ENTRY_KEY_SIZE_AT 60
#define ENTRY_DATA_SIZE_AT 64
#define ENTRY_BLOCKS_AT 68
#define ENTRY_KEY_CRC_AT 84
#define ENTRY_BATCH_AT 88
#define ENTRY_CRC_AT (PACK_ENTRY_HEADER_BYTES - 4)

void
pack_header_encode(const struct pack_header *header, unsigned char *out)
{
    memset(out, 0, PACK_HEADER_BYTES);
    memcpy(out, PACK_MAGIC, MAGIC_BYTES);
    encode_u32_be(out + PACK_FORMAT_AT, PACK_FORMAT);
    encode_u64_be(out + PACK_ID_AT, header->pack_id);
    memcpy(out + PACK_HOME_AT, header->home_uuid, sizeof(header->home_uuid));
    encode_u64_be(out + PACK_CAPACITY_AT, header->capacity_bytes);
    encode_u32_be(out + PACK_CRC_AT, crc32_castagnoli(0, bytes_of(out, PACK_CRC_AT)));
}

enum status
pack_header_decode(const unsigned char *in, struct pack_header *ret_header, struct error *err)
{
    if (memcmp(in, PACK_MAGIC, MAGIC_BYTES) != 0 ||
        decode_u32_be(in + PACK_CRC_AT) != crc32_castagnoli(0, bytes_of(in, PACK_CRC_AT))) {
        return fail(err, ST_CORRUPT, "a pack does not begin with a pack's header");
    }
    if (decode_u32_be(in + PACK_FORMAT_AT) != PACK_FORMAT) {
        return fail(err, ST_NOT_IMPLEMENTED, "a pack has format %u, this program knows %d",
                    decode_u32_be(in + PACK_FORMAT_AT), PACK_FORMAT);
    }
    ret_header->pack_id = decode_u64_be(in + PACK_ID_AT);
    memcpy(ret_header->home_uuid, in + PACK_HOME_AT, sizeof(ret_header->home_uuid));
    ret_header->capacity_bytes = decode_u64_be(in + PACK_CAPACITY_AT);
    return ST_OK;
}

void
pack_entry_encode(const struct pack_entry *entry, unsigned char *out)
{
    CHECK(entry->data_size <= PACK_DATA_BYTES_MAX);
    memset(out, 0, PACK_ENTRY_HEADER_BYTES);
    memcpy(out, ENTRY_MAGIC, MAGIC_BYTES);
    encode_u64_be(out + ENTRY_PACK_AT, entry->pack_id);
    memcpy(out + ENTRY_WRITE_ID_AT, entry->write_id.bytes, WRITE_ID_BYTES);
    encode_u64_be(out + ENTRY_BUCKET_AT, entry->bucket_id);
    memcpy(out + ENTRY_UPLOAD_AT, entry->upload.bytes, sizeof(entry->upload.bytes));
    encode_u32_be(out + ENTRY_PART_AT, entry->part_number);
    encode_u32_be(out + ENTRY_KEY_SIZE_AT, entry->key_size);
    encode_u32_be(out + ENTRY_DATA_SIZE_AT, entry->data_size);
    for (size_t i = 0; i < PACK_BLOCK_MAX; i++) {
        encode_u32_be(out + ENTRY_BLOCKS_AT + 4 * i, entry->block_crcs[i]);
    }
    encode_u32_be(out + ENTRY_KEY_CRC_AT, entry->key_crc);
    encode_u64_be(out + ENTRY_BATCH_AT, entry->synced_batch);
    encode_u32_be(out + ENTRY_CRC_AT, crc32_castagnoli(0, bytes_of(out, ENTRY_CRC_AT)));
}

enum status
pack_entry_decode(const unsigned char *in, struct pack_entry *ret_entry, struct error *err)
{
    struct pack_entry entry;

    if (memcmp(in, ENTRY_MAGIC, MAGIC_BYTES) != 0 ||
        decode_u32_be(in + ENTRY_CRC_AT) != crc32_castagnoli(0, bytes_of(in, ENTRY_CRC_AT))) {
        return fail(err, ST_CORRUPT, "no entry of a pack stands where one is expected");
    }
    entry.pack_id = decode_u64_be(in + ENTRY_PACK_AT);
    memcpy(entry.write_id.bytes, in + ENTRY_WRITE_ID_AT, WRITE_ID_BYTES);
    entry.bucket_id = decode_u64_be(in + ENTRY_BUCKET_AT);
    memcpy(entry.upload.bytes, in + ENTRY_UPLOAD_AT, sizeof(entry.upload.bytes));
    entry.part_number = decode_u32_be(in + ENTRY_PART_AT);
    entry.key_size = decode_u32_be(in + ENTRY_KEY_SIZE_AT);
    entry.data_size = decode_u32_be(in + ENTRY_DATA_SIZE_AT);
    for (size_t i = 0; i < PACK_BLOCK_MAX; i++) {
        entry.block_crcs[i] = decode_u32_be(in + ENTRY_BLOCKS_AT + 4 * i);
    }
    entry.key_crc = decode_u32_be(in + ENTRY_KEY_CRC_AT);
    entry.synced_batch = decode_u64_be(in + ENTRY_BATCH_AT);
    if (entry.data_size > PACK_DATA_BYTES_MAX || entry.key_size > UINT16_MAX) {
        return fail(err, ST_CORRUPT, "an entry of a pack claims %u bytes of data and %u of key",
                    entry.data_size, entry.key_size);
    }
    *ret_entry = entry;
    return ST_OK;
}

static uint64_t
align_up(uint64_t size)
{
    return (size + PACK_ALIGN_BYTES - 1) / PACK_ALIGN_BYTES * PACK_ALIGN_BYTES;
}

uint64_t
pack_entry_space(uint64_t data_size, uint64_t key_size)
{
    return align_up(PACK_ENTRY_HEADER_BYTES + data_size + key_size);
}

int64_t
pack_live_bytes(const struct extent *extent)
{
    return (int64_t)align_up(PACK_ENTRY_HEADER_BYTES + extent->length);
}
