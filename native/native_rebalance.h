/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rebalance, for operators:
 *
 *   PUT {"action":"lode-rebalance","value":{"cleanup":BOOL,"force":BOOL}}
 *                     {"id","state":"started"|"running"|"waiting","text"}; refusals are errors
 *   GET ?what=lode-rebalance[&id=ID]
 *                     runs on all nodes, {"jobs", "missing"} (jobs/job_cluster.h)
 *
 * On a node that is alone both are refused with a sentence that says why.
 */
#ifndef NATIVE_NATIVE_REBALANCE_H
#define NATIVE_NATIVE_REBALANCE_H

#include "native/native_handler.h"

MUST_USE ON_WORKER enum status native_rebalance_start(struct native *native, bool is_cleanup,
                                                      bool is_forced, struct buffer *answer,
                                                      struct error *err);
/* id empty: all runs. */
MUST_USE ON_WORKER enum status native_rebalance_show(struct native *native, struct bytes id,
                                                     struct buffer *answer, struct error *err);

#endif
