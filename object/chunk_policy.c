/* SPDX-License-Identifier: Apache-2.0 */
#include "object/chunk_policy.h"

#include "meta/extent.h"

#include "base/banned.h"

enum status
chunk_policy_check(const struct chunk_policy *policy, struct error *err)
{
    if (policy->chunk_bytes < CHUNK_POLICY_BYTES_MIN ||
        policy->chunk_bytes > CHUNK_POLICY_BYTES_MAX ||
        policy->chunk_bytes % EXTENT_BLOCK_BYTES != 0) {
        return fail(err, ST_INVALID,
                    "chunk size %llu must be a multiple of %zu between %llu and %llu bytes",
                    (unsigned long long)policy->chunk_bytes, EXTENT_BLOCK_BYTES,
                    (unsigned long long)CHUNK_POLICY_BYTES_MIN,
                    (unsigned long long)CHUNK_POLICY_BYTES_MAX);
    }
    if (policy->limit_bytes > CHUNK_POLICY_BYTES_MAX) {
        return fail(err, ST_INVALID,
                    "objects of %llu bytes cannot stay in one piece: objsize_limit is at most "
                    "max_monolithic_size, %llu bytes",
                    (unsigned long long)policy->limit_bytes,
                    (unsigned long long)CHUNK_POLICY_BYTES_MAX);
    }
    return ST_OK;
}

uint64_t
chunk_policy_piece(const struct chunk_policy *policy, uint64_t size)
{
    bool is_cut = policy->limit_bytes > 0 && size >= policy->limit_bytes;
    uint64_t piece = is_cut ? policy->chunk_bytes : CHUNK_POLICY_BYTES_MAX;
    uint64_t least;

    if (size == UINT64_MAX) {
        return piece;
    }
    least = size / CHUNK_POLICY_COUNT_MAX + (size % CHUNK_POLICY_COUNT_MAX != 0);
    least = (least + EXTENT_BLOCK_BYTES - 1) / EXTENT_BLOCK_BYTES * EXTENT_BLOCK_BYTES;
    return piece > least ? piece : least;
}
