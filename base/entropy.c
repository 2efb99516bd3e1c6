/* SPDX-License-Identifier: Apache-2.0 */
#include "base/entropy.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

/* Bytes fetched from the kernel at a time, per thread. */
#define ENTROPY_BLOCK_BYTES 256

static __thread unsigned char block[ENTROPY_BLOCK_BYTES];
static __thread size_t block_left;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* A forked child must not hand out the bytes its parent will. */
static void
forget_block(void)
{
    block_left = 0;
}

static void
register_fork_handler(void)
{
    CHECK(pthread_atfork(NULL, NULL, forget_block) == 0);
}

static void
kernel_fill(unsigned char *out, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);

        if (got < 0) {
            CHECK(errno == EINTR);
            continue;
        }
        out += got;
        size -= (size_t)got;
    }
}

void
entropy_fill(void *out, size_t size)
{
    if (size > ENTROPY_BLOCK_BYTES) {
        kernel_fill(out, size);
        return;
    }
    if (block_left < size) {
        CHECK(pthread_once(&fork_once, register_fork_handler) == 0);
        kernel_fill(block, sizeof(block));
        block_left = sizeof(block);
    }
    block_left -= size;
    memcpy(out, block + block_left, size);
    memory_wipe(block + block_left, size);
}

uint64_t
entropy_u64(void)
{
    uint64_t value;

    entropy_fill(&value, sizeof(value));
    return value;
}

uint64_t
prng_u64(struct prng *prng)
{
    uint64_t z = prng->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t
prng_below(struct prng *prng, uint64_t bound)
{
    CHECK(bound > 0);
    return (uint64_t)(((unsigned __int128)prng_u64(prng) * bound) >> 64);
}

void
prng_fill(struct prng *prng, void *out, size_t size)
{
    unsigned char *to = out;

    while (size > 0) {
        uint64_t value = prng_u64(prng);
        size_t take = size < sizeof(value) ? size : sizeof(value);

        memcpy(to, &value, take);
        to += take;
        size -= take;
    }
}
