/* SPDX-License-Identifier: Apache-2.0 */
/* A share of a batch on the node that owns it.  Only for the files of walks. */
#ifndef JOBS_WALK_SHARE_H
#define JOBS_WALK_SHARE_H

#include "jobs/walk_split.h"

/* On several threads; the outcome stands in each item. */
ON_WORKER void walk_share_work(const struct walk_share *share, enum walk_step step,
                               struct walk_item *items, size_t count);

/* From now on walk_stop_shares finds it; NULL: there are too many. */
atomic_bool *walk_share_enter(struct bytes job_id);
void walk_share_leave(const atomic_bool *is_stopped);

#endif
