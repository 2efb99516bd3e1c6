/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open upload that went to another target and is to return, while placements follow each other
 * quickly: what a target had before says nothing of what it has now.
 */
#include <sched.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "meta/meta_key.h"
#include "object/key_claim.h"
#include "object/object_internal.h"
#include "object/object_route.h"
#include "object/rebalance.h"
#include "object/upload_arrive.h"
#include "object/upload_current.h"
#include "object/upload_item.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* A hand-over takes a fraction of a second. */
#define PATIENCE_S 60
#define NO_RECORD (-1)

static struct s3_fixture *ask = &placement_cluster.ask;

/* The third target counts, nothing is unfinished. */
static const struct shape ALL = {
    .version = 4, .placement = 4, .finished = 4, .has_third = true, .stage = STAGE_DONE};
static const struct shape LEAVES = {
    .version = 5, .placement = 5, .finished = 4, .former_count = 1, .formers_have_third = {true}};
/* It returns, and is not reached. */
static const struct shape RETURNS = {.version = 6,
                                     .placement = 6,
                                     .finished = 4,
                                     .has_third = true,
                                     .is_third_down = true,
                                     .former_count = 2,
                                     .formers_have_third = {true, false}};
static const struct shape LEAVES_AGAIN = {.version = 7,
                                          .placement = 7,
                                          .finished = 4,
                                          .former_count = 3,
                                          .formers_have_third = {true, false, true}};

static char key[16];   /* the third target's */
static char name[200]; /* of the upload, as clients send it */
static struct upload_id id;
static struct bucket bucket;

static const char *
target_of(const char *query)
{
    static char target[512];

    snprintf(target, sizeof(target), "/photos/%s?%suploadId=%s", key, query, name);
    return target;
}

/* The third target has an upload with one part. */
static void
start(void)
{
    struct error err = ERROR_INIT;
    char target[64];
    const char *from;
    struct bytes node;

    placement_start();
    placement_activate_all(&ALL);
    snprintf(key, sizeof(key), "%s", placement_key_that_moves());
    snprintf(target, sizeof(target), "/photos/%s?uploads", key);
    s3_ask(ask, 200, "POST", target, NULL, "");
    from = strstr(s3_body(ask), "<UploadId>");
    EXPECT(from != NULL);
    from += sizeof("<UploadId>") - 1;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(from, "<"), from);
    EXPECT_OK(object_upload_parse(bytes_of_string(name), &id, &node, &err), &err);
    s3_ask(ask, 200, "PUT", target_of("partNumber=1&"), NULL, "part one");
    EXPECT_OK(bucket_open(placement_third()->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    for (size_t i = 0; i < 3; i++) {
        rebalance_start(
            object_store_rebalance(cluster_fixture_target(&placement_cluster, i)->store));
    }
}

static void
finish(void)
{
    bucket_close(&bucket);
    placement_finish();
}

static void
change_to(const struct shape *shape)
{
    placement_stop_all(shape);
    placement_activate_all(shape);
    for (size_t i = 0; i < 3; i++) {
        rebalance_notice(
            object_store_rebalance(cluster_fixture_target(&placement_cluster, i)->store));
    }
}

static int
state_at(struct test_node *node)
{
    struct store *store = object_store_store(node->store);
    struct upload_record record;
    struct arena arena = ARENA_INIT;
    enum status st = upload_get(store_home_of(store, bucket.id, bytes_of_string(key)), bucket.id,
                                bytes_of_string(key), id, true, &arena, &record, NULL);
    int state = st == ST_OK ? (int)record.state : NO_RECORD;

    arena_release(&arena);
    return state;
}

/* Where it goes when the third target leaves. */
static struct test_node *
other_place(void)
{
    struct cluster_map *map = placement_map(&LEAVES);
    const struct cluster_node *owner =
        cluster_map_owner_of(map, key_claim_digest(BYTES_LITERAL("photos"), bytes_of_string(key)));
    struct test_node *node = cluster_fixture_target(
        &placement_cluster, bytes_equal_string(owner->id, "target-1") ? 0 : 1);

    cluster_map_unref(map);
    return node;
}

static void
wait_for_state(struct test_node *node, enum upload_state state)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;

    while (state_at(node) != (int)state) {
        EXPECT(clock_monotonic_ns() < end_ns);
        sched_yield();
    }
}

/* It went from the third target, was about to return when nobody reached that, and is to stay where
 * it is after all.  That the third target had it is of the time before.
 * SPEC: docs/cluster-protocol.md, rule 7U.2. */
TEST(upload_that_was_to_return_and_stays_is_not_lost)
{
    start();
    change_to(&LEAVES);
    wait_for_state(placement_third(), UPLOAD_MOVED);
    wait_for_state(other_place(), UPLOAD_OPEN);
    change_to(&RETURNS);
    wait_for_state(other_place(), UPLOAD_LEAVING);

    change_to(&LEAVES_AGAIN);
    wait_for_state(other_place(), UPLOAD_OPEN);

    s3_ask(ask, 200, "PUT", target_of("partNumber=2&"), NULL, "part two");
    s3_ask(ask, 200, "GET", target_of(""), NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<PartNumber>1</PartNumber>") != NULL);
    EXPECT(strstr(s3_body(ask), "<PartNumber>2</PartNumber>") != NULL);
    s3_ask(ask, 204, "DELETE", target_of(""), NULL, NULL);
    s3_ask(ask, 404, "PUT", target_of("partNumber=3&"), NULL, "part three");
    s3_expect_code(ask, "NoSuchUpload");
    finish();
}

/* A hand-over of the first placement that is repeated after the destination has given the upload
 * away again: it was taken, and what is sent is old.  One that begins now is taken.
 * SPEC: docs/cluster-protocol.md, rule 7U.2. */
TEST(upload_that_has_gone_on_does_not_come_again)
{
    struct shape returns = RETURNS;
    struct upload_item item = {.record = {.origin = BYTES_LITERAL("target-3")}};
    enum upload_arrival arrival = UPLOAD_ARRIVAL_MORE;
    struct buffer body = BUFFER_INIT;
    struct error err = ERROR_INIT;

    start();
    change_to(&LEAVES);
    wait_for_state(placement_third(), UPLOAD_MOVED);
    change_to(&returns);
    wait_for_state(other_place(), UPLOAD_LEAVING);
    item.bucket_id = bucket.id;
    item.id = id;
    item.key = bytes_of_string(key);

    item.record.state = UPLOAD_LEAVING;
    item.record.generation = LEAVES.placement - 1;
    item.is_last = true;
    upload_item_write(&item, &body);
    EXPECT_OK(upload_arrive(placement_third()->store, returns.version, BYTES_LITERAL("target-2"),
                            buffer_bytes(&body), &arrival, &err),
              &err);
    EXPECT_INT(UPLOAD_ARRIVAL_DECIDED, (int)arrival);
    EXPECT_INT(UPLOAD_MOVED, state_at(placement_third()));

    item.record.generation = LEAVES.placement;
    item.is_last = false;
    buffer_clear(&body);
    upload_item_write(&item, &body);
    EXPECT_OK(upload_arrive(placement_third()->store, returns.version, BYTES_LITERAL("target-2"),
                            buffer_bytes(&body), &arrival, &err),
              &err);
    EXPECT_INT(UPLOAD_ARRIVAL_ALL, (int)arrival);
    EXPECT_INT(UPLOAD_ARRIVING, state_at(placement_third()));
    buffer_release(&body);
    finish();
}
