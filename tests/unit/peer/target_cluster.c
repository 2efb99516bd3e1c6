/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/target_cluster.h"

#include <sched.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

void
target_cluster_start(struct target_cluster *cluster, const char *directory, unsigned int placed)
{
    *cluster = (struct target_cluster){
        .directory = directory,
        .shape = {
            .version = 2, .placement = 2, .finished = 2, .stage = STAGE_DONE, .placed = placed}};
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        target_process_start(&cluster->targets[i], directory, i, &cluster->shape);
    }
    target_cluster_activate(cluster);
}

void
target_cluster_quit(struct target_cluster *cluster)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        target_process_quit(&cluster->targets[i]);
    }
}

void
target_cluster_revive(struct target_cluster *cluster, size_t index)
{
    struct target_reply reply;

    cluster->kill_count++;
    target_process_start(&cluster->targets[index], cluster->directory, index, &cluster->shape);
    cluster->shape.version++;
    target_cluster_activate(cluster);
    if (cluster->is_moving) {
        CHECK(target_process_ask(&cluster->targets[index],
                                 &(struct target_command){.verb = TARGET_REBALANCE}, &reply));
    }
}

bool
target_cluster_ask(struct target_cluster *cluster, size_t index,
                   const struct target_command *command, struct target_reply *ret_reply)
{
    if (target_process_ask(&cluster->targets[index], command, ret_reply)) {
        return true;
    }
    target_cluster_revive(cluster, index);
    return false;
}

void
target_cluster_command_all(struct target_cluster *cluster, enum target_verb verb)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = verb, .shape = cluster->shape};
        struct target_reply reply;

        if (target_cluster_ask(cluster, i, &command, &reply)) {
            EXPECT_STATUS(ST_OK, reply.status);
        }
    }
}

void
target_cluster_activate(struct target_cluster *cluster)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        cluster->shape.peer_ports[i] = cluster->targets[i].peer_port;
        cluster->shape.public_ports[i] = cluster->targets[i].public_port;
    }
    target_cluster_command_all(cluster, TARGET_ACTIVATE);
}

size_t
target_cluster_count_done(struct target_cluster *cluster)
{
    size_t done_count = 0;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = TARGET_IS_DONE, .shape = cluster->shape};
        struct target_reply reply;

        done_count += target_cluster_ask(cluster, i, &command, &reply) && reply.is_done;
    }
    return done_count;
}

void
target_cluster_wait_for_stage(struct target_cluster *cluster)
{
    int64_t end_ns = clock_monotonic_ns() + TARGET_CLUSTER_PATIENCE_S * CLOCK_NS_PER_S;

    while (target_cluster_count_done(cluster) < MAP_SHAPE_TARGETS) {
        EXPECT(clock_monotonic_ns() < end_ns);
        sched_yield();
    }
}

void
target_cluster_place(struct target_cluster *cluster, unsigned int placed)
{
    map_shape_place(&cluster->shape, placed);
    target_cluster_command_all(cluster, TARGET_STOP);
    target_cluster_activate(cluster);
}

void
target_cluster_end_placement(struct target_cluster *cluster)
{
    while (cluster->shape.stage != STAGE_DONE) {
        map_shape_advance(&cluster->shape);
        target_cluster_activate(cluster);
        if (cluster->shape.stage == STAGE_DROP_MARKS ||
            cluster->shape.stage == STAGE_DROP_TOMBSTONES) {
            target_cluster_wait_for_stage(cluster);
        }
    }
}
