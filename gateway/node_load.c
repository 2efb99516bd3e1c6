/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/node_load.h"

#include "base/load_system.h"
#include "net/http_limits.h"

#include "base/banned.h"

/* What homes may have to open: files of RocksDB and packs beyond those that are open now. */
#define DESCRIPTORS_PER_HOME 64
/* Connections to other nodes and to etcd, logs, what libraries keep. */
#define DESCRIPTORS_OF_NODE 64

void
node_load_open(struct node_load *load, const struct config *config, size_t worker_count)
{
    size_t home_count = config->mountpath.count > 0 ? config->mountpath.count : 1;
    struct load_system_options options = {
        .root = "",
        .memory_reserve_bytes = (uint64_t)worker_count * BODY_BUFFER_BYTES,
        .memory_budget_bytes = config->memory,
        .descriptor_reserve = DESCRIPTORS_OF_NODE + DESCRIPTORS_PER_HOME * (uint64_t)home_count,
    };

    if (options.memory_reserve_bytes < LOAD_MEMORY_RESERVE_BYTES_MIN) {
        options.memory_reserve_bytes = LOAD_MEMORY_RESERVE_BYTES_MIN;
    }
    load->load = load_create();
    load->system = load_system_create(&options);
    load_add_source(load->load, load_system_read, load->system);
}

void
node_load_close(struct node_load *load)
{
    load_destroy(&load->load);
    load_system_destroy(&load->system);
}
