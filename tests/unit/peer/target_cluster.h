/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The targets of a map shape as processes, for tests that kill one of them: it is noticed when it
 * is asked, and there again with the same data before the test goes on.
 */
#ifndef TESTS_UNIT_PEER_TARGET_CLUSTER_H
#define TESTS_UNIT_PEER_TARGET_CLUSTER_H

#include "tests/unit/peer/target_process.h"

struct target_cluster {
    const char *directory; /* borrowed */
    struct target_process targets[MAP_SHAPE_TARGETS];
    struct map_shape shape;
    bool is_moving;    /* rebalances were started: a target that comes back starts its own */
    size_t kill_count; /* found dead and revived */
};

/* All targets are there, those of `placed` own keys since the first map. */
void target_cluster_start(struct target_cluster *cluster, const char *directory,
                          unsigned int placed);
/* Closes the stores in order. */
void target_cluster_quit(struct target_cluster *cluster);
/* False: it was killed meanwhile, and is there again; the outcome is unknown. */
bool target_cluster_ask(struct target_cluster *cluster, size_t index,
                        const struct target_command *command, struct target_reply *ret_reply);
/* Each answers ST_OK or is killed. */
void target_cluster_command_all(struct target_cluster *cluster, enum target_verb verb);
/* The map goes to all, with the addresses that they have now. */
void target_cluster_activate(struct target_cluster *cluster);
/* The same data, another address, so another version of the map. */
void target_cluster_revive(struct target_cluster *cluster, size_t index);
/* How many are done with the stage of the shape?  All are asked: one that is dead is noticed. */
size_t target_cluster_count_done(struct target_cluster *cluster);
void target_cluster_wait_for_stage(struct target_cluster *cluster);
/* The next placement: all have stopped for it before any is active. */
void target_cluster_place(struct target_cluster *cluster, unsigned int placed);
/* All have moved: the stages after that, to STAGE_DONE. */
void target_cluster_end_placement(struct target_cluster *cluster);

/* How long anything may take that has to come about. */
#define TARGET_CLUSTER_PATIENCE_S 90

#endif
