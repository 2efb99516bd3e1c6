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
#include "meta/meta_key.h"
#include "object/key_claim.h"
#include "object/key_holding.h"
#include "object/key_settle.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/object_put.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "object/resilver.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* A placement of some dozens of keys takes a fraction of a second. */
#define PATIENCE_S 60

static struct s3_fixture *ask = &placement_cluster.ask;

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
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        s3_ask(ask, 200, "PUT", path_of(i), NULL, path_of(i));
    }
}

static void
expect_all(int deleted_before)
{
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
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
    EXPECT_INT(PLACEMENT_KEY_COUNT, next);
}

/* All targets are done with the stage of the map. */
static void
wait_for_stage(const struct shape *shape)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    struct cluster_map *map = placement_map(shape);

    for (size_t i = 0; i < 3; i++) {
        struct ownership *ownership =
            object_store_ownership(cluster_fixture_target(&placement_cluster, i)->store);
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
        struct test_node *node = cluster_fixture_target(&placement_cluster, i);

        rebalance_start(object_store_rebalance(node->store));
        rebalance_notice(object_store_rebalance(node->store));
    }
}

static struct test_node *
owner_of(int number)
{
    char key[16];

    snprintf(key, sizeof(key), "key-%02d", number);
    return cluster_fixture_owner(&placement_cluster, "photos", key);
}

static bool
is_record_at(struct test_node *node, int number)
{
    struct home *home = store_home_at(object_store_store(node->store), 0);
    struct meta_value value = META_VALUE_INIT;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    struct meta_key key;
    char name[16];
    enum status st;

    snprintf(name, sizeof(name), "key-%02d", number);
    EXPECT_OK(bucket_open(node->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    meta_key_object(&key, bucket.id, bytes_of_string(name));
    st = meta_db_get(home_db(home), FAMILY_OBJECT, meta_key_bytes(&key), true, &value, &err);
    meta_value_release(&value);
    bucket_close(&bucket);
    return st == ST_OK;
}

/* Nothing has moved yet: the new owner asks, before it reads, decides a condition or lists.
 * SPEC: docs/cluster-protocol.md, rules 6.2 and 6L. */
TEST(new_owner_knows_what_former_owners_have)
{
    placement_start();
    put_all();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);

    EXPECT_INT(0, (int)placement_count_family(placement_third(), FAMILY_OBJECT));
    expect_listing(0);
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        s3_ask(ask, 412, "PUT", path_of(i), S3_HEADERS("If-None-Match: *"), "another");
    }
    expect_all(0);
    expect_listing(0);
    EXPECT(placement_count_family(placement_third(), FAMILY_OBJECT) > 0);
    placement_finish();
}

/* Deletes before, during and after the move stay deleted, everything else stays, and what is left
 * of the placement at its end is nothing.  SPEC: docs/cluster-protocol.md, rules 5, 6.4 to 6.6. */
TEST(rebalance_moves_each_key_once_and_raises_no_deleted_one)
{
    struct shape shape = PLACEMENT_THREE;
    uint64_t moved = 0;

    placement_start();
    put_all();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);
    for (int i = 0; i < 10; i++) {
        s3_ask(ask, 204, "DELETE", path_of(i), NULL, NULL);
    }
    expect_listing(10);
    start_rebalance();
    wait_for_stage(&shape);
    expect_all(10);
    expect_listing(10);
    moved = placement_count_family(placement_third(), FAMILY_OBJECT);
    EXPECT(moved > 0);
    EXPECT_INT(
        PLACEMENT_KEY_COUNT - 10,
        (int)(moved +
              placement_count_family(cluster_fixture_target(&placement_cluster, 0), FAMILY_OBJECT) +
              placement_count_family(cluster_fixture_target(&placement_cluster, 1),
                                     FAMILY_OBJECT)));

    for (enum placement_stage stage = STAGE_SETTLE; stage <= STAGE_DONE; stage++) {
        shape = (struct shape){.version = 3 + (uint64_t)stage,
                               .placement = 3,
                               .finished = 3,
                               .stage = stage,
                               .has_third = true};
        placement_activate_all(&shape);
        if (stage == STAGE_DROP_MARKS || stage == STAGE_DROP_TOMBSTONES) {
            wait_for_stage(&shape);
        }
    }
    expect_all(10);
    expect_listing(10);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_INT(0, (int)placement_count_family(cluster_fixture_target(&placement_cluster, i),
                                                  FAMILY_FORMER));
    }
    placement_finish();
}

