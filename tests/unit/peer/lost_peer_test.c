/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that is lost while it sends what another needs for a client's request: the client is told
 * that the key is not there now, not that its own request was at fault, and nothing half stays.
 */
#include <stdio.h>

#include "base/check.h"
#include "object/ownership.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/peer/faulty_link.h"
#include "tests/unit/peer/map_shape.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Small enough to come whole before it is read (KEY_SETTLE_READ_BYTES_MAX). */
#define LARGE_BYTES 200000
/* The head of an answer passes, most of the object does not. */
#define CUT_AFTER_BYTES 100000

static struct cluster_fixture cluster;
static struct faulty_link *links[MAP_SHAPE_TARGETS];
static struct map_shape shape;
static char large[LARGE_BYTES + 1];

static void
start(void)
{
    cluster_fixture_open(&cluster, 0, MAP_SHAPE_TARGETS);
    shape = (struct map_shape){
        .version = 2, .placement = 2, .finished = 2, .stage = STAGE_DONE, .placed = 1};
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        links[i] = faulty_link_create(i);
        faulty_link_set_node(links[i], cluster.nodes[i].peer_port);
        shape.peer_ports[i] = faulty_link_port(links[i]);
        shape.public_ports[i] = cluster.nodes[i].public_port;
        object_store_own_keys(cluster.nodes[i].store);
    }
    cluster_fixture_activate(&cluster, &shape);
    memset(large, 'l', LARGE_BYTES);
    s3_ask(&cluster.ask, 200, "PUT", "/photos", NULL, "");
    s3_ask(&cluster.ask, 200, "PUT", "/photos/large", NULL, large);
    map_shape_place(&shape, 2);
    cluster_fixture_activate(&cluster, &shape);
}

static void
finish(void)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        faulty_link_destroy(&links[i]);
    }
    cluster_fixture_close(&cluster);
}

/* SPEC: docs/cluster-protocol.md, rule 6.2: one former owner unreachable, 503. */
TEST(former_owner_that_is_lost_while_it_sends_is_no_fault_of_the_client)
{
    static const char *const METHODS[] = {"GET", "HEAD"};

    start();
    faulty_link_cut_after(links[0], CUT_AFTER_BYTES);
    for (size_t i = 0; i < ARRAY_COUNT(METHODS); i++) {
        s3_ask(&cluster.ask, 503, METHODS[i], "/photos/large", NULL, NULL);
    }
    s3_ask(&cluster.ask, 503, "PUT", "/photos/large", S3_HEADERS("If-None-Match: *"), "other");
    EXPECT(faulty_link_fault_count(links[0]) >= 3);

    faulty_link_cut_after(links[0], 0);
    s3_ask(&cluster.ask, 200, "GET", "/photos/large", NULL, NULL);
    EXPECT_STRING(large, s3_body(&cluster.ask));
    s3_ask(&cluster.ask, 412, "PUT", "/photos/large", S3_HEADERS("If-None-Match: *"), "other");
    finish();
}

/* The source's owner is lost under a copy, or something else answers in its place.
 * SPEC: docs/cluster-protocol.md, rule 8. */
TEST(source_of_a_copy_that_is_lost_is_no_fault_of_the_client)
{
    char target[64];
    int number = 0;
    size_t source;

    start();
    s3_ask(&cluster.ask, 200, "GET", "/photos/large", NULL, NULL); /* target-2 has it now */
    map_shape_place(&shape, 6);
    cluster_fixture_activate(&cluster, &shape);
    do {
        snprintf(target, sizeof(target), "/photos/copy-%d", number++);
    } while (map_shape_owner(&shape, "photos", target + 8) ==
             map_shape_owner(&shape, "photos", "large"));
    source = map_shape_owner(&shape, "photos", "large");
    faulty_link_cut_after(links[source], CUT_AFTER_BYTES);
    s3_ask(&cluster.ask, 503, "PUT", target, S3_HEADERS("x-amz-copy-source: /photos/large"), NULL);

    faulty_link_set_node(links[source], cluster.nodes[source].public_port);
    s3_ask(&cluster.ask, 503, "PUT", target, S3_HEADERS("x-amz-copy-source: /photos/large"), NULL);

    faulty_link_set_node(links[source], cluster.nodes[source].peer_port);
    faulty_link_cut_after(links[source], 0);
    s3_ask(&cluster.ask, 404, "GET", target, NULL, NULL);
    s3_ask(&cluster.ask, 200, "PUT", target, S3_HEADERS("x-amz-copy-source: /photos/large"), NULL);
    s3_ask(&cluster.ask, 200, "GET", target, NULL, NULL);
    EXPECT_STRING(large, s3_body(&cluster.ask));
    finish();
}
