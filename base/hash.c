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

_Static_assert(sizeof(XXH64_state_t) <= sizeof(struct hash_stream), "the state fits");

void
hash_stream_init(struct hash_stream *stream, uint64_t seed)
{
    CHECK(XXH64_reset((XXH64_state_t *)stream->state, seed) == XXH_OK);
}

void
hash_stream_update(struct hash_stream *stream, struct bytes data)
{
    CHECK(data.size == 0 ||
          XXH64_update((XXH64_state_t *)stream->state, data.data, data.size) == XXH_OK);
}

uint64_t
hash_stream_value(const struct hash_stream *stream)
{
    return XXH64_digest((const XXH64_state_t *)stream->state);
}
