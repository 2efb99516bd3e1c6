/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mountpaths of the model's targets that come and go while keys move between targets: a thread that
 * attaches and detaches a second one, disables and enables the first, and runs resilvers, to their
 * end or not.  No request may fail because of that.
 */
#ifndef TESTS_UNIT_PEER_MODEL_DISKS_H
#define TESTS_UNIT_PEER_MODEL_DISKS_H

#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/peer/model_client.h"

struct model_disks;

/* Of the first node_count nodes. */
struct model_disks *model_disks_start(struct model *model, struct test_node *nodes,
                                      size_t node_count, uint64_t seed);
/* No change and no resilver runs at that node from here to resume, in which it may start anew. */
void model_disks_suspend(struct model_disks *disks, size_t node);
void model_disks_resume(struct model_disks *disks, size_t node);
/* Ends the thread, and brings what it began to its end. */
void model_disks_stop(struct model_disks *disks);
/* How many changes there were. */
uint64_t model_disks_change_count(const struct model_disks *disks);
void model_disks_destroy(struct model_disks **take_disks);

#endif
