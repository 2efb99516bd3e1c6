/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/placement.h"

#include "base/hash.h"

#include "base/banned.h"

/* AIStore's constant, part of its wire protocol. */
#define PLACEMENT_SEED UINT64_C(1103515245)

uint64_t
placement_digest(struct bytes bucket_uname, struct bytes key)
{
    return hash_stable_pair(bucket_uname, key, PLACEMENT_SEED);
}

uint64_t
placement_node_digest(struct bytes node_id)
{
    return hash_stable(node_id, PLACEMENT_SEED);
}

static uint64_t
mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* xoshiro256** uses only the second of its four state words for its first number; splitmix64 makes
 * that word in two steps from the seed. */
uint64_t
placement_weight(uint64_t node_digest, uint64_t key_digest)
{
    const uint64_t golden_gamma = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = mix((node_digest ^ key_digest) + golden_gamma);

    z = mix(z + golden_gamma) * 5;
    return ((z << 7) | (z >> 57)) * 9;
}
