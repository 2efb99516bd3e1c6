/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_format.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static const struct pack_entry SAMPLE = {
    .pack_id = 0x1122334455667788,
    .write_id = {{1, 2, 3}},
    .bucket_id = 9,
    .upload = {{7}},
    .part_number = 5,
    .key_size = 11,
    .data_size = 200000,
    .block_crcs = {1, 2, 3, 4},
    .key_crc = 99,
    .synced_batch = 12345,
};

TEST(entry_header_survives)
{
    unsigned char bytes[PACK_ENTRY_HEADER_BYTES];
    unsigned char again[PACK_ENTRY_HEADER_BYTES];
    struct pack_entry entry;
    struct error err = ERROR_INIT;

    pack_entry_encode(&SAMPLE, bytes);
    EXPECT_OK(pack_entry_decode(bytes, &entry, &err), &err);
    pack_entry_encode(&entry, again);

    EXPECT(memcmp(bytes, again, sizeof(bytes)) == 0);
    EXPECT_INT(200000, entry.data_size);
    EXPECT_INT(4, entry.block_crcs[3]);
    EXPECT_INT(12345, entry.synced_batch);
}

TEST(entry_header_with_any_flipped_bit_is_corrupt)
{
    unsigned char bytes[PACK_ENTRY_HEADER_BYTES];
    struct pack_entry entry;

    pack_entry_encode(&SAMPLE, bytes);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        EXPECT_STATUS(ST_CORRUPT, pack_entry_decode(bytes, &entry, NULL));
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

TEST(pack_header_survives_and_a_flipped_bit_is_corrupt)
{
    struct pack_header header = {.pack_id = 5, .home_uuid = {1, 2}, .capacity_bytes = 64 << 20};
    struct pack_header decoded;
    unsigned char block[PACK_HEADER_BYTES];
    struct error err = ERROR_INIT;

    pack_header_encode(&header, block);
    EXPECT_OK(pack_header_decode(block, &decoded, &err), &err);
    EXPECT_INT(5, decoded.pack_id);
    EXPECT_INT(64 << 20, decoded.capacity_bytes);
    block[3000] ^= 1;

    EXPECT_STATUS(ST_CORRUPT, pack_header_decode(block, &decoded, NULL));
}

/* What is counted live when named must be what is counted dead when dropped: no key is known then.
 */
TEST(live_bytes_follow_from_the_extent_alone)
{
    struct extent extent = {.kind = EXTENT_PACK, .length = 1000};

    EXPECT_INT(1152, pack_live_bytes(&extent));
    EXPECT_INT(1152, pack_entry_space(1000, 20));
    EXPECT_INT(1216, pack_entry_space(1000, 25));
}
