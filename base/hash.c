/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <xxhash.h>

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
