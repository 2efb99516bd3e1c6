/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys while the map changes: two targets, a third that joins, requests through a gateway.  The
 * test is the leader: it proposes and activates maps on the targets by their ops.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "object/key_claim.h"
#include "object/key_holding.h"
#include "object/key_settle.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/object_put.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define KEY_COUNT 60
/* A placement of some dozens of keys takes a fraction of a second. */
#define PATIENCE_S 60

static struct cluster_fixture cluster;
static struct s3_fixture *ask = &cluster.ask;

struct shape {
    uint64_t version;
    uint64_t placement;
    uint64_t finished;
    enum placement_stage stage;
    bool has_third;             /* target-3 counts */
    bool formers_have_third[3]; /* the former placements, oldest first, from version finished on */
    size_t former_count;
};

static struct cluster_map *
make_map(const struct shape *shape)
{
    struct cluster_node nodes[CLUSTER_FIXTURE_NODES_MAX];
    struct cluster_placement formers[3];
    struct bytes ids[] = {BYTES_LITERAL("target-1"), BYTES_LITERAL("target-2"),
                          BYTES_LITERAL("target-3")};
    struct cluster_map content = *cluster.map;

    CHECK(content.node_count <= CLUSTER_FIXTURE_NODES_MAX);
    memcpy(nodes, content.nodes, content.node_count * sizeof(*nodes));
    for (size_t i = 0; i < content.node_count; i++) {
        if (bytes_equal_string(nodes[i].id, "target-3")) {
            nodes[i].state = shape->has_third ? NODE_ACTIVE : NODE_MAINTENANCE;
        }
    }
    for (size_t i = 0; i < shape->former_count; i++) {
        formers[i] = (struct cluster_placement){
            .version = shape->finished + i,
            .target_count = shape->formers_have_third[i] ? 3 : 2,
            .targets = ids,
        };
    }
    content.version = shape->version;
    content.revision = shape->version;
    content.placement_version = shape->placement;
    content.finished_version = shape->finished;
    content.stage = shape->stage;
    content.nodes = nodes;
    content.former_count = shape->former_count;
    content.formers = formers;
    return cluster_map_create(&content);
}

static void
stop_all(const struct shape *shape)
{
    struct cluster_map *map = make_map(shape);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < 3; i++) {
        struct test_node *node = cluster_fixture_target(&cluster, i);

        EXPECT_OK(
            ownership_target_ops.stop_admitting(object_store_ownership(node->store), map, &err),
            &err);
    }
    cluster_map_unref(map);
}

static void
activate_all(const struct shape *shape)
{
    struct cluster_map *map = make_map(shape);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < cluster.node_count; i++) {
        struct test_node *node = &cluster.nodes[i];

        if (node->is_target) {
            EXPECT_OK(ownership_target_ops.activate(object_store_ownership(node->store), map, &err),
                      &err);
        }
        CHECK(pthread_mutex_lock(&node->lock) == 0);
        cluster_map_unref(node->map);
        node->map = cluster_map_ref(map);
        CHECK(pthread_mutex_unlock(&node->lock) == 0);
    }
    CHECK(pthread_mutex_lock(&cluster.lock) == 0);
    cluster_map_unref(cluster.map);
    cluster.map = cluster_map_ref(map);
    CHECK(pthread_mutex_unlock(&cluster.lock) == 0);
    cluster_map_unref(map);
}

static const struct shape TWO = {.version = 2, .placement = 2, .finished = 2, .stage = STAGE_DONE};
static const struct shape THREE = {
    .version = 3, .placement = 3, .finished = 2, .has_third = true, .former_count = 1};

static void
start(void)
{
    cluster_fixture_open(&cluster, 1, 3);
    for (size_t i = 0; i < 3; i++) {
        object_store_own_keys(cluster_fixture_target(&cluster, i)->store);
    }
    activate_all(&TWO);
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
}

static const char *
path_of(int number)
{
    static char path[64];

    snprintf(path, sizeof(path), "/photos/key-%02d", number);
    return path;
}

