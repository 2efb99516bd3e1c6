/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives back the space of packs: releases those that nothing names any more, and empties the ones
 * with the least live bytes while packs take more than COLLECT_RATIO times their live bytes.
 *
 * A pack goes only when its live counter is exactly zero, decided in a commit; its file is reused
 * or removed once no pin is older than that commit.
 */
#ifndef STORE_PACK_COLLECTOR_H
#define STORE_PACK_COLLECTOR_H

#include "base/affinity.h"
#include "store/home.h"

struct pack_collector;

struct pack_collector *pack_collector_create(struct home *home);
void pack_collector_destroy(struct pack_collector **take_collector);
/* Works on one pack; *ret_work_done: there was one. */
MUST_USE ON_WORKER enum status pack_collector_step(struct pack_collector *collector,
                                                   bool *ret_work_done, struct error *err);

#endif
