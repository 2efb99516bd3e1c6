/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from the kernel (ids, keys), and a seeded generator for tests and jitter.
 */
#ifndef BASE_ENTROPY_H
#define BASE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Unpredictable bytes.  Cheap for small sizes: a thread keeps a block of them. */
void entropy_fill(void *out, size_t size);
uint64_t entropy_u64(void);

/* Reproducible (splitmix64); not for secrets. */
struct prng {
    uint64_t state;
};

static inline struct prng
prng_init(uint64_t seed)
{
    return (struct prng){seed};
}

uint64_t prng_u64(struct prng *prng);
uint64_t prng_below(struct prng *prng, uint64_t bound); /* 0 <= result < bound, bound > 0 */
void prng_fill(struct prng *prng, void *out, size_t size);

#endif