/* While a key cannot be moved it alone is tried again: the others are not looked through each time;
 * and a map that changes that is heard of at once. */
TEST(keys_that_were_left_are_tried_again_alone)
{
    struct shape shape = PLACEMENT_THREE;
    struct test_node *source;
    uint64_t key_count;
    uint64_t left_count = 0;

    placement_start();
    put_all();
    shape.is_third_down = true;
    placement_activate_all(&shape);
    source = cluster_fixture_target(&placement_cluster, 0);
    key_count = placement_count_family(source, FAMILY_OBJECT);
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        left_count += is_record_at(source, i) && owner_of(i) == placement_third();
    }
    EXPECT(left_count > 0 && key_count > left_count);
    start_rebalance();

    for (;;) {
        struct rebalance_progress progress;

        rebalance_progress_get(object_store_rebalance(source->store), &progress);
        EXPECT(progress.scanned_count <=
               key_count * (progress.refused_count / (2 * left_count) + 1));
        if (progress.refused_count >= 6 * left_count) {
            break;
        }
        sched_yield();
    }
    shape.version++;
    shape.is_third_down = false;
    placement_activate_all(&shape);
    wait_for_stage(&shape);
    expect_all(0);
    placement_finish();
}

/* ---- mountpaths that come while keys move ---- */

static void
attach_one(struct test_node *node)
{
    char *directory = xasprintf("%s-more", node->mountpath);
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;

    CHECK(mkdir(directory, 0700) == 0);
    EXPECT_OK(mountpath_admin(node->store, MOUNTPATH_VERB_ATTACH, directory, &outcome, &err), &err);
    EXPECT(outcome.needs_resilver);
    free(directory);
}

static void
resilver_one(struct test_node *node)
{
    const struct resilver_options options = {.arg = NULL};
    struct resilver_progress progress;
    struct error err = ERROR_INIT;

    EXPECT_OK(resilver_run(node->store, &options, &progress, &err), &err);
}

/* The rest of a placement whose records and tombstones have moved. */
static void
end_placement(void)
{
    for (enum placement_stage stage = STAGE_SETTLE; stage <= STAGE_DONE; stage++) {
        struct shape shape = {.version = 3 + (uint64_t)stage,
                              .placement = 3,
                              .finished = 3,
                              .stage = stage,
                              .has_third = true};

        placement_activate_all(&shape);
        if (stage == STAGE_DROP_MARKS || stage == STAGE_DROP_TOMBSTONES) {
            wait_for_stage(&shape);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        EXPECT_INT(0, (int)placement_count_family(cluster_fixture_target(&placement_cluster, i),
                                                  FAMILY_FORMER));
    }
}

/* Tombstones and confirmations go to the key's new home with it, whoever asks for it first: nothing
 * rises, and the move goes on behind the resilver.  SPEC: docs/decisions/010. */
TEST(mountpath_comes_before_keys_have_moved)
{
    placement_start();
    put_all();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);
    for (int i = 0; i < 10; i++) {
        s3_ask(ask, 204, "DELETE", path_of(i), NULL, NULL);
    }
    for (int i = 10; i < 20; i++) {
        s3_ask(ask, 412, "PUT", path_of(i), S3_HEADERS("If-None-Match: *"), "another");
    }
    for (size_t i = 0; i < 3; i++) {
        attach_one(cluster_fixture_target(&placement_cluster, i));
    }

    expect_listing(10);
    for (int i = 0; i < 5; i++) {
        s3_ask(ask, 404, "GET", path_of(i), NULL, NULL);
        s3_ask(ask, 404, "PUT", path_of(i), S3_HEADERS("If-Match: \"00\""), "another");
    }
    start_rebalance();
    for (size_t i = 0; i < 3; i++) {
        resilver_one(cluster_fixture_target(&placement_cluster, i));
    }
    wait_for_stage(&PLACEMENT_THREE);
    expect_all(10);
    expect_listing(10);
    end_placement();
    expect_all(10);
    expect_listing(10);
    placement_finish();
}

