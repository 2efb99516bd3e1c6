/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two targets, a third that joins, and a gateway: the test is the leader, it proposes and activates
 * maps on the targets by their ops.  One cluster for each test.
 */
#ifndef TESTS_UNIT_PEER_PLACEMENT_FIXTURE_H
#define TESTS_UNIT_PEER_PLACEMENT_FIXTURE_H

#include "meta/meta_db.h"
#include "tests/unit/peer/cluster_fixture.h"

/* Keys "key-00" to "key-59". */
#define PLACEMENT_KEY_COUNT 60

struct shape {
    uint64_t version;
    uint64_t placement;
    uint64_t finished;
    enum placement_stage stage;
    bool has_third; /* target-3 counts */
    bool is_third_down;
    bool formers_have_third[3]; /* the former placements, oldest first, from version finished on */
    size_t former_count;
};

extern struct cluster_fixture placement_cluster;

/* What a map of that shape says; the caller unrefs it. */
struct cluster_map *placement_map(const struct shape *shape);
/* The targets acknowledge it as pending. */
void placement_stop_all(const struct shape *shape);
/* The map of all nodes and of the control store. */
void placement_activate_all(const struct shape *shape);

/* Two targets work, the bucket "photos" is there. */
extern const struct shape PLACEMENT_TWO;
/* The third joins; nothing has moved. */
extern const struct shape PLACEMENT_THREE;
void placement_start(void);
/* Rebalances that were started end. */
void placement_finish(void);

struct test_node *placement_third(void);
/* One of the third target's, under a map that has it. */
const char *placement_key_that_moves(void);
uint64_t placement_count_family(struct test_node *node, enum family family);

#endif
