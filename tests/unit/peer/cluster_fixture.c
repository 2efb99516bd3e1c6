/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/cluster_fixture.h"

#include <stdio.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"
#include "object/ownership.h"
#include "tests/unit/peer/map_shape.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define CLUSTER_ID "test-cluster-1"
#define WORKER_COUNT 16

static struct cluster_map *
get_map(void *arg)
{
    struct test_node *node = arg;
    struct cluster_map *map = NULL;

    WITH_LOCK (&node->lock) {
        map = cluster_map_ref(node->map);
    }
    return map;
}

static void
use_map(struct test_node *node, struct cluster_map *map)
{
    WITH_LOCK (&node->lock) {
        cluster_map_unref(node->map);
        node->map = map != NULL ? cluster_map_ref(map) : NULL;
    }
}

static enum status
fetch_map(void *arg, uint64_t version_min, struct error *err)
{
    struct test_node *node = arg;
    struct cluster_map *map = NULL;

    if (node->cluster->fetch_map != NULL) {
        return node->cluster->fetch_map(node, err);
    }
    WITH_LOCK (&node->cluster->lock) {
        map = cluster_map_ref(node->cluster->map);
    }
    use_map(node, map);
    cluster_map_unref(map);
    return ST_OK;
}

static enum status
check_confirmed(void *arg, struct error *err)
{
    return ST_OK;
}

static void
open_store(struct test_node *node)
{
    struct error err = ERROR_INIT;
    struct object_store_options options;
    const char *mountpath = node->mountpath;

    memset(&options, 0, sizeof(options));
    store_options_init(&options.store);
    options.store.data_directory = node->data;
    options.store.mountpaths = &mountpath;
    options.store.mountpath_count = node->is_target ? 1 : 0;
    options.store.is_diskless = !node->is_target;
    options.store.node_id = node->id;
    options.store.cache_bytes = (size_t)8 << 20;
    options.store.write_buffer_bytes = (size_t)32 << 20;
    options.store.pack_bytes = FIXTURE_PACK_BYTES;
    options.store.is_background_off = true;
    options.part_bytes_min = FIXTURE_PART_BYTES_MIN;
    options.control = node->cluster->control;
    EXPECT_OK(object_store_open(&options, &node->store, &err), &err);
    EXPECT_OK(credential_store_create(
                  node->cluster->control, BYTES_LITERAL(CLUSTER_FIXTURE_ACCESS_KEY),
                  BYTES_LITERAL(CLUSTER_FIXTURE_SECRET_KEY), &node->credentials, &err),
              &err);
}

static void
open_cluster(struct test_node *node)
{
    static const struct peer_key KEY = {1, "an example of a key of a cluster"};

    node->identity = peer_identity_create(BYTES_LITERAL(CLUSTER_ID), bytes_of_string(node->id));
    peer_identity_set_keys(node->identity, &KEY, 1);
    node->peers = peer_client_create(
        &(struct peer_client_options){.identity = node->identity, .waiting_max = WORKER_COUNT / 2});
    object_store_set_cluster(node->store, &(struct object_cluster){
                                              .peers = node->peers,
                                              .node_id = bytes_of_string(node->id),
                                              .get_map = get_map,
                                              .fetch_map = fetch_map,
                                              .check_confirmed = check_confirmed,
                                              .arg = node,
                                          });
}

static void
open_server(struct test_node *node)
{
    struct error err = ERROR_INIT;
    struct http_server_options options = {
        .loop_count = 1,
        .connection_max = 1000,
        .body_memory_bytes = (size_t)16 << 20,
        .server_name = "Test",
        .render_error = s3_render_error,
    };

    node->workers = worker_pool_create(WORKER_COUNT);
    options.workers = node->workers;
    s3_init(&node->s3,
            &(struct s3_options){.store = node->store, .credentials = node->credentials});
    node->peer_server = (struct peer_server){
        .store = node->store, .identity = node->identity, .s3 = s3_handle, .s3_arg = &node->s3};
    peer_handler_init();
    EXPECT_OK(http_server_create(&options, &node->server, &err), &err);
    EXPECT_OK(http_server_listen(node->server,
                                 &(struct http_listen_options){.address = "127.0.0.1",
                                                               .handler = s3_handle,
                                                               .arg = &node->s3},
                                 &node->public_port, &err),
              &err);
    EXPECT_OK(http_server_listen(node->server,
                                 &(struct http_listen_options){.address = "127.0.0.1",
                                                               .handler = peer_handle,
                                                               .arg = &node->peer_server},
                                 &node->peer_port, &err),
              &err);
    http_server_start(node->server);
}

