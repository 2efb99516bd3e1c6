/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/placement_fixture.h"

#include <stdio.h>

#include "base/check.h"
#include "object/object_internal.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "tests/unit/test.h"

#include "base/banned.h"

struct cluster_fixture placement_cluster;
static struct s3_fixture *ask = &placement_cluster.ask;

struct cluster_map *
placement_map(const struct shape *shape)
{
    struct cluster_node nodes[CLUSTER_FIXTURE_NODES_MAX];
    struct cluster_placement formers[3];
    struct bytes ids[] = {BYTES_LITERAL("target-1"), BYTES_LITERAL("target-2"),
                          BYTES_LITERAL("target-3")};
    const struct cluster_map *present = placement_cluster.map; /* others count its references */
    struct cluster_map content = {.version = shape->version,
                                  .revision = shape->version,
                                  .cluster_id = present->cluster_id,
                                  .placement_version = shape->placement,
                                  .finished_version = shape->finished,
                                  .stage = shape->stage,
                                  .node_count = present->node_count,
                                  .nodes = nodes,
                                  .former_count = shape->former_count,
                                  .formers = formers,
                                  .removed_count = present->removed_count,
                                  .removed = present->removed};

    CHECK(content.node_count <= CLUSTER_FIXTURE_NODES_MAX);
    memcpy(nodes, present->nodes, content.node_count * sizeof(*nodes));
    for (size_t i = 0; i < content.node_count; i++) {
        if (bytes_equal_string(nodes[i].id, "target-3")) {
            nodes[i].state = shape->has_third ? NODE_ACTIVE : NODE_MAINTENANCE;
            nodes[i].is_down = shape->is_third_down;
        }
    }
    for (size_t i = 0; i < shape->former_count; i++) {
        formers[i] = (struct cluster_placement){
            .version = shape->finished + i,
            .target_count = shape->formers_have_third[i] ? 3 : 2,
            .targets = ids,
        };
    }
    return cluster_map_create(&content);
}

void
placement_stop_all(const struct shape *shape)
{
    struct cluster_map *map = placement_map(shape);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < 3; i++) {
        struct test_node *node = cluster_fixture_target(&placement_cluster, i);

        EXPECT_OK(
            ownership_target_ops.stop_admitting(object_store_ownership(node->store), map, &err),
            &err);
    }
    cluster_map_unref(map);
}

void
placement_activate_all(const struct shape *shape)
{
    struct cluster_map *map = placement_map(shape);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < placement_cluster.node_count; i++) {
        struct test_node *node = &placement_cluster.nodes[i];

        if (node->is_target) {
            EXPECT_OK(ownership_target_ops.activate(object_store_ownership(node->store), map, &err),
                      &err);
        }
        CHECK(pthread_mutex_lock(&node->lock) == 0);
        cluster_map_unref(node->map);
        node->map = cluster_map_ref(map);
        CHECK(pthread_mutex_unlock(&node->lock) == 0);
    }
    CHECK(pthread_mutex_lock(&placement_cluster.lock) == 0);
    cluster_map_unref(placement_cluster.map);
    placement_cluster.map = cluster_map_ref(map);
    CHECK(pthread_mutex_unlock(&placement_cluster.lock) == 0);
    cluster_map_unref(map);
}

const struct shape PLACEMENT_TWO = {
    .version = 2, .placement = 2, .finished = 2, .stage = STAGE_DONE};
const struct shape PLACEMENT_THREE = {
    .version = 3, .placement = 3, .finished = 2, .has_third = true, .former_count = 1};

void
placement_start(void)
{
    cluster_fixture_open(&placement_cluster, 1, 3);
    for (size_t i = 0; i < 3; i++) {
        object_store_own_keys(cluster_fixture_target(&placement_cluster, i)->store);
    }
    placement_activate_all(&PLACEMENT_TWO);
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
}

struct test_node *
placement_third(void)
{
    return cluster_fixture_target(&placement_cluster, 2);
}

const char *
placement_key_that_moves(void)
{
    static char key[16];

    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        snprintf(key, sizeof(key), "key-%02d", i);
        if (cluster_fixture_owner(&placement_cluster, "photos", key) == placement_third()) {
            return key;
        }
    }
    UNREACHABLE("no key of sixty moves to a third target");
}

uint64_t
placement_count_family(struct test_node *node, enum family family)
{
    struct store *store = object_store_store(node->store);
    uint64_t count = 0;

    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);
        struct meta_iterator *iterator;

        if (!home_is_holder(home)) {
            continue;
        }
        iterator = meta_iterator_open(home_db(home), &(struct meta_scan){.family = family});
        for (meta_iterator_seek(iterator, BYTES_LITERAL("")); meta_iterator_is_valid(iterator);
             meta_iterator_next(iterator)) {
            count++;
        }
        meta_iterator_close(&iterator);
    }
    return count;
}

void
placement_finish(void)
{
    for (size_t i = 0; i < 3; i++) {
        rebalance_stop(
            object_store_rebalance(cluster_fixture_target(&placement_cluster, i)->store));
    }
    cluster_fixture_close(&placement_cluster);
}
