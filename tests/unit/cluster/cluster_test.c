/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several nodes of one cluster in one process, over the local control store: who joins, what a
 * target is asked to stop and to activate, what the leader answers.
 */
#include "cluster/cluster.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/memory.h"
#include "cluster/cluster_identity.h"
#include "cluster/cluster_key.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NODES_MAX 3
#define ASK_MS 20000

/* A target that stops and moves when it is told to. */
struct fake_target {
    pthread_mutex_t lock;
    uint64_t active_version;  /* guarded by lock */
    uint64_t stopped_version; /* guarded by lock; 0: admits */
    size_t resumed_count;     /* guarded by lock */
    bool refuses_to_stop;     /* guarded by lock */
    bool is_done;             /* guarded by lock: with any stage */
};

struct fixture {
    struct control *control;
    struct cluster *nodes[NODES_MAX];
    struct fake_target targets[NODES_MAX];
};

static enum status
fake_stop(void *arg, const struct cluster_map *pending, struct error *err)
{
    struct fake_target *target = arg;
    bool refuses = false;

    WITH_LOCK (&target->lock) {
        refuses = target->refuses_to_stop;
        target->stopped_version = refuses ? target->stopped_version : pending->version;
    }
    return refuses ? fail(err, ST_IO, "this target does not stop") : ST_OK;
}

static enum status
fake_resume(void *arg, const struct cluster_map *map, struct error *err)
{
    struct fake_target *target = arg;

    (void)map;
    (void)err;
    WITH_LOCK (&target->lock) {
        target->stopped_version = 0;
        target->resumed_count++;
    }
    return ST_OK;
}

static enum status
fake_activate(void *arg, const struct cluster_map *map, struct error *err)
{
    struct fake_target *target = arg;

    (void)err;
    WITH_LOCK (&target->lock) {
        target->active_version = map->version;
        target->stopped_version = 0;
    }
    return ST_OK;
}

static enum status
fake_holds_barrier(void *arg, const struct cluster_map *map, bool *ret_is_done, struct error *err)
{
    struct fake_target *target = arg;

    (void)map;
    (void)err;
    WITH_LOCK (&target->lock) {
        *ret_is_done = target->is_done;
    }
    return ST_OK;
}

static const struct cluster_target_ops FAKE_OPS = {.stop_admitting = fake_stop,
                                                   .resume_admitting = fake_resume,
                                                   .activate = fake_activate,
                                                   .holds_barrier = fake_holds_barrier};

static char *
data_directory(size_t i)
{
    char *path = xasprintf("%s/node-%zu", test_directory(), i);

    mkdir(path, 0700);
    return path;
}

static enum status
open_node(struct fixture *fixture, size_t i, bool is_target, struct error *err)
{
    char *directory = data_directory(i);
    char *id = xasprintf("node-number-%zu", i);
    struct cluster_options options = {.control = fixture->control,
                                      .node_id = id,
                                      .data_directory = directory,
                                      .release = "1.0",
                                      .is_gateway = true,
                                      .is_target = is_target,
                                      .ops = is_target ? &FAKE_OPS : NULL,
                                      .ops_arg = &fixture->targets[i]};
    enum status st = cluster_open(&options, &fixture->nodes[i], err);

    free(id);
    free(directory);
    return st;
}

static enum status
join_node(struct fixture *fixture, size_t i, struct error *err)
{
    char *url = xasprintf("http://127.0.0.1:%zu", 8000 + i);
    enum status st = cluster_join(fixture->nodes[i], bytes_of_string(url),
                                  BYTES_LITERAL("127.0.0.1:9"), NULL, NULL, err);

    free(url);
    return st;
}

static void
fixture_open(struct fixture *fixture)
{
    struct cluster_identity identity;
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s/control", test_directory());

    memset(fixture, 0, sizeof(*fixture));
    for (size_t i = 0; i < NODES_MAX; i++) {
        EXPECT(pthread_mutex_init(&fixture->targets[i].lock, NULL) == 0);
        fixture->targets[i].is_done = true;
    }
    EXPECT_OK(control_open_local(path, &fixture->control, &err), &err);
    EXPECT_OK(cluster_identity_ensure(fixture->control, &identity, &err), &err);
    EXPECT(identity.is_new);
    free(path);
}

