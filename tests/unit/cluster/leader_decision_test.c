/* SPDX-License-Identifier: Apache-2.0 */
/* What the leader decides.  SPEC: rules 1 to 3 and 6 of the cluster protocol. */
#include "cluster/leader_decision.h"

#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/cluster/leader_world.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define T1 "target-1"
#define T2 "target-2"
#define T3 "target-3"
#define G1 "gateway-1"

#define EXPECT_REQUEST(expected_state, expected_part, request)                                     \
    do {                                                                                           \
        const struct cluster_request *got = (request);                                             \
        EXPECT(got != NULL);                                                                       \
        if (got->state != (expected_state) ||                                                      \
            bytes_find(got->text, 0, bytes_of_string(expected_part)) == SIZE_MAX) {                \
            test_failed(__FILE__, __LINE__, "request is %s: %.*s", request_state_name(got->state), \
                        BYTES_ARGS(got->text));                                                    \
        }                                                                                          \
    } while (0)

/* A cluster of these targets, its placement finished. */
static void
world_of_targets(struct leader_world *world, size_t count)
{
    static const char *const IDS[] = {T1, T2, T3};

    world_init(world);
    for (size_t i = 0; i < count; i++) {
        world_start_target(world, IDS[i]);
    }
    world_settle(world);
    CHECK(world->map->stage == STAGE_DONE && world->map->node_count == count);
}

TEST(first_map_is_empty_and_the_first_targets_own_without_a_move)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1);
    world_start_target(&world, T2);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT_INT(1, world.map->version);
    EXPECT_INT(0, world.map->node_count);

    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT_INT(2, world.map->version);
    EXPECT_INT(2, world.map->placement_version);
    EXPECT_INT(2, world.map->finished_version);
    EXPECT_INT(STAGE_DONE, world.map->stage);
    EXPECT(cluster_node_is_placed(world_in_map(&world, T1)));
    EXPECT(cluster_node_is_placed(world_in_map(&world, T2)));

    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT(world.last.wake_ns == INT64_MAX);
    world_release(&world);
}

TEST(gateway_joins_at_once_and_moves_no_key)
{
    struct leader_world world;
    uint64_t placement;

    world_of_targets(&world, 2);
    placement = world.map->placement_version;
    world_start_gateway(&world, G1);

    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, G1) != NULL && !world_in_map(&world, G1)->is_target);
    EXPECT_INT(placement, world.map->placement_version);
    world_release(&world);
}

/* Rule 3: a target that joins takes keys, so every other one must acknowledge first. */
TEST(join_is_pending_until_every_loser_acknowledged)
{
    struct leader_world world;

    world_of_targets(&world, 2);
    world_start_target(&world, T3);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    EXPECT(world_in_map(&world, T3) == NULL);

    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT(world.last.wake_ns == world.pending_since_ns + LEADER_PENDING_MS * CLOCK_NS_PER_MS);
    world_acknowledge(&world, T1);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    world_acknowledge(&world, T2);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));

    EXPECT(cluster_node_is_placed(world_in_map(&world, T3)));
    EXPECT_INT(STAGE_MOVE, world.map->stage);
    EXPECT_INT(1, world.map->former_count);
    EXPECT_INT(world.map->version, world.map->placement_version);
    EXPECT(world.map->finished_version < world.map->placement_version);
    world_release(&world);
}

/* Rule 3: acknowledgments name the revision of the pending value; an older one is worth nothing. */
TEST(acknowledgment_of_another_pending_map_does_not_count)
{
    struct leader_world world;

    world_of_targets(&world, 1);
    world_start_target(&world, T2);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T1);
    world_stop(&world, T2);
    EXPECT_INT(LEADER_WITHDRAW, world_step(&world));
    world_start_target(&world, T2);
    world.now_ns = world.quiet_until_ns;
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));

    EXPECT_INT(LEADER_WAIT, world_step(&world));
    world_acknowledge(&world, T1);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    world_release(&world);
}

TEST(pending_map_is_withdrawn_after_ten_seconds_and_proposed_again_later)
{
    struct leader_world world;

    world_of_targets(&world, 2);
    world_start_target(&world, T3);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T1);
    world.now_ns += LEADER_PENDING_MS * CLOCK_NS_PER_MS - 1;
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    world.now_ns += 1;
    EXPECT_INT(LEADER_WITHDRAW, world_step(&world));

    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT(world.last.wake_ns == world.quiet_until_ns);
    world.now_ns = world.quiet_until_ns;
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_release(&world);
}

/* A late acknowledgment by all still activates: the withdrawal and the activation compare the same
 * value, and no clock decides who owns. */