static void
put_all(void)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        s3_ask(ask, 200, "PUT", path_of(i), NULL, path_of(i));
    }
}

static void
expect_all(int deleted_before)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        if (i < deleted_before) {
            s3_ask(ask, 404, "GET", path_of(i), NULL, NULL);
        } else {
            s3_ask(ask, 200, "GET", path_of(i), NULL, NULL);
            EXPECT_STRING(path_of(i), s3_body(ask));
        }
    }
}

/* Every key that was not deleted is in the listing, once, in pages of 7. */
static void
expect_listing(int deleted_before)
{
    int next = deleted_before;
    char target[128] = "/photos?list-type=2&max-keys=7";

    for (;;) {
        const char *at;
        int last = next;

        s3_ask(ask, 200, "GET", target, NULL, NULL);
        at = s3_body(ask);
        while ((at = strstr(at, "<Key>")) != NULL) {
            char expected[32];

            snprintf(expected, sizeof(expected), "<Key>key-%02d</Key>", next++);
            EXPECT(strncmp(at, expected, strlen(expected)) == 0);
            at++;
        }
        if (strstr(s3_body(ask), "<IsTruncated>true") == NULL) {
            break;
        }
        EXPECT(next > last);
        snprintf(target, sizeof(target), "/photos?list-type=2&max-keys=7&start-after=key-%02d",
                 next - 1);
    }
    EXPECT_INT(KEY_COUNT, next);
}

static struct test_node *
third(void)
{
    return cluster_fixture_target(&cluster, 2);
}

static const char *
key_that_moves(void)
{
    static char key[16];

    for (int i = 0; i < KEY_COUNT; i++) {
        snprintf(key, sizeof(key), "key-%02d", i);
        if (cluster_fixture_owner(&cluster, "photos", key) == third()) {
            return key;
        }
    }
    UNREACHABLE("no key of sixty moves to a third target");
}

static uint64_t
count_family(struct test_node *node, enum family family)
{
    struct home *home = store_home_at(object_store_store(node->store), 0);
    struct meta_iterator *iterator =
        meta_iterator_open(home_db(home), &(struct meta_scan){.family = family});
    uint64_t count = 0;

    for (meta_iterator_seek(iterator, BYTES_LITERAL("")); meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        count++;
    }
    meta_iterator_close(&iterator);
    return count;
}

/* All targets are done with the stage of the map. */
static void
wait_for_stage(const struct shape *shape)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    struct cluster_map *map = make_map(shape);

    for (size_t i = 0; i < 3; i++) {
        struct ownership *ownership =
            object_store_ownership(cluster_fixture_target(&cluster, i)->store);
        bool is_done = false;

        while (!is_done) {
            struct error err = ERROR_INIT;

            EXPECT_OK(ownership_target_ops.holds_barrier(ownership, map, &is_done, &err), &err);
            EXPECT(clock_monotonic_ns() < end_ns);
            sched_yield();
        }
    }
    cluster_map_unref(map);
}

static void
start_rebalance(void)
{
    for (size_t i = 0; i < 3; i++) {
        struct test_node *node = cluster_fixture_target(&cluster, i);

        rebalance_start(object_store_rebalance(node->store));
        rebalance_notice(object_store_rebalance(node->store));
    }
}

static void
finish(void)
{
    for (size_t i = 0; i < 3; i++) {
        rebalance_stop(object_store_rebalance(cluster_fixture_target(&cluster, i)->store));
    }
    cluster_fixture_close(&cluster);
}

/* Nothing has moved yet: the new owner asks, before it reads, decides a condition or lists.
 * SPEC: docs/cluster-protocol.md, rules 6.2 and 6L. */
