/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --memory is divided once, at start; no client can move it.  Shares in 1/16 of the budget:
 *
 *   block cache    6   index, filters and record blocks: what a cached GET needs
 *   memtables      2   RocksDB's write buffers of all homes
 *   body buffers   4   request and response bodies in flight (64 uploads of 1 MiB each at 512 MiB)
 *   the rest       4   connections, arenas, stacks, what the libraries keep
 */
#ifndef GATEWAY_MEMORY_BUDGET_H
#define GATEWAY_MEMORY_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/* Less leaves a cache that thrashes on its own index blocks. */
#define MEMORY_BUDGET_BYTES_MIN (UINT64_C(128) << 20)

struct memory_budget {
    size_t cache_bytes;
    size_t write_buffer_bytes;
    size_t body_bytes;
};

static inline struct memory_budget
memory_budget_of(uint64_t total_bytes)
{
    uint64_t share = total_bytes / 16;

    return (struct memory_budget){.cache_bytes = (size_t)(share * 6),
                                  .write_buffer_bytes = (size_t)(share * 2),
                                  .body_bytes = (size_t)(share * 4)};
}

#endif