TEST(complete_acknowledgment_counts_after_the_time_too)
{
    struct leader_world world;

    world_of_targets(&world, 1);
    world_start_target(&world, T2);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T1);
    world.now_ns += 2 * LEADER_PENDING_MS * CLOCK_NS_PER_MS;
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    world_release(&world);
}

TEST(pending_map_is_withdrawn_when_a_loser_goes_away)
{
    struct leader_world world;

    world_of_targets(&world, 2);
    world_start_target(&world, T3);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T1);
    world_acknowledge(&world, T2);
    world_stop(&world, T2);
    EXPECT_INT(LEADER_WITHDRAW, world_step(&world));
    world_release(&world);
}

/* Rule 3: an unreachable target delays join and leave; nothing forks. */
TEST(unreachable_target_delays_a_join)
{
    struct leader_world world;

    world_of_targets(&world, 2);
    world_stop(&world, T2);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, T2)->is_down);
    world_start_target(&world, T3);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_WAITING, "waits for target target-2", world_refusal(&world, T3));
    EXPECT(world_in_map(&world, T3) == NULL);

    world_start_target(&world, T2);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(!world_in_map(&world, T2)->is_down);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_settle(&world);
    EXPECT(world_in_map(&world, T3) != NULL);
    EXPECT(world_refusal(&world, T3) == NULL);
    world_release(&world);
}

/* Rule 2: down moves no key. */
TEST(down_and_up_move_no_key)
{
    struct leader_world world;
    uint64_t placement;

    world_of_targets(&world, 2);
    placement = world.map->placement_version;
    world_stop(&world, T1);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, T1)->is_down);
    EXPECT(cluster_node_is_placed(world_in_map(&world, T1)));
    EXPECT_INT(placement, world.map->placement_version);
    EXPECT_INT(LEADER_WAIT, world_step(&world));

    world_start_target(&world, T1)->public_url = BYTES_LITERAL("http://127.0.0.9:9");
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(!world_in_map(&world, T1)->is_down);
    EXPECT_BYTES(BYTES_LITERAL("http://127.0.0.9:9"), world_in_map(&world, T1)->public_url);
    EXPECT_INT(placement, world.map->placement_version);
    world_release(&world);
}

/* Only the one that leaves loses keys: a third target that is away delays nothing. */
TEST(maintenance_needs_the_leaving_target_alone)
{
    struct leader_world world;
    size_t request;

    world_of_targets(&world, 3);
    world_stop(&world, T3);
    world_settle(&world);
    request = world_ask(&world, CLUSTER_MAINTENANCE, T1, false);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    EXPECT_REQUEST(REQUEST_WAITING, "acknowledged", world_request(&world, request));
    world_acknowledge(&world, T1);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    EXPECT_INT(NODE_MAINTENANCE, world_in_map(&world, T1)->state);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_DONE, "is in maintenance", world_request(&world, request));
    world_release(&world);
}

TEST(return_takes_keys_from_the_others)
{
    struct leader_world world;
    size_t request;

    world_of_targets(&world, 3);
    world_ask(&world, CLUSTER_MAINTENANCE, T1, false);
    world_settle(&world);
    request = world_ask(&world, CLUSTER_RETURN, T1, false);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T2);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    world_acknowledge(&world, T3);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    world_settle(&world);
    EXPECT_REQUEST(REQUEST_DONE, "is active", world_request(&world, request));
    EXPECT_INT(NODE_ACTIVE, world_in_map(&world, T1)->state);
    world_release(&world);
}

TEST(requests_that_cannot_be_met_are_refused_with_a_reason)
{
    struct leader_world world;
    size_t last_one;
    size_t unknown;
    size_t down_leaves;
    size_t down_returns;
    size_t down_leads;
    size_t running;

    world_of_targets(&world, 1);
    last_one = world_ask(&world, CLUSTER_MAINTENANCE, T1, false);
    unknown = world_ask(&world, CLUSTER_DECOMMISSION, "nobody-here", false);
    running = world_ask(&world, CLUSTER_REMOVE, T1, true);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_REFUSED, "only active target", world_request(&world, last_one));
    EXPECT_REQUEST(REQUEST_REFUSED, "not in the cluster", world_request(&world, unknown));
    EXPECT_REQUEST(REQUEST_REFUSED, "is running", world_request(&world, running));

    world_start_target(&world, T2);
    world_start_target(&world, T3);
    world_settle(&world);
    world_ask(&world, CLUSTER_MAINTENANCE, T3, false);
    world_settle(&world);
    world_stop(&world, T2);
    world_stop(&world, T3);
    world_settle(&world);
    down_leaves = world_ask(&world, CLUSTER_DECOMMISSION, T2, false);
    down_returns = world_ask(&world, CLUSTER_RETURN, T3, false);
    down_leads = world_ask(&world, CLUSTER_SET_LEADER, T2, false);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_REFUSED, "is down", world_request(&world, down_leaves));
    EXPECT_REQUEST(REQUEST_REFUSED, "start it first", world_request(&world, down_returns));
    EXPECT_REQUEST(REQUEST_REFUSED, "cannot lead", world_request(&world, down_leads));
    world_release(&world);
}

