/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several nodes in one process, each with its own store, public and peer listener, under a map that
 * the test sets, with control values that all of them share.  A failed expectation ends the test.
 */
#ifndef TESTS_UNIT_PEER_CLUSTER_FIXTURE_H
#define TESTS_UNIT_PEER_CLUSTER_FIXTURE_H

#include "object/object_cluster.h"
#include "peer/peer_handler.h"
#include "tests/unit/s3/s3_fixture.h"

#define CLUSTER_FIXTURE_NODES_MAX 6
#define CLUSTER_FIXTURE_ACCESS_KEY "ROOTKEY0000000000000"
#define CLUSTER_FIXTURE_SECRET_KEY "root-secret-of-the-tests"

struct cluster_fixture;

struct test_node {
    struct cluster_fixture *cluster;
    char id[16];
    bool is_gateway;
    bool is_target;
    struct object_store *store;
    struct credential_store *credentials;
    struct peer_identity *identity;
    struct peer_client *peers;
    struct peer_server peer_server;
    struct s3 s3;
    struct worker_pool *workers;
    struct http_server *server;
    uint16_t public_port;
    uint16_t peer_port;
    pthread_mutex_t lock;
    struct cluster_map *map; /* guarded by lock: what this node works by */
    char *data;
    char *mountpath;
};

struct cluster_fixture {
    struct control *control;
    size_t node_count;
    struct test_node nodes[CLUSTER_FIXTURE_NODES_MAX];
    pthread_mutex_t lock;
    struct cluster_map *map; /* guarded by lock: what the control store has */
    /* A node reads the control store; NULL: it works by what is there, keys do not move by it. */
    enum status (*fetch_map)(struct test_node *node, struct error *err);
    void *arg;             /* of fetch_map */
    struct s3_fixture ask; /* s3_ask goes to the node that was chosen last */
};

/* gateway_count gateways "gateway-1"... without keys, then targets "target-1"... */
void cluster_fixture_open(struct cluster_fixture *cluster, size_t gateway_count,
                          size_t target_count);
/* One target alone, "target-<number>", with control values of its own, below directory: for tests
 * whose nodes are processes.  It has no map, is not chosen, and does not serve yet
 * (cluster_fixture_start_server). */
void cluster_fixture_open_target(struct cluster_fixture *cluster, const char *directory,
                                 size_t number);
void cluster_fixture_close(struct cluster_fixture *cluster);
struct test_node *cluster_fixture_gateway(struct cluster_fixture *cluster, size_t index);
struct test_node *cluster_fixture_target(struct cluster_fixture *cluster, size_t index);
/* s3_ask goes there from now on. */
void cluster_fixture_choose(struct cluster_fixture *cluster, struct test_node *node);
/* The target that has the key. */
struct test_node *cluster_fixture_owner(struct cluster_fixture *cluster, const char *bucket,
                                        const char *key);
/* A map of the same nodes with a greater version; for one node, or (NULL) for the control store
 * alone.  down: a node that is down in it, or NULL. */
void cluster_fixture_set_map(struct cluster_fixture *cluster, struct test_node *node,
                             uint64_t version, const struct test_node *down);
/* Any map, as cluster_fixture_set_map does it. */
void cluster_fixture_use_map(struct cluster_fixture *cluster, struct test_node *node,
                             struct cluster_map *map);
/* All targets own keys by this map, and every node routes by it. */
struct map_shape;
void cluster_fixture_activate(struct cluster_fixture *cluster, const struct map_shape *shape);
/* Its listeners end; open again with its data with start. */
void cluster_fixture_stop_server(struct test_node *node);
/* A start anew: close (whoever uses the store has ended) -> reopen -> what the test does before it
 * serves -> server, on other ports. */
void cluster_fixture_close_node(struct test_node *node);
void cluster_fixture_reopen_node(struct test_node *node);
void cluster_fixture_start_server(struct test_node *node);

#endif
