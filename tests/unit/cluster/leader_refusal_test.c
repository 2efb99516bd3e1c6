/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that may not join, leaders by request, and what holds in any order of events. */
#include "base/check.h"
#include "base/clock.h"
#include "cluster/leader_decision.h"
#include "tests/unit/cluster/leader_world.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define T1 "target-1"
#define T2 "target-2"

static void
expect_refusal(const struct leader_world *world, const char *node_id, const char *part)
{
    const struct cluster_request *refusal = world_refusal(world, node_id);

    EXPECT(refusal != NULL);
    EXPECT_INT(REQUEST_REFUSED, refusal->state);
    if (bytes_find(refusal->text, 0, bytes_of_string(part)) == SIZE_MAX) {
        test_failed(__FILE__, __LINE__, "%.*s", BYTES_ARGS(refusal->text));
    }
    EXPECT(world_in_map(world, node_id) == NULL);
}

TEST(node_of_another_cluster_is_refused_with_a_sentence)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1);
    world_start_target(&world, T2)->cluster_id = BYTES_LITERAL("cluster-2");
    world_settle(&world);
    expect_refusal(&world, T2, "has data of cluster cluster-2, and this is cluster cluster-1");
    EXPECT(world_in_map(&world, T1) != NULL);
    world_release(&world);
}

TEST(node_of_another_format_is_refused_with_a_sentence)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1);
    world_start_target(&world, T2)->format = 0;
    world_settle(&world);
    expect_refusal(&world, T2, "install the release");
    world_release(&world);
}

TEST(target_started_without_its_role_is_refused_and_down)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1);
    world_start_target(&world, T2);
    world_settle(&world);
    world_start_gateway(&world, T2);
    world_settle(&world);
    EXPECT(world_in_map(&world, T2)->is_down);
    EXPECT(world_in_map(&world, T2)->is_target);
    EXPECT(world_refusal(&world, T2) != NULL);

    world_start_target(&world, T2);
    world_settle(&world);
    EXPECT(!world_in_map(&world, T2)->is_down);
    EXPECT(world_refusal(&world, T2) == NULL);
    world_release(&world);
}

TEST(refusal_goes_with_its_node)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1)->format = 7;
    world_settle(&world);
    EXPECT(world_refusal(&world, T1) != NULL);
    world_stop(&world, T1);
    world_settle(&world);
    EXPECT(world_refusal(&world, T1) == NULL);
    world_release(&world);
}

TEST(gateway_may_become_a_target)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1);
    world_start_gateway(&world, T2);
    world_settle(&world);
    world_start_target(&world, T2);
    EXPECT_INT(LEADER_PUBLISH, world_step(&world)); /* its new incarnation */
    EXPECT_INT(LEADER_PROPOSE, world_step(&world));
    world_settle(&world);
    EXPECT(cluster_node_is_placed(world_in_map(&world, T2)));
    world_release(&world);
}

TEST(leader_resigns_for_a_node_that_lives)
{
    struct leader_world world;
    size_t request;

    world_init(&world);
    world_start_target(&world, T1);
    world_start_gateway(&world, "leader-1");
    world_settle(&world);
    request = world_ask(&world, CLUSTER_SET_LEADER, T1, false);
    EXPECT_INT(LEADER_RESIGN, world_step(&world));
    EXPECT_INT(REQUEST_WAITING, world_request(&world, request)->state);
    request = world_ask(&world, CLUSTER_SET_LEADER, "leader-1", false);
    world.requests[0].state = REQUEST_DONE;
    EXPECT_INT(LEADER_WAIT, world_step(&world));
    EXPECT_INT(REQUEST_DONE, world_request(&world, request)->state);
    world_release(&world);
}

TEST(old_answers_are_deleted)
{
    struct leader_world world;

    world_init(&world);
    world_start_target(&world, T1);
    world_settle(&world);
    for (size_t i = 0; i < CLUSTER_REQUEST_ANSWERED_MAX + 5; i++) {
        world_ask(&world, CLUSTER_RETURN, T1, false);
    }
    world_settle(&world);
    EXPECT_INT(CLUSTER_REQUEST_ANSWERED_MAX, world.request_count);
    world_release(&world);
}