/* What has moved is marked at its source; the mark goes to the new home of the key. */
TEST(mountpath_comes_after_keys_have_moved)
{
    placement_start();
    put_all();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);
    start_rebalance();
    wait_for_stage(&PLACEMENT_THREE);
    for (int i = 0; i < 10; i++) {
        s3_ask(ask, 204, "DELETE", path_of(i), NULL, NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        attach_one(cluster_fixture_target(&placement_cluster, i));
    }

    expect_listing(10);
    for (size_t i = 0; i < 3; i++) {
        resilver_one(cluster_fixture_target(&placement_cluster, i));
    }
    expect_all(10);
    expect_listing(10);
    end_placement();
    expect_all(10);
    expect_listing(10);
    placement_finish();
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

    placement_start();
    placement_activate_all(&PLACEMENT_THREE);
    key = placement_key_that_moves();
    placement_activate_all(
        &(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    owner = cluster_fixture_owner(&placement_cluster, "photos", key);
    EXPECT_OK(bucket_open(owner->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);

    placement_stop_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});

    EXPECT(key_claim_check(&claim, &err) == ST_MOVED);
    EXPECT(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err) ==
           ST_WOULD_WAIT);
    EXPECT(ownership_check_page(object_store_ownership(owner->store), 4, &err) == ST_MOVED);

    map = placement_map(
        &(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    EXPECT_OK(
        ownership_target_ops.resume_admitting(object_store_ownership(owner->store), map, &err),
        &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);
    EXPECT_OK(ownership_check_page(object_store_ownership(owner->store), 4, &err), &err);
    cluster_map_unref(map);
    bucket_close(&bucket);
    placement_finish();
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

    placement_start();
    placement_activate_all(&PLACEMENT_THREE);
    key = placement_key_that_moves();
    placement_activate_all(
        &(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    owner = cluster_fixture_owner(&placement_cluster, "photos", key);
    EXPECT_OK(bucket_open(owner->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);

    placement_activate_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});
    EXPECT(key_claim_check(&claim, &err) == ST_MOVED);
    placement_activate_all(&(struct shape){.version = 6,
                                           .placement = 6,
                                           .finished = 4,
                                           .former_count = 2,
                                           .formers_have_third = {false, true}});

    EXPECT(key_claim_check(&claim, &err) == ST_MOVED);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &later, &err), &err);
    EXPECT(key_claim_must_ask(&later));
    bucket_close(&bucket);
    placement_finish();
}

/* Between the claim and its question the placement ends, and with it the marks that count.
 * SPEC: docs/cluster-protocol.md, rule 6.1. */
TEST(claim_is_settled_when_its_placement_has_ended_meanwhile)
{
    struct key_claim claim;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    const char *key;

    placement_start();
    put_all();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);
    key = placement_key_that_moves();
    EXPECT_OK(bucket_open(placement_third()->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    EXPECT_OK(key_claim_admit(&bucket, bytes_of_string(key), READ_NO_WAIT, &claim, &err), &err);
    EXPECT(key_claim_must_ask(&claim));
    start_rebalance();
    wait_for_stage(&PLACEMENT_THREE);
    placement_activate_all(&(struct shape){
        .version = 4, .placement = 3, .finished = 3, .stage = STAGE_SETTLE, .has_third = true});

    EXPECT_OK(key_settle(&claim, &bucket, bytes_of_string(key), &err), &err);

    bucket_close(&bucket);
    placement_finish();
}

/* One former owner is away: the key is not guessed at.  SPEC: docs/cluster-protocol.md, rule 6.2.
 */
TEST(key_is_unavailable_while_a_former_owner_is)
{
    char path[64];

    placement_start();
    put_all();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);
    snprintf(path, sizeof(path), "/photos/%s", placement_key_that_moves());

    cluster_fixture_stop_server(cluster_fixture_target(&placement_cluster, 0));
    cluster_fixture_stop_server(cluster_fixture_target(&placement_cluster, 1));

    s3_ask(ask, 503, "GET", path, NULL, NULL);
    s3_ask(ask, 503, "PUT", path, S3_HEADERS("If-None-Match: *"), "another");
    s3_ask(ask, 200, "PUT", path, NULL, "a blind write is ordered by its seq");
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    EXPECT_STRING("a blind write is ordered by its seq", s3_body(ask));
    placement_finish();
}
