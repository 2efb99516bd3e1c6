/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's background thread: lazy syncs, freeing what was dropped, packs made ahead of time.
 */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

struct store;
struct upkeep;

struct upkeep *upkeep_create(struct store *store);
/* Ends the thread; a step under way is finished. */
void upkeep_destroy(struct upkeep **take_upkeep);
/* There is something to do before the interval is over.  Any thread, does not wait. */
void upkeep_wake(struct upkeep *upkeep);

#endif