static void
fixture_close(struct fixture *fixture)
{
    for (size_t i = NODES_MAX; i > 0; i--) {
        cluster_close(&fixture->nodes[i - 1]);
    }
    control_close(&fixture->control);
}

static enum status
ask(struct fixture *fixture, enum cluster_action action, const char *node_id, int64_t wait_ms,
    struct error *err)
{
    struct cluster_request request = {.action = action, .node_id = bytes_of_string(node_id)};
    struct arena arena = ARENA_INIT;
    struct bytes text;
    enum status st = cluster_ask(fixture->nodes[0], &request, wait_ms, &arena, &text, err);

    arena_release(&arena);
    return st;
}

/* Until the node works by a map whose placement is over. */
static struct cluster_map *
wait_for_done(struct cluster *cluster, uint64_t placement_min)
{
    int64_t deadline_ns = clock_monotonic_ns() + ASK_MS * CLOCK_NS_PER_MS;
    uint64_t version = 1;

    while (clock_monotonic_ns() < deadline_ns) {
        struct cluster_map *map = NULL;
        struct error err = ERROR_INIT;

        /* On a busy machine the next version takes longer than one call waits for it. */
        enum status st = cluster_fetch_map(cluster, version, &err);

        EXPECT(st == ST_OK || st == ST_UNAVAILABLE);
        map = cluster_map_get(cluster);
        if (map->stage == STAGE_DONE && map->placement_version >= placement_min) {
            return map;
        }
        version = map->version + 1;
        cluster_map_unref(map);
    }
    test_failed(__FILE__, __LINE__, "the placement does not end");
}

/* The first node makes the identity; who comes later finds it.  SPEC: cluster protocol, control. */
TEST(identity_is_made_once)
{
    struct fixture fixture;
    struct cluster_identity first;
    struct cluster_identity second;
    struct cluster_key key;
    struct error err = ERROR_INIT;

    fixture_open(&fixture);
    EXPECT_OK(cluster_identity_read(fixture.control, &first, &err), &err);
    EXPECT_OK(cluster_identity_ensure(fixture.control, &second, &err), &err);
    EXPECT(!second.is_new);
    EXPECT_STRING(first.id, second.id);
    EXPECT_INT(1, cluster_key_list(fixture.control, &key, 1));
    EXPECT_INT(1, key.number);
    fixture_close(&fixture);
}

TEST(first_target_joins_and_owns_everything)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    struct cluster_map *map;

    fixture_open(&fixture);
    EXPECT_OK(open_node(&fixture, 0, true, &err), &err);
    EXPECT_STATUS(ST_UNAVAILABLE, cluster_check_confirmed(fixture.nodes[0], &err));
    EXPECT_OK(join_node(&fixture, 0, &err), &err);

    map = cluster_map_get(fixture.nodes[0]);
    EXPECT_BYTES(BYTES_LITERAL("node-number-0"),
                 cluster_map_owner(map, BYTES_LITERAL("ais/@#/b/"), BYTES_LITERAL("k"))->id);
    EXPECT_OK(cluster_check_confirmed(fixture.nodes[0], &err), &err);
    cluster_map_unref(map);
    fixture_close(&fixture);
}

/* Rule 3: the second target is taken in when the first has stopped; stages then run to their end.
 */
TEST(second_target_joins_when_the_first_has_stopped)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    struct cluster_map *map;

    fixture_open(&fixture);
    EXPECT_OK(open_node(&fixture, 0, true, &err), &err);
    EXPECT_OK(join_node(&fixture, 0, &err), &err);
    EXPECT_OK(open_node(&fixture, 1, true, &err), &err);
    EXPECT_OK(join_node(&fixture, 1, &err), &err);

    map = wait_for_done(fixture.nodes[1], 3);
    EXPECT_INT(2, map->node_count);
    EXPECT(map->finished_version == map->placement_version);
    cluster_map_unref(map);
    map = wait_for_done(fixture.nodes[0], 3);
    WITH_LOCK (&fixture.targets[0].lock) {
        EXPECT_INT(0, fixture.targets[0].stopped_version);
        EXPECT_INT(map->version, fixture.targets[0].active_version);
    }
    cluster_map_unref(map);
    fixture_close(&fixture);
}