TEST(new_owner_knows_what_former_owners_have)
{
    start();
    put_all();
    stop_all(&THREE);
    activate_all(&THREE);

    EXPECT_INT(0, (int)count_family(third(), FAMILY_OBJECT));
    expect_listing(0);
    for (int i = 0; i < KEY_COUNT; i++) {
        s3_ask(ask, 412, "PUT", path_of(i), S3_HEADERS("If-None-Match: *"), "another");
    }
    expect_all(0);
    expect_listing(0);
    EXPECT(count_family(third(), FAMILY_OBJECT) > 0);
    finish();
}

/* Deletes before, during and after the move stay deleted, everything else stays, and what is left
 * of the placement at its end is nothing.  SPEC: docs/cluster-protocol.md, rules 5, 6.4 to 6.6. */
TEST(rebalance_moves_each_key_once_and_raises_no_deleted_one)
{
    struct shape shape = THREE;
    uint64_t moved = 0;

    start();
    put_all();
    stop_all(&THREE);
    activate_all(&THREE);
    for (int i = 0; i < 10; i++) {
        s3_ask(ask, 204, "DELETE", path_of(i), NULL, NULL);
    }
    expect_listing(10);
    start_rebalance();
    wait_for_stage(&shape);
    expect_all(10);
    expect_listing(10);
    moved = count_family(third(), FAMILY_OBJECT);
    EXPECT(moved > 0);
    EXPECT_INT(KEY_COUNT - 10,
               (int)(moved + count_family(cluster_fixture_target(&cluster, 0), FAMILY_OBJECT) +
                     count_family(cluster_fixture_target(&cluster, 1), FAMILY_OBJECT)));

    for (enum placement_stage stage = STAGE_SETTLE; stage <= STAGE_DONE; stage++) {
        shape = (struct shape){.version = 3 + (uint64_t)stage,
                               .placement = 3,
                               .finished = 3,
                               .stage = stage,
                               .has_third = true};
        activate_all(&shape);
        if (stage == STAGE_DROP_MARKS || stage == STAGE_DROP_TOMBSTONES) {
            wait_for_stage(&shape);
        }
    }
    expect_all(10);
    expect_listing(10);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_INT(0, (int)count_family(cluster_fixture_target(&cluster, i), FAMILY_FORMER));
    }
    finish();
}

/* Marks of a placement stay in the home that has them, so homes stay what they are until its end.
 */
TEST(mountpaths_do_not_change_while_keys_move)
{
    struct mountpath_outcome outcome;
    struct test_node *node;
    struct error err = ERROR_INIT;
    char *directory;

    start();
    node = cluster_fixture_target(&cluster, 0);
    directory = xasprintf("%s-more", node->mountpath);
    CHECK(mkdir(directory, 0700) == 0);
    activate_all(&THREE);
    EXPECT_STATUS(ST_BUSY,
                  mountpath_admin(node->store, MOUNTPATH_VERB_ATTACH, directory, &outcome, &err));
    activate_all(&(struct shape){
        .version = 4, .placement = 3, .finished = 3, .stage = STAGE_DONE, .has_third = true});
    EXPECT_OK(mountpath_admin(node->store, MOUNTPATH_VERB_ATTACH, directory, &outcome, &err), &err);
    free(directory);
    finish();
}

/* From the acknowledgment on nothing is admitted on a key that is lost, and no page is given; after
 * the withdrawal both are again.  SPEC: docs/cluster-protocol.md, rules 3.2 and 3.4. */
