/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded numbers for the image and for random load: the same seed gives the same sequence on
 * every machine.  A value type without memory behind it; each user has its own.
 */
#ifndef TESTS_CUT_RANDOM_H
#define TESTS_CUT_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct cut_random {
    uint64_t state;
};

static inline struct cut_random
cut_random_seeded(uint64_t seed)
{
    struct cut_random draws = {.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    return draws;
}

static inline uint64_t
cut_random_next(struct cut_random *draws)
{
    uint64_t x = draws->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* A number from 0 to limit - 1; limit > 0. */
static inline uint64_t
cut_random_below(struct cut_random *draws, uint64_t limit)
{
    return cut_random_next(draws) % limit;
}

/* True in share of 256 cases. */
static inline bool
cut_random_chance(struct cut_random *draws, unsigned share)
{
    return (cut_random_next(draws) & 255) < share;
}

#endif