static void
open_node(struct cluster_fixture *cluster, const char *directory, size_t index, bool is_gateway,
          size_t number)
{
    struct test_node *node = &cluster->nodes[index];

    node->cluster = cluster;
    node->is_gateway = is_gateway;
    node->is_target = !is_gateway;
    snprintf(node->id, sizeof(node->id), "%s-%zu", is_gateway ? "gateway" : "target", number);
    node->data = xasprintf("%s/%s", directory, node->id);
    node->mountpath = xasprintf("%s/%s-mp", directory, node->id);
    CHECK(pthread_mutex_init(&node->lock, NULL) == 0);
    open_store(node);
    open_cluster(node);
}

static struct cluster_map *
make_map(struct cluster_fixture *cluster, uint64_t version, const struct test_node *down)
{
    struct cluster_node nodes[CLUSTER_FIXTURE_NODES_MAX];
    struct arena arena = ARENA_INIT;
    struct cluster_map content = {.version = version,
                                  .revision = version,
                                  .cluster_id = BYTES_LITERAL(CLUSTER_ID),
                                  .placement_version = 1,
                                  .finished_version = 1,
                                  .stage = STAGE_DONE,
                                  .node_count = cluster->node_count,
                                  .nodes = nodes};
    struct cluster_map *map;

    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct test_node *node = &cluster->nodes[i];

        nodes[i] = (struct cluster_node){
            .id = bytes_of_string(node->id),
            .is_gateway = node->is_gateway,
            .is_target = node->is_target,
            .is_down = node == down,
            .public_url = arena_printf_bytes(&arena, "http://127.0.0.1:%u", node->public_port),
            .peer_address = arena_printf_bytes(&arena, "127.0.0.1:%u", node->peer_port),
            .incarnation = 1,
        };
    }
    map = cluster_map_create(&content);
    arena_release(&arena);
    return map;
}

void
cluster_fixture_set_map(struct cluster_fixture *cluster, struct test_node *node, uint64_t version,
                        const struct test_node *down)
{
    struct cluster_map *map = make_map(cluster, version, down);

    if (node != NULL) {
        use_map(node, map);
    } else {
        WITH_LOCK (&cluster->lock) {
            cluster_map_unref(cluster->map);
            cluster->map = cluster_map_ref(map);
        }
    }
    cluster_map_unref(map);
}

void
cluster_fixture_choose(struct cluster_fixture *cluster, struct test_node *node)
{
    struct s3_fixture *ask = &cluster->ask;

    if (ask->server.port != 0) {
        test_client_close(&ask->client);
    }
    ask->server.port = node->public_port;
    ask->s3 = node->s3;
    test_client_open(&ask->client, node->public_port);
}

void
cluster_fixture_open(struct cluster_fixture *cluster, size_t gateway_count, size_t target_count)
{
    struct error err = ERROR_INIT;
    char *directory = xasprintf("%s/control", test_directory());

    CHECK(gateway_count + target_count <= CLUSTER_FIXTURE_NODES_MAX);
    memset(cluster, 0, sizeof(*cluster));
    CHECK(pthread_mutex_init(&cluster->lock, NULL) == 0);
    EXPECT_OK(control_open_local(directory, &cluster->control, &err), &err);
    free(directory);
    for (size_t i = 0; i < gateway_count + target_count; i++) {
        bool is_gateway = i < gateway_count;

        open_node(cluster, test_directory(), i, is_gateway,
                  is_gateway ? i + 1 : i - gateway_count + 1);
        open_server(&cluster->nodes[i]);
        cluster->node_count++;
    }
    cluster_fixture_set_map(cluster, NULL, 1, NULL);
    for (size_t i = 0; i < cluster->node_count; i++) {
        cluster_fixture_set_map(cluster, &cluster->nodes[i], 1, NULL);
    }
    cluster_fixture_choose(cluster, &cluster->nodes[0]);
}

