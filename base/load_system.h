/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of the load vector that come from the kernel: memory and CPU of the machine and of the
 * cgroups that this process is in (version 2, version 1, or none), pressure, limits of the process,
 * descriptors.  What a kernel does not have stays unknown, and is named once in the log.  Used on
 * the vector's thread only.
 */
#ifndef BASE_LOAD_SYSTEM_H
#define BASE_LOAD_SYSTEM_H

#include "base/load.h"

struct load_system;

struct load_system_options {
    const char *root;              /* before /proc and /sys; "" but in tests */
    uint64_t memory_reserve_bytes; /* less left is critical */
    uint64_t descriptor_reserve;   /* likewise */
    uint64_t memory_budget_bytes;  /* what the process is told to use; 0: not said */
};

struct load_system *load_system_create(const struct load_system_options *options);
void load_system_destroy(struct load_system **take_system);
/* A load_source_fn. */
void load_system_read(struct load_readings *readings, int64_t now_ns, void *system);

#endif