TEST(decommissioned_target_leaves_when_its_placement_is_over_and_is_refused_then)
{
    struct leader_world world;
    size_t request;

    world_of_targets(&world, 2);
    request = world_ask(&world, CLUSTER_DECOMMISSION, T2, false);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T2);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_DONE, "leaves when", world_request(&world, request));
    EXPECT_INT(NODE_DECOMMISSION, world_in_map(&world, T2)->state);

    world_settle(&world);
    EXPECT(world_in_map(&world, T2) == NULL);
    EXPECT(cluster_map_is_removed(world.map, bytes_of_string(T2)));
    EXPECT_REQUEST(REQUEST_REFUSED, "was removed", world_refusal(&world, T2));
    world_release(&world);
}

/* Rule 2: only a person's word that it is stopped gives a target's data up, and only when its lease
 * has ended too.  Nobody has to acknowledge, and others that are away delay nothing. */
TEST(removal_needs_the_confirmation_and_nobody_else)
{
    struct leader_world world;
    size_t bare;
    size_t confirmed;

    world_of_targets(&world, 3);
    world_stop(&world, T2);
    world_stop(&world, T3);
    world_settle(&world);
    bare = world_ask(&world, CLUSTER_REMOVE, T2, false);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_REFUSED, "--confirm-stopped", world_request(&world, bare));
    confirmed = world_ask(&world, CLUSTER_REMOVE, T2, true);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, T2) == NULL);
    EXPECT(cluster_map_is_removed(world.map, bytes_of_string(T2)));
    EXPECT_INT(STAGE_MOVE, world.map->stage);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_DONE, "was removed", world_request(&world, confirmed));

    world_start_target(&world, T2);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_REFUSED, "was removed", world_refusal(&world, T2));
    EXPECT(world_in_map(&world, T2) == NULL);
    world_release(&world);
}

/* A target that gave everything away holds nothing that must be given up. */
TEST(removal_of_a_drained_target_needs_no_confirmation)
{
    struct leader_world world;
    uint64_t placement;

    world_of_targets(&world, 2);
    world_ask(&world, CLUSTER_MAINTENANCE, T2, false);
    world_settle(&world);
    placement = world.map->placement_version;
    world_stop(&world, T2);
    world_settle(&world);
    world_ask(&world, CLUSTER_REMOVE, T2, false);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, T2) == NULL);
    EXPECT_INT(placement, world.map->placement_version);
    world_release(&world);
}

/* Rule 6: a placement ends by barriers; each is passed when every target that takes part has. */
TEST(stages_end_when_every_target_reached_them)
{
    struct leader_world world;
    uint64_t placement;

    world_of_targets(&world, 1);
    world_start_target(&world, T2);
    world_step(&world);
    world_acknowledge(&world, T1);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    placement = world.map->placement_version;
    for (enum placement_stage stage = STAGE_MOVE; stage < STAGE_DONE; stage++) {
        EXPECT_INT(stage, world.map->stage);
        EXPECT_INT(stage == STAGE_MOVE, world.map->is_placing);
        world_reach(&world, T1, stage + 1);
        EXPECT_INT(LEADER_WAIT, world_step(&world));
        world_reach(&world, T2, stage + 1);
        EXPECT_INT(LEADER_PUBLISH, world_step(&world));
        EXPECT_INT(placement, world.map->placement_version);
        EXPECT_INT(placement, world.map->finished_version);
    }
    EXPECT_INT(STAGE_DONE, world.map->stage);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    world_release(&world);
}

TEST(stage_of_another_placement_does_not_count)
{
    struct leader_world world;

    world_of_targets(&world, 1);
    world_start_target(&world, T2);
    world_step(&world);
    world_acknowledge(&world, T1);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    world_reach(&world, T1, STAGE_DONE);
    world_reach(&world, T2, STAGE_DONE);
    world_node(&world, T2)->stage_version--;
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    world_release(&world);
}

/* A former owner that is away may have objects that nobody else has. */
TEST(placement_is_not_finished_while_a_former_owner_is_down)
{
    struct leader_world world;

    world_of_targets(&world, 2);
    world_ask(&world, CLUSTER_MAINTENANCE, T2, false);
    world_step(&world);
    world_acknowledge(&world, T2);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    world_step(&world);
    world_reach(&world, T1, STAGE_SETTLE);
    world_reach(&world, T2, STAGE_SETTLE);
    world_stop(&world, T2);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, T2)->is_down);
    EXPECT_INT(STAGE_MOVE, world.map->stage);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_INT(STAGE_MOVE, world.map->stage);
    world_release(&world);
}

