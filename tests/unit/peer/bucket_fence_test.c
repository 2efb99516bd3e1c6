/* SPDX-License-Identifier: Apache-2.0 */
/* Rule 4 for buckets: a node that has not heard of a change of its bucket. */
#include "object/bucket_empty.h"
#include "object/bucket_fence.h"
#include "object/bucket_value.h"

#include <pthread.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "object/object_internal.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PAUSE_NS (1 * CLOCK_NS_PER_MS)

static struct cluster_fixture cluster;
static struct s3_fixture *ask = &cluster.ask;
static char path[64]; /* of a key that the first target owns */

static struct test_node *
gateway(size_t index)
{
    return cluster_fixture_gateway(&cluster, index);
}

static struct test_node *
owner(void)
{
    return cluster_fixture_target(&cluster, 0);
}

static void
start(void)
{
    char key[32];
    int number = 0;

    cluster_fixture_open(&cluster, 2, 2);
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
    do {
        snprintf(key, sizeof(key), "key-%d", number++);
    } while (cluster_fixture_owner(&cluster, "photos", key) != owner());
    snprintf(path, sizeof(path), "/photos/%s", key);
    s3_ask(ask, 200, "PUT", path, NULL, "first");
}

static uint64_t
revision_at(struct test_node *node)
{
    return bucket_fence_revision(node->store, BYTES_LITERAL("photos"));
}

/* From now on the node hears of no change; until hear, which tells it also of what is gone. */
static void
go_deaf(struct test_node *node)
{
    control_unwatch(cluster.control, bucket_table_changed, node->store->buckets);
}

static void
hear(struct test_node *node)
{
    EXPECT_STATUS(ST_OK, control_watch(cluster.control, BYTES_LITERAL(BUCKET_VALUE_PREFIX),
                                       bucket_table_changed, node->store->buckets, NULL));
    if (revision_at(node) > 0 && revision_at(gateway(1)) == 0) {
        bucket_table_changed(&(struct control_value){.key = BYTES_LITERAL("bucket/photos")},
                             node->store->buckets);
    }
}

static void
change_properties(void)
{
    struct bucket_properties properties = {
        .durability = DURABILITY_RELAXED, .chunk_bytes = 8 << 20, .verify_read = true};

    EXPECT_STATUS(ST_OK, bucket_set_properties(gateway(1)->store, principal_of_root(),
                                               BYTES_LITERAL("photos"), &properties, NULL));
}

static void
make_again(void)
{
    cluster_fixture_choose(&cluster, gateway(1));
    s3_ask(ask, 204, "DELETE", path, NULL, NULL);
    s3_ask(ask, 204, "DELETE", "/photos", NULL, NULL);
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
}

/* Hears again once it was refused. */
static int64_t fenced_before;

static void *
hear_later(void *arg)
{
    struct test_node *node = arg;

    while (metric_value(&bucket_fenced_total) == fenced_before) {
        clock_pause_ns(PAUSE_NS);
    }
    hear(node);
    return NULL;
}

/* A gateway that asks under an older value is refused, hears of the newer one and asks again,
 * unseen by its client. */
TEST(a_stale_gateway_is_refused_and_asks_again)
{
    pthread_t thread;

    start();
    for (int i = 0; i < 2; i++) {
        go_deaf(gateway(0));
        if (i == 0) {
            change_properties();
        } else {
            make_again();
            s3_ask(ask, 200, "PUT", path, NULL, "second");
        }
        EXPECT(revision_at(gateway(0)) < revision_at(owner()));
        fenced_before = metric_value(&bucket_fenced_total);
        CHECK(pthread_create(&thread, NULL, hear_later, gateway(0)) == 0);
        cluster_fixture_choose(&cluster, gateway(0));
        s3_ask(ask, 200, "GET", path, NULL, NULL);
        EXPECT_STRING(i == 0 ? "first" : "second", s3_body(ask));
        CHECK(pthread_join(thread, NULL) == 0);
        EXPECT(revision_at(gateway(0)) == revision_at(owner()));
    }
    cluster_fixture_close(&cluster);
}