void
cluster_fixture_open_target(struct cluster_fixture *cluster, const char *directory, size_t number)
{
    struct error err = ERROR_INIT;
    char *control = xasprintf("%s/control-%zu", directory, number);

    memset(cluster, 0, sizeof(*cluster));
    CHECK(pthread_mutex_init(&cluster->lock, NULL) == 0);
    EXPECT_OK(control_open_local(control, &cluster->control, &err), &err);
    free(control);
    open_node(cluster, directory, 0, false, number);
    cluster->node_count = 1;
}

void
cluster_fixture_use_map(struct cluster_fixture *cluster, struct test_node *node,
                        struct cluster_map *map)
{
    if (node != NULL) {
        use_map(node, map);
        return;
    }
    WITH_LOCK (&cluster->lock) {
        cluster_map_unref(cluster->map);
        cluster->map = cluster_map_ref(map);
    }
}

void
cluster_fixture_stop_server(struct test_node *node)
{
    http_server_destroy(&node->server);
}

static void
close_node(struct test_node *node)
{
    worker_pool_destroy(&node->workers);
    peer_client_destroy(&node->peers);
    credential_store_destroy(&node->credentials);
    object_store_close(&node->store);
    peer_identity_destroy(&node->identity);
}

void
cluster_fixture_close_node(struct test_node *node)
{
    http_server_destroy(&node->server);
    close_node(node);
}

void
cluster_fixture_reopen_node(struct test_node *node)
{
    open_store(node);
    open_cluster(node);
}

void
cluster_fixture_start_server(struct test_node *node)
{
    open_server(node);
}

void
cluster_fixture_close(struct cluster_fixture *cluster)
{
    test_client_close(&cluster->ask.client);
    test_response_release(&cluster->ask.response);
    arena_release(&cluster->ask.arena);
    /* Relays in flight end with the listeners, so those go first. */
    for (size_t i = 0; i < cluster->node_count; i++) {
        http_server_destroy(&cluster->nodes[i].server);
    }
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct test_node *node = &cluster->nodes[i];

        close_node(node);
        cluster_map_unref(node->map);
        pthread_mutex_destroy(&node->lock);
        free(node->data);
        free(node->mountpath);
    }
    cluster_map_unref(cluster->map);
    control_close(&cluster->control);
    pthread_mutex_destroy(&cluster->lock);
}

struct test_node *
cluster_fixture_gateway(struct cluster_fixture *cluster, size_t index)
{
    CHECK(cluster->nodes[index].is_gateway);
    return &cluster->nodes[index];
}

struct test_node *
cluster_fixture_target(struct cluster_fixture *cluster, size_t index)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].is_target && index-- == 0) {
            return &cluster->nodes[i];
        }
    }
    UNREACHABLE("a target of the fixture");
}

struct test_node *
cluster_fixture_owner(struct cluster_fixture *cluster, const char *bucket, const char *key)
{
    struct arena arena = ARENA_INIT;
    const struct cluster_node *owner = cluster_map_owner(
        cluster->map, object_cluster_uname(bytes_of_string(bucket), &arena), bytes_of_string(key));
    struct test_node *found = NULL;

    for (size_t i = 0; i < cluster->node_count; i++) {
        if (bytes_equal_string(owner->id, cluster->nodes[i].id)) {
            found = &cluster->nodes[i];
        }
    }
    arena_release(&arena);
    CHECK(found != NULL);
    return found;
}

void
cluster_fixture_activate(struct cluster_fixture *cluster, const struct map_shape *shape)
{
    struct cluster_map *map = map_shape_create(shape);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct test_node *node = &cluster->nodes[i];

        EXPECT_OK(ownership_target_ops.activate(object_store_ownership(node->store), map, &err),
                  &err);
        cluster_fixture_use_map(cluster, node, map);
    }
    cluster_fixture_use_map(cluster, NULL, map);
    cluster_map_unref(map);
}