/* A newer change goes ahead of an unfinished placement, whose owners all stay former ones. */
TEST(newer_change_preempts_an_unfinished_placement)
{
    struct leader_world world;
    uint64_t finished;

    world_of_targets(&world, 2);
    finished = world.map->finished_version;
    world_ask(&world, CLUSTER_MAINTENANCE, T2, false);
    world_step(&world);
    world_acknowledge(&world, T2);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
    world_step(&world);
    world_ask(&world, CLUSTER_RETURN, T2, false);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_acknowledge(&world, T1);
    EXPECT_INT(LEADER_ACTIVATE, world_step(&world));

    EXPECT_INT(2, world.map->former_count);
    EXPECT_INT(finished, world.map->finished_version);
    EXPECT_INT(finished, world.map->formers[0].version);
    EXPECT_INT(2, world.map->formers[0].target_count);
    EXPECT_INT(1, world.map->formers[1].target_count);
    EXPECT(world.map->is_placing);
    world_settle(&world);
    EXPECT_INT(STAGE_DONE, world.map->stage);
    EXPECT_INT(world.map->placement_version, world.map->finished_version);
    world_release(&world);
}

TEST(changes_wait_when_too_many_placements_are_unfinished)
{
    struct leader_world world;
    size_t request = 0;

    world_of_targets(&world, 2);
    for (size_t i = 0; i < CLUSTER_FORMERS_MAX + 4; i++) {
        request = world_ask(&world, i % 2 == 0 ? CLUSTER_MAINTENANCE : CLUSTER_RETURN, T2, false);
        if (world_step(&world) == LEADER_PROPOSE) {
            world_acknowledge(&world, T1);
            world_acknowledge(&world, T2);
            EXPECT_INT(LEADER_ACTIVATE, world_step(&world));
            world_step(&world);
        }
    }
    EXPECT(world.map->former_count < CLUSTER_FORMERS_MAX);
    EXPECT_REQUEST(REQUEST_WAITING, "placements under way", world_request(&world, request));
    world_release(&world);
}

/* A rebalance by hand: the same targets once more, with nobody's acknowledgment because nobody
 * loses a key.  The answer names the run, and comes once the map that begins it is there. */
TEST(rebalance_by_hand_is_a_placement_of_the_same_targets)
{
    struct leader_world world;
    uint64_t placement;
    size_t first;
    size_t second;

    world_of_targets(&world, 2);
    placement = world.map->placement_version;
    first = world_ask(&world, CLUSTER_REBALANCE, T1, false);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT_INT(STAGE_MOVE, world.map->stage);
    EXPECT_INT(world.map->version, world.map->placement_version);
    EXPECT_INT(placement, world.map->finished_version);
    EXPECT_INT(1, world.map->former_count);
    EXPECT_INT(2, world.map->formers[0].target_count);
    EXPECT_REQUEST(REQUEST_WAITING, "begins", world_request(&world, first));

    placement = world.map->placement_version;
    second = world_ask(&world, CLUSTER_REBALANCE, T2, false);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_INT(placement, world.map->placement_version);
    EXPECT_REQUEST(REQUEST_DONE, "began", world_request(&world, first));
    EXPECT_REQUEST(REQUEST_DONE, "runs already", world_request(&world, second));

    world_settle(&world);
    EXPECT_INT(STAGE_DONE, world.map->stage);
    EXPECT_INT(placement, world.map->finished_version);
    EXPECT_INT(placement, world.map->placement_version);
    world_release(&world);
}

/* It goes alone: a join that is asked for in the same round waits for the next one. */
TEST(rebalance_by_hand_takes_no_join_along)
{
    struct leader_world world;
    size_t number;

    world_of_targets(&world, 1);
    world_start_target(&world, T2);
    number = world_ask(&world, CLUSTER_REBALANCE, T1, false);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world));
    EXPECT(world_in_map(&world, T2) == NULL);
    EXPECT_INT(STAGE_MOVE, world.map->stage);
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    EXPECT_REQUEST(REQUEST_DONE, "began", world_request(&world, number));
    world_release(&world);
}

TEST(rebalance_by_hand_needs_a_target)
{
    struct leader_world world;
    size_t number;

    world_init(&world);
    world_start_gateway(&world, G1);
    world_settle(&world);
    number = world_ask(&world, CLUSTER_REBALANCE, G1, false);
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_REQUEST(REQUEST_REFUSED, "no active target", world_request(&world, number));
    world_release(&world);
}