/* The same for what a gateway's own threads ask. */
TEST(a_stale_gateway_lists_what_is_there_now)
{
    pthread_t thread;

    start();
    go_deaf(gateway(0));
    change_properties();
    fenced_before = metric_value(&bucket_fenced_total);
    CHECK(pthread_create(&thread, NULL, hear_later, gateway(0)) == 0);
    cluster_fixture_choose(&cluster, gateway(0));
    s3_ask(ask, 200, "GET", "/photos?list-type=2", NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<KeyCount>1</KeyCount>") != NULL);
    CHECK(pthread_join(thread, NULL) == 0);

    go_deaf(gateway(0));
    make_again();
    fenced_before = metric_value(&bucket_fenced_total);
    CHECK(pthread_create(&thread, NULL, hear_later, gateway(0)) == 0);
    cluster_fixture_choose(&cluster, gateway(0));
    s3_ask(ask, 404, "GET", "/photos?list-type=2", NULL, NULL);
    s3_expect_code(ask, "NoSuchBucket"); /* that one */
    CHECK(pthread_join(thread, NULL) == 0);
    s3_ask(ask, 200, "GET", "/photos?list-type=2", NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<KeyCount>0</KeyCount>") != NULL);
    cluster_fixture_close(&cluster);
}

/* The bucket is gone, and the gateway does not know: no page of another bucket, no key. */
TEST(a_stale_gateway_finds_that_the_bucket_is_gone)
{
    pthread_t thread;

    start();
    go_deaf(gateway(0));
    cluster_fixture_choose(&cluster, gateway(1));
    s3_ask(ask, 204, "DELETE", path, NULL, NULL);
    s3_ask(ask, 204, "DELETE", "/photos", NULL, NULL);
    fenced_before = metric_value(&bucket_fenced_total);
    CHECK(pthread_create(&thread, NULL, hear_later, gateway(0)) == 0);
    cluster_fixture_choose(&cluster, gateway(0));
    s3_ask(ask, 404, "GET", path, NULL, NULL);
    s3_expect_code(ask, "NoSuchBucket");
    CHECK(pthread_join(thread, NULL) == 0);
    cluster_fixture_close(&cluster);
}

/* The owner has not heard of a change and cannot: it acts on nothing that was decided after it. */
TEST(a_stale_owner_does_not_act)
{
    start();
    go_deaf(owner());
    change_properties();
    cluster_fixture_choose(&cluster, gateway(1));
    EXPECT(revision_at(owner()) < revision_at(gateway(1)));
    s3_ask(ask, 503, "PUT", path, NULL, "lost");
    s3_ask(ask, 503, "GET", path, NULL, NULL);
    hear(owner());
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    EXPECT_STRING("first", s3_body(ask));
    s3_ask(ask, 200, "PUT", path, NULL, "kept");
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    EXPECT_STRING("kept", s3_body(ask));
    cluster_fixture_close(&cluster);
}

/* Another node's request puts the bucket into that state; its revision. */
static uint64_t
put_state(enum bucket_state state, uint64_t *ret_id)
{
    struct bytes key = BYTES_LITERAL(BUCKET_VALUE_PREFIX "photos");
    struct arena arena = ARENA_INIT;
    struct buffer json = BUFFER_INIT;
    struct control_value old;
    struct bucket_value value;
    uint64_t revision = 0;

    EXPECT_STATUS(ST_OK, control_get(cluster.control, key, &arena, &old, NULL));
    EXPECT_STATUS(ST_OK, bucket_value_parse(old.value, &arena, &value, NULL));
    value.state = state;
    *ret_id = value.id;
    EXPECT_STATUS(ST_OK, bucket_value_format(&value, old.value, &json, NULL));
    EXPECT_STATUS(ST_OK, control_put(cluster.control, key, buffer_bytes(&json), old.revision,
                                     &revision, NULL));
    buffer_release(&json);
    arena_release(&arena);
    return revision;
}

static bool
has_uploads(void)
{
    s3_ask(ask, 200, "GET", "/photos?uploads=", NULL, NULL);
    return strstr(s3_body(ask), "<Upload>") != NULL;
}

/* A deletion was taken back and begun again; what is late of the first one removes nothing.
 * Without it the uploads of a bucket that stays would be gone. */
TEST(a_late_step_of_a_deletion_touches_nothing)
{
    struct bytes name = BYTES_LITERAL("photos");
    uint64_t first, second, id;

    start();
    cluster_fixture_choose(&cluster, gateway(1));
    s3_ask(ask, 204, "DELETE", path, NULL, NULL);
    for (int i = 0; i < 8; i++) {
        char target[64];

        snprintf(target, sizeof(target), "/photos/upload-%d?uploads=", i);
        s3_ask(ask, 200, "POST", target, NULL, NULL);
    }
    first = put_state(BUCKET_DELETING, &id);
    (void)put_state(BUCKET_ACTIVE, &id);
    EXPECT_STATUS(ST_CONFLICT, bucket_empty_everywhere(owner()->store, name, id, first, NULL));
    EXPECT_STATUS(ST_CONFLICT, bucket_empty_everywhere(gateway(0)->store, name, id, first, NULL));
    second = put_state(BUCKET_DELETING, &id);
    EXPECT_STATUS(ST_CONFLICT, bucket_empty_everywhere(owner()->store, name, id, first, NULL));
    EXPECT_STATUS(ST_CONFLICT, bucket_empty_everywhere(gateway(0)->store, name, id, first, NULL));
    EXPECT(has_uploads());

    EXPECT_STATUS(ST_OK, bucket_empty_everywhere(gateway(0)->store, name, id, second, NULL));
    EXPECT(!has_uploads());
    cluster_fixture_close(&cluster);
}

/* The same where the step has begun and its commits come later. */
TEST(a_step_of_a_deletion_ends_when_that_is_taken_back)
{
    struct bucket bucket;
    uint64_t first, id;

    start();
    s3_ask(ask, 204, "DELETE", path, NULL, NULL);
    snprintf(path + strlen(path), sizeof(path) - strlen(path), "?uploads=");
    s3_ask(ask, 200, "POST", path, NULL, NULL);
    first = put_state(BUCKET_DELETING, &id);
    EXPECT_STATUS(ST_OK, bucket_open(owner()->store, principal_of_root(), BYTES_LITERAL("photos"),
                                     ACTION_LIST_BUCKET, &bucket, NULL));
    (void)put_state(BUCKET_ACTIVE, &id);
    EXPECT_STATUS(ST_CONFLICT, bucket_empty_own(&bucket, first, BUCKET_EMPTY_REMOVE, NULL));
    EXPECT(has_uploads());
    bucket_close(&bucket);
    cluster_fixture_close(&cluster);
}

/* Each case of the decision itself. */
TEST(only_the_same_value_passes)
{
    struct bytes name = BYTES_LITERAL("photos");
    uint64_t known = 0;
    uint64_t now;

    start();
    now = revision_at(owner());
    EXPECT(now > 1);
    EXPECT_STATUS(ST_OK, bucket_fence_check(owner()->store, name, now, &known, NULL));
    EXPECT_STATUS(ST_MOVED, bucket_fence_check(owner()->store, name, now - 1, &known, NULL));
    EXPECT_INT(now, known);
    EXPECT_STATUS(ST_WOULD_WAIT, bucket_fence_check(owner()->store, name, now + 1, &known, NULL));
    EXPECT_STATUS(ST_WOULD_WAIT,
                  bucket_fence_check(owner()->store, BYTES_LITERAL("no-such"), now, &known, NULL));
    cluster_fixture_close(&cluster);
}
