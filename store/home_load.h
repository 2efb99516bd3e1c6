/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the homes of this node tell the load vector: how long the oldest commit has waited, and how
 * near the free space is to its floor.  Called on the vector's thread between store_open and
 * store_close; the worst home counts.
 */
#ifndef STORE_HOME_LOAD_H
#define STORE_HOME_LOAD_H

#include "base/load.h"
#include "store/store.h"

/* A load_source_fn. */
void home_load_read(struct load_readings *readings, int64_t now_ns, void *store);

#endif
