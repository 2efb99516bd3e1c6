/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control store as the leader sees it, in memory, with a clock moved by hand: nodes come, go
 * and acknowledge, requests are made, and decisions take effect.
 */
#ifndef TESTS_LEADER_WORLD_H
#define TESTS_LEADER_WORLD_H

#include "cluster/leader_decision.h"

#define WORLD_NODES_MAX 8
#define WORLD_REQUESTS_MAX 64
#define WORLD_CLUSTER_ID "cluster-1"

struct leader_world {
    struct arena arena;
    uint64_t revision;
    int64_t now_ns;
    int64_t pending_since_ns;
    int64_t quiet_until_ns;
    struct cluster_map *map;
    struct cluster_map *pending;
    size_t node_count;
    struct node_value nodes[WORLD_NODES_MAX]; /* that live */
    size_t request_count;
    struct cluster_request requests[WORLD_REQUESTS_MAX];
    struct leader_decision last; /* its map is not owned */
};

void world_init(struct leader_world *world);
void world_release(struct leader_world *world);
/* The node's lease lives from now on. */
struct node_value *world_start_target(struct leader_world *world, const char *id);
struct node_value *world_start_gateway(struct leader_world *world, const char *id);
/* Its lease ends. */
void world_stop(struct leader_world *world, const char *id);
struct node_value *world_node(struct leader_world *world, const char *id);
size_t world_ask(struct leader_world *world, enum cluster_action action, const char *id,
                 bool is_confirmed_stopped);
/* By its id in the store; NULL: there is none. */
const struct cluster_request *world_request(const struct leader_world *world, size_t number);
const struct cluster_request *world_refusal(const struct leader_world *world, const char *node_id);
/* One decision, which takes effect. */
enum leader_action world_step(struct leader_world *world);
/* The target acknowledges what is pending, or goes on to the next stage. */
void world_acknowledge(struct leader_world *world, const char *id);
void world_reach(struct leader_world *world, const char *id, enum placement_stage stage);
/* All targets do what is asked of them until nothing happens any more. */
void world_settle(struct leader_world *world);
const struct cluster_node *world_in_map(const struct leader_world *world, const char *id);

#endif
