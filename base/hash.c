/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

/* The state of a hash in pieces, to have it on the stack. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "base/check.h"

#include "base/banned.h"

uint64_t
hash_bytes(struct bytes data, uint64_t seed)
{
    return XXH3_64bits_withSeed(data.data, data.size, seed);
}

uint64_t
hash_stable(struct bytes data, uint64_t seed)
{
    return XXH64(data.data, data.size, seed);
}

uint64_t
hash_stable_pair(struct bytes head, struct bytes tail, uint64_t seed)
{
    XXH64_state_t state;

    CHECK(XXH64_reset(&state, seed) == XXH_OK);
    CHECK(head.size == 0 || XXH64_update(&state, head.data, head.size) == XXH_OK);
    CHECK(tail.size == 0 || XXH64_update(&state, tail.data, tail.size) == XXH_OK);
    return XXH64_digest(&state);
}