/* Rule 3: a target that cannot stop acknowledges nothing, and nothing is taken from it. */
TEST(nothing_is_taken_from_a_target_that_does_not_stop)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    struct cluster_map *map;

    fixture_open(&fixture);
    EXPECT_OK(open_node(&fixture, 0, true, &err), &err);
    EXPECT_OK(join_node(&fixture, 0, &err), &err);
    EXPECT_OK(open_node(&fixture, 1, true, &err), &err);
    EXPECT_OK(join_node(&fixture, 1, &err), &err);
    cluster_map_unref(wait_for_done(fixture.nodes[0], 3));
    WITH_LOCK (&fixture.targets[1].lock) {
        fixture.targets[1].refuses_to_stop = true;
    }

    EXPECT_STATUS(ST_TIMEOUT, ask(&fixture, CLUSTER_MAINTENANCE, "node-number-1", 1000, &err));
    map = cluster_map_get(fixture.nodes[0]);
    EXPECT_INT(NODE_ACTIVE, map->nodes[1].state);
    cluster_map_unref(map);

    WITH_LOCK (&fixture.targets[1].lock) {
        fixture.targets[1].refuses_to_stop = false;
    }
    EXPECT_OK(ask(&fixture, CLUSTER_MAINTENANCE, "node-number-1", ASK_MS, &err), &err);
    map = wait_for_done(fixture.nodes[0], 4);
    EXPECT_INT(NODE_MAINTENANCE, map->nodes[1].state);
    cluster_map_unref(map);
    fixture_close(&fixture);
}

static bool
has_stopped(void *arg)
{
    struct fake_target *target = arg;
    bool has_stopped = false;

    WITH_LOCK (&target->lock) {
        has_stopped = target->stopped_version != 0;
    }
    return has_stopped;
}

/* Rule 3: a loser admits again when it has read that the pending map was withdrawn; here because
 * the target that was to gain keys went away before the other loser had stopped. */
TEST(withdrawn_map_lets_a_stopped_target_admit_again)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    int64_t deadline_ns;
    size_t resumed_count = 0;

    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(open_node(&fixture, i, true, &err), &err);
        EXPECT_OK(join_node(&fixture, i, &err), &err);
    }
    cluster_map_unref(wait_for_done(fixture.nodes[0], 3));
    WITH_LOCK (&fixture.targets[1].lock) {
        fixture.targets[1].refuses_to_stop = true;
    }
    EXPECT_OK(open_node(&fixture, 2, true, &err), &err);
    EXPECT_STATUS(ST_CANCELLED, cluster_join(fixture.nodes[2], BYTES_LITERAL("http://127.0.0.1:1"),
                                             BYTES_NONE, has_stopped, &fixture.targets[0], &err));
    EXPECT(has_stopped(&fixture.targets[0]));
    cluster_close(&fixture.nodes[2]);

    deadline_ns = clock_monotonic_ns() + ASK_MS * CLOCK_NS_PER_MS;
    while (resumed_count == 0 && clock_monotonic_ns() < deadline_ns) {
        WITH_LOCK (&fixture.targets[0].lock) {
            resumed_count = fixture.targets[0].resumed_count;
        }
        poll(NULL, 0, 20);
    }
    EXPECT_INT(1, resumed_count);
    EXPECT(!has_stopped(&fixture.targets[0]));
    fixture_close(&fixture);
}

/* Rule 3: what a former self may have acknowledged is stopped before the node shows a map that it
 * could serve by; the leader may have read that acknowledgment. */
