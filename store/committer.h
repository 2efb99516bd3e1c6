/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that commits what one home's workers have decided: it takes what waits, validates each
 * commit against what was written since its decision, syncs the packs that are named for the first
 * time, writes one batch, and acknowledges everything in it.
 */
#ifndef STORE_COMMITTER_H
#define STORE_COMMITTER_H

#include <stdint.h>

struct committer;
struct commit;
struct home;

/* Starts the thread; batch numbers go on after the home's published_batch. */
struct committer *committer_create(struct home *home);
/* All commits must have been waited for. */
void committer_destroy(struct committer **take_committer);
/* When the round that is under way began (monotonic), which is how long what it commits has waited
 * at least; 0: nothing waits.  Any thread. */
int64_t committer_round_ns(const struct committer *committer);
/* Any thread, does not wait. */
void committer_enqueue(struct committer *committer, struct commit *commit);

#endif
