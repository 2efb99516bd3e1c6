/* SPDX-License-Identifier: Apache-2.0 */
/* The load vector of loded (base/load.h) with its readings of the system, by the settings. */
#ifndef GATEWAY_NODE_LOAD_H
#define GATEWAY_NODE_LOAD_H

#include "base/load.h"
#include "gateway/config.h"

struct node_load {
    struct load *load;
    struct load_system *system;
};

/* Not started: others add their readings first. */
void node_load_open(struct node_load *load, const struct config *config, size_t worker_count);
void node_load_close(struct node_load *load);

#endif