TEST(stopped_target_admits_neither_lost_keys_nor_pages)
{
    struct key_claim claim;
    struct error err = ERROR_INIT;
    struct cluster_map *map;
    struct test_node *owner;
    struct bucket bucket;
    const char *key;

    start();
    activate_all(&THREE);
    key = key_that_moves();
    activate_all(&(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    owner = cluster_fixture_owner(&cluster, "photos", key);
    EXPECT_OK(bucket_open(owner->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);

    stop_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});

    EXPECT(key_claim_check(&claim, &err) == ST_MOVED);
    EXPECT(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err) ==
           ST_WOULD_WAIT);
    EXPECT(ownership_check_page(object_store_ownership(owner->store), 4, &err) == ST_MOVED);

    map =
        make_map(&(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    EXPECT_OK(
        ownership_target_ops.resume_admitting(object_store_ownership(owner->store), map, &err),
        &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);
    EXPECT_OK(ownership_check_page(object_store_ownership(owner->store), 4, &err), &err);
    cluster_map_unref(map);
    bucket_close(&bucket);
    finish();
}

/* That the target owns the key now is not enough.  SPEC: docs/cluster-protocol.md, rule 4. */
TEST(claim_ends_when_the_key_was_away_meanwhile)
{
    struct key_claim claim;
    struct key_claim later;
    struct error err = ERROR_INIT;
    struct test_node *owner;
    struct bucket bucket;
    const char *key;

    start();
    activate_all(&THREE);
    key = key_that_moves();
    activate_all(&(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    owner = cluster_fixture_owner(&cluster, "photos", key);
    EXPECT_OK(bucket_open(owner->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);

    activate_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});
    EXPECT(key_claim_check(&claim, &err) == ST_MOVED);
    activate_all(&(struct shape){.version = 6,
                                 .placement = 6,
                                 .finished = 4,
                                 .former_count = 2,
                                 .formers_have_third = {false, true}});

    EXPECT(key_claim_check(&claim, &err) == ST_MOVED);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &later, &err), &err);
    EXPECT(key_claim_must_ask(&later));
    bucket_close(&bucket);
    finish();
}

/* The body is there when its key goes away: it becomes the new owner's, under its conditions.
 * SPEC: docs/cluster-protocol.md, rule 4. */
TEST(put_whose_key_moved_is_finished_by_the_new_owner)
{
    static const size_t SIZES[] = {0, 100, 3000, 300000};
    static char body[300000];
    struct object_put *puts[ARRAY_COUNT(SIZES)];
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct test_node *owner;
    struct bucket bucket;
    const char *key;
    char path[64];

    memset(body, 'b', sizeof(body));
    start();
    activate_all(&THREE);
    key = key_that_moves();
    snprintf(path, sizeof(path), "/photos/%s", key);
    activate_all(&(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    owner = cluster_fixture_owner(&cluster, "photos", key);
    EXPECT_OK(bucket_open(owner->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        EXPECT_OK(object_put_open(
                      &bucket,
                      &(struct object_put_options){.key = bytes_of_string(key), .size = SIZES[i]},
                      &puts[i], &err),
                  &err);
        if (SIZES[i] > 0) {
            EXPECT_OK(sink_write(object_put_sink(puts[i]), bytes_of(body, SIZES[i]), &err), &err);
        }
        EXPECT_OK(sink_finish(object_put_sink(puts[i]), &err), &err);
    }

    activate_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});

    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        EXPECT_OK(object_put_commit(puts[i], &result, &err), &err);
        object_put_release(&puts[i]);
        s3_ask(ask, 200, "GET", path, NULL, NULL);
        EXPECT_INT((int)SIZES[i], (int)strlen(s3_body(ask)));
    }
    EXPECT_INT(1, (int)count_family(third(), FAMILY_OBJECT));
    bucket_close(&bucket);
    finish();
}

/* One former owner is away: the key is not guessed at.  SPEC: docs/cluster-protocol.md, rule 6.2.
 */
TEST(key_is_unavailable_while_a_former_owner_is)
{
    char path[64];

    start();
    put_all();
    stop_all(&THREE);
    activate_all(&THREE);
    snprintf(path, sizeof(path), "/photos/%s", key_that_moves());

    cluster_fixture_stop_server(cluster_fixture_target(&cluster, 0));
    cluster_fixture_stop_server(cluster_fixture_target(&cluster, 1));

    s3_ask(ask, 503, "GET", path, NULL, NULL);
    s3_ask(ask, 503, "PUT", path, S3_HEADERS("If-None-Match: *"), "another");
    s3_ask(ask, 200, "PUT", path, NULL, "a blind write is ordered by its seq");
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    EXPECT_STRING("a blind write is ordered by its seq", s3_body(ask));
    finish();
}