TEST(target_that_starts_stops_what_is_pending_before_it_serves)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    struct buffer json = BUFFER_INIT;
    struct cluster_map content;
    struct cluster_map *map;
    struct cluster_map *pending;

    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(open_node(&fixture, i, true, &err), &err);
        EXPECT_OK(join_node(&fixture, i, &err), &err);
    }
    map = wait_for_done(fixture.nodes[0], 3);
    cluster_close(&fixture.nodes[1]);
    cluster_close(&fixture.nodes[0]);
    content = *map;
    content.version = map->version + 1;
    content.nodes[1].state = NODE_MAINTENANCE; /* this test's map alone */
    pending = cluster_map_create(&content);
    cluster_map_format(pending, &json);
    EXPECT_OK(control_put(fixture.control, BYTES_LITERAL("cluster/pending"), buffer_bytes(&json),
                          CONTROL_MUST_NOT_EXIST, NULL, &err),
              &err);

    WITH_LOCK (&fixture.targets[1].lock) {
        fixture.targets[1].refuses_to_stop = true;
    }
    EXPECT_OK(open_node(&fixture, 1, true, &err), &err);
    EXPECT_STATUS(ST_UNAVAILABLE, cluster_fetch_map_for(fixture.nodes[1], 1, 1500, &err));
    EXPECT(cluster_map_get(fixture.nodes[1]) == NULL);
    WITH_LOCK (&fixture.targets[1].lock) {
        fixture.targets[1].refuses_to_stop = false;
    }
    EXPECT_OK(cluster_fetch_map(fixture.nodes[1], 1, &err), &err);
    WITH_LOCK (&fixture.targets[1].lock) {
        EXPECT_INT(pending->version, fixture.targets[1].stopped_version);
    }
    cluster_map_unref(pending);
    cluster_map_unref(map);
    buffer_release(&json);
    fixture_close(&fixture);
}

TEST(leader_refuses_with_its_reason)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;

    fixture_open(&fixture);
    EXPECT_OK(open_node(&fixture, 0, true, &err), &err);
    EXPECT_OK(join_node(&fixture, 0, &err), &err);
    EXPECT_STATUS(ST_INVALID, ask(&fixture, CLUSTER_DECOMMISSION, "node-number-0", ASK_MS, &err));
    EXPECT_STRING("Node node-number-0 is the only active target; its keys would have no owner",
                  err.text);
    fixture_close(&fixture);
}

TEST(asked_node_takes_the_lead)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;

    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(open_node(&fixture, i, i == 0, &err), &err);
        EXPECT_OK(join_node(&fixture, i, &err), &err);
    }
    EXPECT_OK(ask(&fixture, CLUSTER_SET_LEADER, "node-number-1", ASK_MS, &err), &err);
    EXPECT_OK(ask(&fixture, CLUSTER_SET_LEADER, "node-number-0", ASK_MS, &err), &err);
    fixture_close(&fixture);
}

/* A decommissioned node is out for good, and knows it. */
TEST(decommissioned_node_is_refused_when_it_comes_again)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    struct cluster_map *map;
    int64_t deadline_ns;

    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(open_node(&fixture, i, true, &err), &err);
        EXPECT_OK(join_node(&fixture, i, &err), &err);
    }
    cluster_map_unref(wait_for_done(fixture.nodes[0], 3));
    EXPECT_OK(ask(&fixture, CLUSTER_DECOMMISSION, "node-number-1", ASK_MS, &err), &err);
    map = wait_for_done(fixture.nodes[1], 4);
    /* The version without the node comes after the one that is done. */
    deadline_ns = clock_monotonic_ns() + ASK_MS * CLOCK_NS_PER_MS;
    while (cluster_fetch_map(fixture.nodes[1], map->version + 1, &err) != ST_OK) {
        EXPECT(clock_monotonic_ns() < deadline_ns);
    }
    cluster_map_unref(map);
    EXPECT_STATUS(ST_UNAVAILABLE, cluster_check_confirmed(fixture.nodes[1], &err));
    EXPECT_STRING("This node was removed from its cluster", err.text);

    cluster_close(&fixture.nodes[1]);
    EXPECT_STATUS(ST_INVALID, open_node(&fixture, 1, true, &err));
    fixture_close(&fixture);
}

/* A node's data name the cluster; another one is refused, and so is one that was set back. */
TEST(node_with_data_of_another_cluster_is_refused)
{
    struct fixture fixture;
    struct cluster_note note = {.id = "another-cluster", .map_version = 1};
    struct error err = ERROR_INIT;
    char *directory = data_directory(0);

    fixture_open(&fixture);
    EXPECT_OK(cluster_note_write(directory, &note, &err), &err);
    EXPECT_STATUS(ST_INVALID, open_node(&fixture, 0, true, &err));
    EXPECT(bytes_find(bytes_of_string(err.text), 0,
                      BYTES_LITERAL("belongs to cluster another-cluster")) != SIZE_MAX);
    free(directory);
    fixture_close(&fixture);
}

