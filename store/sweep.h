/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes files that nothing names: chunk files without a count, packs that FAMILY_PACK does not
 * know.  Never of a running operation, never of a home that is not present, never before the file
 * was seen unnamed for sweep_age_s (monotonic, since this process first saw it so) and all readers
 * of that time are gone.
 */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include "base/affinity.h"
#include "store/home.h"

struct sweep;

struct sweep *sweep_create(struct home *home);
void sweep_destroy(struct sweep **take_sweep);
/* One shard directory on all mountpaths, or the packs; *ret_is_round: a round ended with it. */
MUST_USE ON_WORKER enum status sweep_step(struct sweep *sweep, uint64_t *ret_removed_count,
                                          bool *ret_is_round, struct error *err);

#endif
