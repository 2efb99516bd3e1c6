/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/leader_world.h"

#include "base/check.h"
#include "base/clock.h"

#include "base/banned.h"

void
world_init(struct leader_world *world)
{
    memset(world, 0, sizeof(*world));
    world->now_ns = CLOCK_NS_PER_S;
    world->revision = 100;
}

void
world_release(struct leader_world *world)
{
    cluster_map_unref(world->map);
    cluster_map_unref(world->pending);
    arena_release(&world->arena);
}

struct node_value *
world_node(struct leader_world *world, const char *id)
{
    for (size_t i = 0; i < world->node_count; i++) {
        if (bytes_equal_string(world->nodes[i].id, id)) {
            return &world->nodes[i];
        }
    }
    return NULL;
}

static struct node_value *
start(struct leader_world *world, const char *id, bool is_target)
{
    struct node_value *node = world_node(world, id);

    if (node == NULL) {
        CHECK(world->node_count < WORLD_NODES_MAX);
        node = &world->nodes[world->node_count++];
    }
    *node = (struct node_value){.id = arena_copy(&world->arena, bytes_of_string(id)),
                                .revision = ++world->revision,
                                .format = CLUSTER_FORMAT,
                                .cluster_id = BYTES_LITERAL(WORLD_CLUSTER_ID),
                                .release = BYTES_LITERAL("1.0"),
                                .is_gateway = true,
                                .is_target = is_target,
                                .public_url = BYTES_LITERAL("http://127.0.0.1:1"),
                                .peer_address = BYTES_LITERAL("127.0.0.1:2"),
                                .incarnation = world->revision};
    return node;
}

struct node_value *
world_start_target(struct leader_world *world, const char *id)
{
    return start(world, id, true);
}

struct node_value *
world_start_gateway(struct leader_world *world, const char *id)
{
    return start(world, id, false);
}

void
world_stop(struct leader_world *world, const char *id)
{
    struct node_value *node = world_node(world, id);

    CHECK(node != NULL);
    *node = world->nodes[--world->node_count];
    world->revision++;
}

size_t
world_ask(struct leader_world *world, enum cluster_action action, const char *id,
          bool is_confirmed_stopped)
{
    struct cluster_request *request = &world->requests[world->request_count++];

    CHECK(world->request_count <= WORLD_REQUESTS_MAX);
    *request = (struct cluster_request){.revision = ++world->revision,
                                        .action = action,
                                        .node_id = arena_copy(&world->arena, bytes_of_string(id)),
                                        .is_confirmed_stopped = is_confirmed_stopped};
    request->id = arena_printf_bytes(&world->arena, "%llu", (unsigned long long)world->revision);
    return world->revision;
}

const struct cluster_request *
world_request(const struct leader_world *world, size_t number)
{
    for (size_t i = 0; i < world->request_count; i++) {
        uint64_t own_number = 0;

        if (bytes_parse_u64(world->requests[i].id, UINT64_MAX, &own_number) == ST_OK &&
            own_number == number) {
            return &world->requests[i];
        }
    }
    return NULL;
}

const struct cluster_request *
world_refusal(const struct leader_world *world, const char *node_id)
{
    for (size_t i = 0; i < world->request_count; i++) {
        if (world->requests[i].action == CLUSTER_JOIN &&
            bytes_equal_string(world->requests[i].node_id, node_id)) {
            return &world->requests[i];
        }
    }
    return NULL;
}

static void
apply_answer(struct leader_world *world, const struct leader_answer *answer)
{
    size_t at = 0;

    while (at < world->request_count && !bytes_equal(world->requests[at].id, answer->request.id)) {
        at++;
    }
    CHECK((answer->request.revision == 0) == (at == world->request_count));
    if (answer->is_deletion) {
        world->request_count--;
        memmove(&world->requests[at], &world->requests[at + 1],
                (world->request_count - at) * sizeof(world->requests[0]));
        return;
    }
    if (at == world->request_count) {
        CHECK(world->request_count < WORLD_REQUESTS_MAX);
        world->request_count++;
    }
    world->requests[at] = answer->request;
    world->requests[at].revision = ++world->revision;
    world->requests[at].id = arena_copy(&world->arena, answer->request.id);
    world->requests[at].text = arena_copy(&world->arena, answer->request.text);
    world->requests[at].node_id = arena_copy(&world->arena, answer->request.node_id);
}

static void
apply_map(struct leader_world *world, const struct leader_decision *decision)
{
    switch (decision->action) {
    case LEADER_PUBLISH:
        CHECK(world->pending == NULL);
        cluster_map_unref(world->map);
        world->map = decision->map;
        world->map->revision = ++world->revision;
        break;
    case LEADER_PROPOSE:
        CHECK(world->pending == NULL);
        world->pending = decision->map;
        world->pending->revision = ++world->revision;
        world->pending_since_ns = world->now_ns;
        break;
    case LEADER_ACTIVATE:
        CHECK(decision->map == world->pending);
        cluster_map_unref(world->map);
        cluster_map_unref(world->pending); /* the decision's reference stays */
        world->map = decision->map;
        world->map->revision = ++world->revision;
        world->pending = NULL;
        break;
    case LEADER_WITHDRAW:
        cluster_map_unref(world->pending);
        world->pending = NULL;
        world->quiet_until_ns = world->now_ns + LEADER_QUIET_MS * CLOCK_NS_PER_MS;
        break;
    case LEADER_WAIT:
    case LEADER_RESIGN:
        CHECK(decision->map == NULL);
        break;
    }
}

enum leader_action
world_step(struct leader_world *world)
{
    struct leader_view view = {.self_id = BYTES_LITERAL("leader-1"),
                               .now_ns = world->now_ns,
                               .map = world->map,
                               .pending = world->pending,
                               .pending_since_ns = world->pending_since_ns,
                               .quiet_until_ns = world->quiet_until_ns,
                               .cluster_id = BYTES_LITERAL(WORLD_CLUSTER_ID),
                               .node_count = world->node_count,
                               .nodes = world->nodes,
                               .request_count = world->request_count,
                               .requests = world->requests};
    struct leader_decision decision;

    leader_decide(&view, &world->arena, &decision);
    for (size_t i = 0; i < decision.answer_count; i++) {
        apply_answer(world, &decision.answers[i]);
    }
    apply_map(world, &decision);
    world->last = decision;
    return decision.action;
}

void
world_acknowledge(struct leader_world *world, const char *id)
{
    CHECK(world->pending != NULL);
    world_node(world, id)->acknowledged_revision = world->pending->revision;
}

void
world_reach(struct leader_world *world, const char *id, enum placement_stage stage)
{
    struct node_value *node = world_node(world, id);

    node->stage_version = world->map->placement_version;
    node->stage = stage;
}

void
world_settle(struct leader_world *world)
{
    for (int i = 0; i < 200; i++) {
        enum leader_action action = world_step(world);

        if (action == LEADER_WAIT && world->last.answer_count == 0) {
            if (world->pending == NULL && world->map->stage == STAGE_DONE) {
                return;
            }
        }
        for (size_t k = 0; k < world->node_count; k++) {
            struct node_value *node = &world->nodes[k];

            if (world->pending != NULL) {
                node->acknowledged_revision = world->pending->revision;
            } else if (world->map->stage != STAGE_DONE) {
                node->stage_version = world->map->placement_version;
                node->stage = world->map->stage + 1;
            }
        }
    }
}

const struct cluster_node *
world_in_map(const struct leader_world *world, const char *id)
{
    return cluster_map_find(world->map, bytes_of_string(id));
}