TEST(control_store_that_was_set_back_is_refused)
{
    struct fixture fixture;
    struct cluster_identity identity;
    struct cluster_note note = {.map_version = 7};
    struct error err = ERROR_INIT;
    char *directory = data_directory(0);

    fixture_open(&fixture);
    EXPECT_OK(cluster_identity_read(fixture.control, &identity, &err), &err);
    memcpy(note.id, identity.id, sizeof(note.id));
    EXPECT_OK(cluster_note_write(directory, &note, &err), &err);
    EXPECT_STATUS(ST_CORRUPT, open_node(&fixture, 0, true, &err));
    free(directory);
    fixture_close(&fixture);
}

/* One of those that are accepted. */
static bool
is_key_known(struct fixture *fixture, uint64_t number)
{
    struct cluster_key keys[4];
    size_t count = cluster_key_list(fixture->control, keys, ARRAY_COUNT(keys));

    for (size_t i = 0; i < count; i++) {
        if (keys[i].number == number) {
            return true;
        }
    }
    return false;
}

/* Both keys verify until the grace of the older one has ended; the newer one signs. */
TEST(rotation_adds_a_key_and_the_old_one_stays_for_its_grace)
{
    struct fixture fixture;
    struct control_guard none = {.key = "cluster/id"};
    struct cluster_key old_key;
    struct cluster_key key;
    struct control_value id;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    uint64_t number = 0;

    fixture_open(&fixture);
    EXPECT_INT(1, cluster_key_list(fixture.control, &old_key, 1));
    EXPECT_OK(cluster_key_rotate(fixture.control, &number, &err), &err);
    EXPECT_INT(2, number);
    EXPECT_INT(1, cluster_key_list(fixture.control, &key, 1));
    EXPECT_INT(2, key.number);
    EXPECT_STATUS(ST_CONFLICT, cluster_key_rotate(fixture.control, &number, &err));
    EXPECT(!memory_equal_secret(key.secret, old_key.secret, CLUSTER_KEY_BYTES));
    EXPECT(is_key_known(&fixture, 1));
    EXPECT(!is_key_known(&fixture, 3));

    EXPECT_OK(control_get(fixture.control, BYTES_LITERAL("cluster/id"), &arena, &id, &err), &err);
    none.create_revision = id.create_revision;
    cluster_key_expire(fixture.control, &none, key.created_s + CLUSTER_KEY_GRACE_S - 1);
    EXPECT(is_key_known(&fixture, 1));
    cluster_key_expire(fixture.control, &none, key.created_s + CLUSTER_KEY_GRACE_S);
    EXPECT(!is_key_known(&fixture, 1));
    EXPECT_INT(1, cluster_key_list(fixture.control, &key, 1));
    arena_release(&arena);
    fixture_close(&fixture);
}

/* A control change is answered when every live node has applied it. */
TEST(change_of_a_bucket_is_applied_by_all_nodes_when_it_returns)
{
    struct fixture fixture;
    struct error err = ERROR_INIT;
    struct buffer text = BUFFER_INIT;
    uint64_t revision = 0;

    fixture_open(&fixture);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_OK(open_node(&fixture, i, i == 0, &err), &err);
        EXPECT_OK(join_node(&fixture, i, &err), &err);
    }
    EXPECT_OK(control_put(fixture.control, BYTES_LITERAL("bucket/b"), BYTES_LITERAL("{}"),
                          CONTROL_MUST_NOT_EXIST, &revision, &err),
              &err);
    for (size_t i = 0; i < 2; i++) {
        struct arena arena = ARENA_INIT;
        struct control_value value;
        char *key = xasprintf("node/node-number-%zu", i);
        char *expected = xasprintf("\"applied_revision\":%llu,", (unsigned long long)revision);

        EXPECT_OK(control_get(fixture.control, bytes_of_string(key), &arena, &value, &err), &err);
        EXPECT(bytes_find(value.value, 0, bytes_of_string(expected)) != SIZE_MAX);
        free(expected);
        free(key);
        arena_release(&arena);
    }
    cluster_describe(fixture.nodes[0], &text);
    EXPECT(bytes_find(buffer_bytes(&text), 0, BYTES_LITERAL("\"confirmed\":true")) != SIZE_MAX);
    buffer_release(&text);
    fixture_close(&fixture);
}
