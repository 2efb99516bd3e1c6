/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's thread for slow background work: pack collector and sweep, home after home, so that
 * at most one of them is at work.
 */
#ifndef STORE_HOUSEKEEPER_H
#define STORE_HOUSEKEEPER_H

#include "store/store.h"

struct housekeeper;

/* is_stepped: no thread, only the calls below (tests, checks). */
struct housekeeper *housekeeper_create(struct store *store, bool is_stepped);
/* Ends the thread after the step that is under way. */
/* Between the two no step is under way. */
void housekeeper_pause(struct housekeeper *housekeeper);
void housekeeper_resume(struct housekeeper *housekeeper);
void housekeeper_destroy(struct housekeeper **take_housekeeper);
/* Not at the same time as the thread: they wait for each other's step. */
MUST_USE enum status housekeeper_collect(struct housekeeper *housekeeper, bool *ret_work_done,
                                         struct error *err);
MUST_USE enum status housekeeper_sweep(struct housekeeper *housekeeper, uint64_t *ret_removed_count,
                                       struct error *err);

#endif
