/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives up what pages of extents name, and deletes them, when no record names them and no reader
 * holds them any more: in commits of bounded size, each of which leaves the store whole.
 */
#ifndef STORE_PAGE_RECLAIM_H
#define STORE_PAGE_RECLAIM_H

#include "base/affinity.h"
#include "meta/extent.h"
#include "store/reclaimer.h"

/* All extent pages of the write id, then its mark. */
MUST_USE ON_WORKER enum status page_reclaim(struct home *home, struct write_id id,
                                            struct error *err);
/* At start: what a former run dropped and did not come to delete. */
MUST_USE enum status page_reclaim_recover(struct home *home, struct reclaimer *reclaimer,
                                          struct error *err);

#endif
