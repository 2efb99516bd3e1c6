/* SPDX-License-Identifier: Apache-2.0 */
/* Fast hashes for tables and placement (xxhash).  Not for secrets, not for integrity. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/bytes.h"

uint64_t hash_bytes(struct bytes data, uint64_t seed);  /* XXH3, 64 bits: in memory only */
uint64_t hash_stable(struct bytes data, uint64_t seed); /* XXH64: may be kept on disk */
/* hash_stable of head and tail as one piece. */
uint64_t hash_stable_pair(struct bytes head, struct bytes tail, uint64_t seed);

/* hash_stable of bytes that pass by: init -> update* -> value. */
struct hash_stream {
    uint64_t state[11];
};
void hash_stream_init(struct hash_stream *stream, uint64_t seed);
void hash_stream_update(struct hash_stream *stream, struct bytes data);
uint64_t hash_stream_value(const struct hash_stream *stream);

#endif
