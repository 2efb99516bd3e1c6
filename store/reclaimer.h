/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one home that no record names any more.  They are freed once the batch that dropped them
 * is on disk and no pin is older than it; never while the home is quarantined.  What a crash leaves
 * here is found by the sweep.
 */
#ifndef STORE_RECLAIMER_H
#define STORE_RECLAIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "meta/extent.h"

struct dropped_extent;
struct home;
struct reclaimer;

struct reclaimer *reclaimer_create(struct home *home);
void reclaimer_destroy(struct reclaimer **take_reclaimer);
/* The list is copied.  Committer only, batches ascending. */
void reclaimer_add(struct reclaimer *reclaimer, uint64_t batch,
                   const struct dropped_extent *dropped);
/* The youngest batch that something waits for; 0: nothing waits. */
uint64_t reclaimer_newest_batch(struct reclaimer *reclaimer);
/* Free what may be freed now, until the monotonic clock says until_ns (INT64_MAX: all of it). Tells
 * whether there was anything; what pages named waits in its turn. */
bool reclaimer_run(struct reclaimer *reclaimer, int64_t until_ns);
/* Is the chunk file among what waits or is being freed?  For checks. */
bool reclaimer_has_chunk(struct reclaimer *reclaimer, struct chunk_id id);
size_t reclaimer_waiting_count(struct reclaimer *reclaimer);

#endif
