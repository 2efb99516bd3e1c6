/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/crc.h"

#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Check values of the three algorithms over "123456789". */
TEST(check_values_of_the_catalogue)
{
    struct bytes digits = BYTES_LITERAL("123456789");

    EXPECT(crc32_zlib(0, digits) == UINT32_C(0xCBF43926));
    EXPECT(crc32_castagnoli(0, digits) == UINT32_C(0xE3069283));
    EXPECT(crc64_nvme(0, digits) == UINT64_C(0xAE8B14860A799888));
    EXPECT(crc64_nvme_portable(0, digits) == UINT64_C(0xAE8B14860A799888));
}

/* SPEC: RFC 3720 B.4 (CRC32C); NVMe NVM Command Set 1.0c, 5.2.1.3.5 (64b CRC). */
TEST(test_vectors_of_the_standards)
{
    char block[4096];
    struct bytes all = {block, sizeof(block)};

    memset(block, 0, sizeof(block));
    EXPECT(crc32_castagnoli(0, bytes_of(block, 32)) == UINT32_C(0x8A9136AA));
    EXPECT(crc64_nvme(0, all) == UINT64_C(0x6482D367EB22B64E));
    EXPECT(crc64_nvme_portable(0, all) == UINT64_C(0x6482D367EB22B64E));
    memset(block, 0xFF, sizeof(block));
    EXPECT(crc32_castagnoli(0, bytes_of(block, 32)) == UINT32_C(0x62A8AB43));
    EXPECT(crc64_nvme(0, all) == UINT64_C(0xC0DDBA7302ECA3AC));
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = (char)i;
    }
    EXPECT(crc32_castagnoli(0, bytes_of(block, 32)) == UINT32_C(0x46DD794E));
    EXPECT(crc64_nvme(0, all) == UINT64_C(0x3E729F5F6750449C));
}

TEST(nothing_changes_nothing)
{
    EXPECT(crc32_zlib(0, BYTES_NONE) == 0);
    EXPECT(crc32_castagnoli(0, BYTES_NONE) == 0);
    EXPECT(crc64_nvme(0, BYTES_NONE) == 0);
    EXPECT(crc64_nvme(7, BYTES_NONE) == 7);
}

/* Folding and tables agree at every length around the block sizes and at every alignment. */
TEST(folding_agrees_with_the_tables)
{
    struct prng prng = test_prng();
    char data[1800]; /* the wide registers begin at 1024 */

    prng_fill(&prng, data, sizeof(data));
    for (size_t from = 0; from < 17; from++) {
        for (size_t size = 0; size <= sizeof(data) - from; size++) {
            struct bytes piece = bytes_of(data + from, size);

            EXPECT(crc64_nvme(size, piece) == crc64_nvme_portable(size, piece));
        }
    }
}

/* CRC of AB from those of A and B, at any split, is what one pass gives. */
TEST(combination_equals_one_pass)
{
    struct prng prng = test_prng();
    size_t size = 300000;
    char *data = xmalloc(size);

    prng_fill(&prng, data, size);
    for (int i = 0; i < 200; i++) {
        size_t cut = i == 0 ? 0 : i == 1 ? size : prng_below(&prng, size);
        struct bytes all = {data, size};
        struct bytes a = {data, cut};
        struct bytes b = {data + cut, size - cut};

        EXPECT(crc32_zlib_combine(crc32_zlib(0, a), crc32_zlib(0, b), b.size) ==
               crc32_zlib(0, all));
        EXPECT(crc32_zlib(crc32_zlib(0, a), b) == crc32_zlib(0, all));
        EXPECT(crc32_castagnoli_combine(crc32_castagnoli(0, a), crc32_castagnoli(0, b), b.size) ==
               crc32_castagnoli(0, all));
        EXPECT(crc32_castagnoli(crc32_castagnoli(0, a), b) == crc32_castagnoli(0, all));
        EXPECT(crc64_nvme_combine(crc64_nvme(0, a), crc64_nvme(0, b), b.size) ==
               crc64_nvme(0, all));
        EXPECT(crc64_nvme(crc64_nvme(0, a), b) == crc64_nvme(0, all));
    }
    free(data);
}

/* A 50 TB second piece: the shift is computed from the length, not by walking it. */
TEST(combination_is_associative_over_huge_lengths)
{
    uint64_t size = UINT64_C(50) << 40;

    EXPECT(crc64_nvme_combine(crc64_nvme_combine(1, 2, size), 3, size) ==
           crc64_nvme_combine(1, crc64_nvme_combine(2, 3, size), 2 * size));
    EXPECT(crc32_zlib_combine(crc32_zlib_combine(1, 2, size), 3, size) ==
           crc32_zlib_combine(1, crc32_zlib_combine(2, 3, size), 2 * size));
}
