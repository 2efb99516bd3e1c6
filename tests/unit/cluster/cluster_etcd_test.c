/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes of one cluster, each with a connection of its own to a real etcd: what a lease, a
 * linearizable read and etcd's absence mean for them.
 */
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cluster/cluster.h"
#include "cluster/cluster_identity.h"
#include "control/control_etcd.h"
#include "tests/etcd/etcd_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NODES 2
#define TTL_MS 2000
#define CONFIRMATION_MS 1000
/* Until something must have happened, on a machine that does much else (s). */
#define PATIENCE_S 90
#define POLL_MS 20

struct fixture {
    struct etcd_fixture *etcd;
    struct control *controls[NODES];
    struct cluster *nodes[NODES];
};

static const char *const IDS[NODES] = {"node-zero", "node-first"};

static void
open_node(struct fixture *fixture, size_t i)
{
    struct error err = ERROR_INIT;
    struct cluster_identity identity;
    struct control_etcd_options etcd = {
        .endpoints = etcd_fixture_endpoints(fixture->etcd), .cluster = "test", .client_id = IDS[i]};
    char *directory = xasprintf("%s/%zu", test_directory(), i);
    struct cluster_options options = {.node_id = IDS[i],
                                      .data_directory = directory,
                                      .release = "1.0",
                                      .is_gateway = true,
                                      .is_target = i == 0,
                                      .session_ttl_ms = TTL_MS,
                                      .confirmation_ms = CONFIRMATION_MS};

    mkdir(directory, 0700);
    EXPECT_OK(control_open_etcd(&etcd, &fixture->controls[i], &err), &err);
    EXPECT_OK(cluster_identity_ensure(fixture->controls[i], &identity, &err), &err);
    options.control = fixture->controls[i];
    EXPECT_OK(cluster_open(&options, &fixture->nodes[i], &err), &err);
    EXPECT_OK(cluster_join(fixture->nodes[i], BYTES_LITERAL("http://127.0.0.1:1"), BYTES_NONE, NULL,
                           NULL, &err),
              &err);
    free(directory);
}

static void
fixture_open(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    if (!etcd_fixture_is_installed()) {
        test_skip("no etcd is installed");
    }
    fixture->etcd = etcd_fixture_start(1, false);
    EXPECT(fixture->etcd != NULL);
    for (size_t i = 0; i < NODES; i++) {
        open_node(fixture, i);
    }
}

static void
close_node(struct fixture *fixture, size_t i)
{
    cluster_close(&fixture->nodes[i]);
    control_close(&fixture->controls[i]);
}

static void
fixture_close(struct fixture *fixture)
{
    for (size_t i = NODES; i > 0; i--) {
        close_node(fixture, i - 1);
    }
    etcd_fixture_stop(&fixture->etcd);
}

static bool
is_confirmed(struct cluster *cluster, bool expected)
{
    struct error err = ERROR_INIT;

    return (cluster_check_confirmed(cluster, &err) == ST_OK) == expected;
}

static bool
shows_down(struct cluster *cluster, const char *id, bool expected)
{
    struct cluster_map *map = cluster_map_get(cluster);
    const struct cluster_node *node = cluster_map_find(map, bytes_of_string(id));
    bool is_as_expected = node != NULL && node->is_down == expected;

    cluster_map_unref(map);
    return is_as_expected;
}

#define EXPECT_SOON(condition)                                                                     \
    do {                                                                                           \
        int64_t deadline_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;                  \
        while (!(condition) && clock_monotonic_ns() < deadline_ns) {                               \
            poll(NULL, 0, POLL_MS);                                                                \
        }                                                                                          \
        EXPECT(condition);                                                                         \
    } while (0)

/* Rule 3, last sentence: who has not confirmed its lease for long cannot know what was revoked.  It
 * recovers by itself, and nobody has to help. */
TEST(node_that_cannot_confirm_its_lease_says_so_until_it_can)
{
    struct fixture fixture;

    fixture_open(&fixture);
    EXPECT(is_confirmed(fixture.nodes[0], true));
    etcd_fixture_signal(fixture.etcd, 0, SIGSTOP);
    EXPECT_SOON(is_confirmed(fixture.nodes[0], false));
    EXPECT_SOON(is_confirmed(fixture.nodes[1], false));

    etcd_fixture_signal(fixture.etcd, 0, SIGCONT);
    EXPECT_SOON(is_confirmed(fixture.nodes[0], true));
    EXPECT_SOON(is_confirmed(fixture.nodes[1], true));
    fixture_close(&fixture);
}

/* Rule 2: down by its lease alone, and up again with a new incarnation. */
TEST(node_that_ends_is_down_and_up_again_when_it_returns)
{
    struct fixture fixture;
    struct cluster_map *map;
    uint64_t incarnation;

    fixture_open(&fixture);
    map = cluster_map_get(fixture.nodes[1]);
    incarnation = cluster_map_find(map, bytes_of_string(IDS[0]))->incarnation;
    cluster_map_unref(map);
    close_node(&fixture, 0);
    EXPECT_SOON(shows_down(fixture.nodes[1], IDS[0], true));

    open_node(&fixture, 0);
    EXPECT_SOON(shows_down(fixture.nodes[1], IDS[0], false));
    map = cluster_map_get(fixture.nodes[1]);
    EXPECT(cluster_map_find(map, bytes_of_string(IDS[0]))->incarnation > incarnation);
    cluster_map_unref(map);
    fixture_close(&fixture);
}

/* A control change is answered when the other node has applied it. */
TEST(change_is_known_to_the_other_node_when_it_is_answered)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;

    fixture_open(&fixture);
    for (int i = 0; i < 20; i++) {
        struct arena arena = ARENA_INIT;
        struct control_value value;
        struct bytes key = arena_printf_bytes(&arena, "bucket/b%d", i);

        EXPECT_OK(control_put(fixture.controls[i % 2], key, BYTES_LITERAL("{}"),
                              CONTROL_MUST_NOT_EXIST, NULL, &err),
                  &err);
        EXPECT_OK(control_get(fixture.controls[1 - i % 2], key, &arena, &value, &err), &err);
        arena_release(&arena);
    }
    fixture_close(&fixture);
}

/* The same node started once more takes over; the one that ran before stops serving. */
TEST(second_process_of_a_node_replaces_the_first)
{
    struct fixture fixture;
    struct fixture again;
    struct error err = ERROR_INIT;

    fixture_open(&fixture);
    memset(&again, 0, sizeof(again));
    again.etcd = fixture.etcd;
    open_node(&again, 1);
    EXPECT_SOON(is_confirmed(fixture.nodes[1], false));
    EXPECT_STATUS(ST_UNAVAILABLE, cluster_check_confirmed(fixture.nodes[1], &err));
    EXPECT_STRING("This node was started once more elsewhere", err.text);
    EXPECT_SOON(is_confirmed(again.nodes[1], true));
    close_node(&again, 1);
    fixture_close(&fixture);
}
