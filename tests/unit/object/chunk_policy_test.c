/* SPDX-License-Identifier: Apache-2.0 */
#include "object/chunk_policy.h"

#include "meta/extent.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

/* SPEC: AIStore chunks: objects of objsize_limit and more are cut into chunks of chunk_size; 0:
 * only those that are longer than max_monolithic_size. */
TEST(objects_are_cut_from_the_limit_on)
{
    const struct chunk_policy policy = {.chunk_bytes = MIB, .limit_bytes = 10 * MIB};
    const struct chunk_policy never = {.chunk_bytes = MIB, .limit_bytes = 0};

    EXPECT_INT(CHUNK_POLICY_BYTES_MAX, chunk_policy_piece(&policy, 10 * MIB - 1));
    EXPECT_INT(MIB, chunk_policy_piece(&policy, 10 * MIB));
    EXPECT_INT(MIB, chunk_policy_piece(&policy, UINT64_MAX)); /* not known yet */
    EXPECT_INT(CHUNK_POLICY_BYTES_MAX, chunk_policy_piece(&never, 4 * GIB));
    EXPECT_INT(CHUNK_POLICY_BYTES_MAX, chunk_policy_piece(&never, 6 * GIB));
    EXPECT_INT(CHUNK_POLICY_BYTES_MAX, chunk_policy_piece(&never, UINT64_MAX));
}

/* What one object needs in memory while it is written is bounded. */
TEST(no_object_has_more_chunks_than_an_upload_has_parts)
{
    static const uint64_t SIZES[] = {10000 * MIB, 10000 * MIB + 1, 123456789012, TIB, 50 * TIB};
    const struct chunk_policy policy = {.chunk_bytes = MIB, .limit_bytes = 1};

    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        uint64_t piece = chunk_policy_piece(&policy, SIZES[i]);

        EXPECT(piece % EXTENT_BLOCK_BYTES == 0);
        EXPECT((SIZES[i] + piece - 1) / piece <= CHUNK_POLICY_COUNT_MAX);
    }
    EXPECT_INT(MIB, chunk_policy_piece(&policy, 10000 * MIB));
}

/* Bounds are refused by name. */
TEST(impossible_policies_are_refused)
{
    static const struct chunk_policy BAD[] = {
        {0, 0},
        {CHUNK_POLICY_BYTES_MIN - 1, 0},
        {65537, 0},
        {CHUNK_POLICY_BYTES_MAX + EXTENT_BLOCK_BYTES, 0},
        {65536, CHUNK_POLICY_BYTES_MAX + 1},
    };
    static const struct chunk_policy GOOD[] = {
        {CHUNK_POLICY_BYTES_MIN, 0},
        {CHUNK_POLICY_BYTES_MAX, CHUNK_POLICY_BYTES_MAX},
        {MIB, 1},
    };

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        EXPECT_STATUS(ST_INVALID, chunk_policy_check(&BAD[i], NULL));
    }
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        EXPECT_STATUS(ST_OK, chunk_policy_check(&GOOD[i], NULL));
    }
}