/* ---- any order of events ---- */

static const char *const NODES[] = {"target-0", "target-1", "target-2", "target-3", "target-4"};

/* What must hold of each step, whatever came before. */
static void
expect_step_is_lawful(const struct leader_world *world, const struct cluster_map *before,
                      uint64_t pending_revision, enum leader_action action)
{
    const struct cluster_map *map = world->map;

    if (before == NULL || (action != LEADER_PUBLISH && action != LEADER_ACTIVATE)) {
        return;
    }
    EXPECT_INT(before->version + 1, map->version);
    for (size_t i = 0; i < before->node_count; i++) {
        struct bytes id = before->nodes[i].id;

        if (!cluster_map_takes_from(before, map, id)) {
            continue;
        }
        /* Rule 3: taken with its word, or given up. */
        if (action == LEADER_ACTIVATE) {
            bool has_acknowledged = false;

            for (size_t k = 0; k < world->node_count; k++) {
                has_acknowledged =
                    has_acknowledged || (bytes_equal(world->nodes[k].id, id) &&
                                         world->nodes[k].acknowledged_revision == pending_revision);
            }
            EXPECT(has_acknowledged);
        } else {
            EXPECT(cluster_map_is_removed(map, id));
        }
    }
    EXPECT(map->finished_version >= before->finished_version);
    for (size_t i = 0; i < before->removed_count; i++) {
        EXPECT(cluster_map_is_removed(map, before->removed[i]));
        EXPECT(cluster_map_find(map, before->removed[i]) == NULL);
    }
}

static void
happen(struct leader_world *world, struct prng *prng)
{
    const char *id = NODES[prng_below(prng, ARRAY_COUNT(NODES))];
    struct node_value *node = world_node(world, id);

    switch (prng_below(prng, 7)) {
    case 0:
        if (node == NULL) {
            world_start_target(world, id);
        } else if (prng_below(prng, 4) == 0) {
            world_stop(world, id);
        }
        break;
    case 1:
        if (world->request_count < WORLD_REQUESTS_MAX - 2 * ARRAY_COUNT(NODES)) {
            world_ask(world, CLUSTER_MAINTENANCE + prng_below(prng, 4), id,
                      prng_below(prng, 8) == 0);
        }
        break;
    case 2:
    case 3:
        if (node != NULL && world->pending != NULL) {
            node->acknowledged_revision = world->pending->revision;
        }
        break;
    case 4:
    case 5:
        if (node != NULL && world->map != NULL && world->map->stage != STAGE_DONE) {
            node->stage_version = world->map->placement_version;
            node->stage = world->map->stage + 1;
        }
        break;
    default:
        world->now_ns += (int64_t)prng_below(prng, 8000) * CLOCK_NS_PER_MS;
        break;
    }
}

/* Rules 2 and 3 in any order of starts, stops, requests, acknowledgments and clock readings. */
TEST(no_key_is_taken_without_the_losers_word_in_any_order_of_events)
{
    struct prng prng = test_prng();
    size_t activation_count = 0;

    for (int round = 0; round < 200; round++) {
        struct leader_world world;

        world_init(&world);
        for (int i = 0; i < 120; i++) {
            struct cluster_map *before = NULL;
            uint64_t pending_revision = 0;
            enum leader_action action;

            happen(&world, &prng);
            before = world.map != NULL ? cluster_map_ref(world.map) : NULL;
            pending_revision = world.pending != NULL ? world.pending->revision : 0;
            action = world_step(&world);
            expect_step_is_lawful(&world, before, pending_revision, action);
            activation_count += action == LEADER_ACTIVATE;
            cluster_map_unref(before);
        }
        world_release(&world);
    }
    EXPECT(activation_count > 100);
}
