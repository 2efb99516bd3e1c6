/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_format.h"

#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "stream/crc.h"

#include "base/banned.h"

#define MAGIC_BYTES 8
static const char CHUNK_MAGIC[MAGIC_BYTES] = {'L', 'o', 'd', 'e', 'C', 'h', 'n', 'k'};
#define CHUNK_FORMAT 1

/* Offsets in the header. */
#define FORMAT_AT 8
#define CHUNK_ID_AT 16
#define WRITE_ID_AT 32
#define HOME_AT 48
#define BUCKET_AT 64
#define UPLOAD_AT 72
#define PART_AT 88
#define KEY_SIZE_AT 92
#define KEY_AT 96
#define CRC_AT (CHUNK_HEADER_BYTES - 4)

void
chunk_header_encode(const struct chunk_header *header, unsigned char *out)
{
    CHECK(header->key.size <= META_KEY_NAME_MAX);
    memset(out, 0, CHUNK_HEADER_BYTES);
    memcpy(out, CHUNK_MAGIC, MAGIC_BYTES);
    encode_u32_be(out + FORMAT_AT, CHUNK_FORMAT);
    memcpy(out + CHUNK_ID_AT, header->chunk_id.bytes, CHUNK_ID_BYTES);
    memcpy(out + WRITE_ID_AT, header->write_id.bytes, WRITE_ID_BYTES);
    memcpy(out + HOME_AT, header->home_uuid, sizeof(header->home_uuid));
    encode_u64_be(out + BUCKET_AT, header->bucket_id);
    memcpy(out + UPLOAD_AT, header->upload.bytes, sizeof(header->upload.bytes));
    encode_u32_be(out + PART_AT, header->part_number);
    encode_u32_be(out + KEY_SIZE_AT, (uint32_t)header->key.size);
    if (header->key.size > 0) {
        memcpy(out + KEY_AT, header->key.data, header->key.size);
    }
    encode_u32_be(out + CRC_AT, crc32_castagnoli(0, bytes_of(out, CRC_AT)));
}

enum status
chunk_header_decode(const unsigned char *in, struct chunk_header *ret_header, struct error *err)
{
    uint32_t key_size = decode_u32_be(in + KEY_SIZE_AT);

    if (memcmp(in, CHUNK_MAGIC, MAGIC_BYTES) != 0 || key_size > META_KEY_NAME_MAX ||
        decode_u32_be(in + CRC_AT) != crc32_castagnoli(0, bytes_of(in, CRC_AT))) {
        return fail(err, ST_CORRUPT, "a chunk file does not begin with a chunk's header");
    }
    if (decode_u32_be(in + FORMAT_AT) != CHUNK_FORMAT) {
        return fail(err, ST_NOT_IMPLEMENTED, "a chunk file has format %u, this program knows %d",
                    decode_u32_be(in + FORMAT_AT), CHUNK_FORMAT);
    }
    memcpy(ret_header->chunk_id.bytes, in + CHUNK_ID_AT, CHUNK_ID_BYTES);
    memcpy(ret_header->write_id.bytes, in + WRITE_ID_AT, WRITE_ID_BYTES);
    memcpy(ret_header->home_uuid, in + HOME_AT, sizeof(ret_header->home_uuid));
    ret_header->bucket_id = decode_u64_be(in + BUCKET_AT);
    memcpy(ret_header->upload.bytes, in + UPLOAD_AT, sizeof(ret_header->upload.bytes));
    ret_header->part_number = decode_u32_be(in + PART_AT);
    ret_header->key = bytes_of(in + KEY_AT, key_size);
    return ST_OK;
}

void
chunk_shard_format(char *out, const unsigned char *home_uuid, unsigned int shard)
{
    char uuid[33];

    encode_hex(bytes_of(home_uuid, 16), uuid);
    snprintf(out, CHUNK_PATH_SIZE, "chunks/%s/%02x", uuid, shard);
}

void
chunk_path_format(char *out, const unsigned char *home_uuid, struct chunk_id id)
{
    char uuid[33];
    char name[33];

    encode_hex(bytes_of(home_uuid, 16), uuid);
    encode_hex(bytes_of(id.bytes, sizeof(id.bytes)), name);
    snprintf(out, CHUNK_PATH_SIZE, "chunks/%s/%02x/%s", uuid, id.bytes[0], name);
}
