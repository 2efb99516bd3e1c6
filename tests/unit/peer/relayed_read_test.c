/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of a large object that has not moved to its new owner: answered from the former owner's
 * bytes.  target-1 had the key, target-2 has it now; what target-1 sends passes a link that can
 * hold it back.  SPEC: docs/cluster-protocol.md, rule 6.2R.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/principal.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/fetch_place.h"
#include "object/key_settle.h"
#include "object/object_get_own.h"
#include "object/object_internal.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/peer/faulty_link.h"
#include "tests/unit/peer/map_shape.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* More than sockets hold on the way, and than a read brings here. */
#define PART_BYTES ((size_t)24 << 20)
#define LARGE_BYTES (PART_BYTES + PART_BYTES / 2)
/* Of it passes so much, the rest is held back. */
#define STALL_AFTER_BYTES ((size_t)1 << 20)
#define PATIENCE_S 60

static struct cluster_fixture cluster;
static struct faulty_link *links[MAP_SHAPE_TARGETS];
static struct map_shape shape;
static char *large;
static struct bucket bucket; /* at target-2 */
static const struct bytes KEY = {"large", 5};

/* In two parts. */
static void
upload_large(void)
{
    struct s3_fixture *ask = &cluster.ask;
    char *part = xcalloc(1, PART_BYTES + 1);
    char id[256], target[384];
    char body[512];
    char etags[2][64];
    const char *at;

    s3_ask(ask, 200, "POST", "/photos/large?uploads=", NULL, NULL);
    at = strstr(s3_body(ask), "<UploadId>") + 10;
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "<"), at);
    for (int i = 0; i < 2; i++) {
        size_t size = i == 0 ? PART_BYTES : LARGE_BYTES - PART_BYTES;

        memcpy(part, large + (i == 0 ? 0 : PART_BYTES), size);
        part[size] = '\0';
        snprintf(target, sizeof(target), "/photos/large?partNumber=%d&uploadId=%s", i + 1, id);
        s3_ask(ask, 200, "PUT", target, NULL, part);
        snprintf(etags[i], sizeof(etags[i]), "%s", s3_header(ask, "ETag"));
    }
    snprintf(target, sizeof(target), "/photos/large?uploadId=%s", id);
    snprintf(body, sizeof(body),
             "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part><Part>"
             "<PartNumber>2</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>",
             etags[0], etags[1]);
    s3_ask(ask, 200, "POST", target, NULL, body);
    free(part);
}

static void
start(bool is_in_parts)
{
    struct error err = ERROR_INIT;

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
    large = xmalloc(LARGE_BYTES + 1);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        large[i] = (char)('a' + (i >> 3) % 23);
    }
    large[LARGE_BYTES] = '\0';
    s3_ask(&cluster.ask, 200, "PUT", "/photos", NULL, "");
    if (is_in_parts) {
        upload_large();
    } else {
        s3_ask(&cluster.ask, 200, "PUT", "/photos/large", NULL, large);
    }
    map_shape_place(&shape, 2);
    cluster_fixture_activate(&cluster, &shape);
    cluster_fixture_choose(&cluster, &cluster.nodes[1]);
    EXPECT_OK(bucket_open(cluster.nodes[1].store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
}

static void
finish(void)
{
    bucket_close(&bucket);
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        rebalance_stop(object_store_rebalance(cluster.nodes[i].store));
    }
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        faulty_link_destroy(&links[i]);
    }
    cluster_fixture_close(&cluster);
    free(large);
}

static bool
has_record(size_t node)
{
    struct store *store = object_store_store(cluster.nodes[node].store);
    struct home *home = store_home_at(store, 0);
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, bucket.id, KEY);
    st = meta_db_get(home_db(home), FAMILY_OBJECT, meta_key_bytes(&key), true, &value, NULL);
    meta_value_release(&value);
    return st == ST_OK;
}

static enum status
get(struct arena *arena, struct object_get_result *result)
{
    struct object_get_options options = {.key = KEY, .mode = READ_MAY_WAIT};

    return object_get(&bucket, &options, arena, result, NULL);
}

/* From offset on, to the end or to size more. */
static void
expect_bytes(struct source *source, size_t offset, size_t size)
{
    char *piece = xmalloc((size_t)256 << 10);
    size_t end = offset + size < LARGE_BYTES ? offset + size : LARGE_BYTES;

    while (offset < end) {
        size_t room = end - offset < (size_t)256 << 10 ? end - offset : (size_t)256 << 10;
        size_t part = 0;
        struct error err = ERROR_INIT;

        EXPECT_OK(source_read(source, READ_MAY_WAIT, piece, room, &part, &err), &err);
        EXPECT(part > 0);
        EXPECT(memcmp(piece, large + offset, part) == 0);
        offset += part;
    }
    free(piece);
}

/* Everything that is said of the object comes from the former owner, and none of it stays here. */
TEST(large_object_is_read_where_it_stands)
{
    struct s3_fixture *ask = &cluster.ask;

    start(true);
    s3_ask(ask, 200, "HEAD", "/photos/large", NULL, NULL);
    EXPECT_INT(LARGE_BYTES, strtoll(s3_header(ask, "Content-Length"), NULL, 10));
    s3_ask(ask, 200, "GET", "/photos/large", NULL, NULL);
    EXPECT_INT(LARGE_BYTES, ask->response.body.size);
    EXPECT(memcmp(large, ask->response.body.data, LARGE_BYTES) == 0);
    s3_ask(ask, 206, "GET", "/photos/large", S3_HEADERS("Range: bytes=25000000-25000099"), NULL);
    EXPECT_INT(100, ask->response.body.size);
    EXPECT(memcmp(large + 25000000, ask->response.body.data, 100) == 0);
    s3_ask(ask, 206, "GET", "/photos/large", S3_HEADERS("Range: bytes=-7"), NULL);
    EXPECT_STRING(large + LARGE_BYTES - 7, s3_body(ask));
    s3_ask(ask, 416, "GET", "/photos/large", S3_HEADERS("Range: bytes=99999999-"), NULL);
    s3_ask(ask, 304, "GET", "/photos/large", S3_HEADERS("If-None-Match: *"), NULL);
    s3_ask(ask, 412, "GET", "/photos/large", S3_HEADERS("If-Match: \"other\""), NULL);

    EXPECT(has_record(0));
    EXPECT(!has_record(1));
    finish();
}

/* SPEC: S3 GetObject / partNumber, GetObjectAttributes. */
TEST(parts_of_a_large_object_are_read_where_it_stands)
{
    struct s3_fixture *ask = &cluster.ask;

    start(true);
    s3_ask(ask, 206, "GET", "/photos/large?partNumber=2", NULL, NULL);
    EXPECT_INT(LARGE_BYTES - PART_BYTES, ask->response.body.size);
    EXPECT(memcmp(large + PART_BYTES, ask->response.body.data, LARGE_BYTES - PART_BYTES) == 0);
    EXPECT_STRING("2", s3_header(ask, "x-amz-mp-parts-count"));
    s3_ask(ask, 206, "HEAD", "/photos/large?partNumber=1", NULL, NULL);
    EXPECT_INT(PART_BYTES, strtoll(s3_header(ask, "Content-Length"), NULL, 10));
    s3_ask(ask, 416, "GET", "/photos/large?partNumber=3", NULL, NULL);
    s3_ask(ask, 200, "GET", "/photos/large?attributes=",
           S3_HEADERS("x-amz-object-attributes: ObjectParts,ObjectSize"), NULL);
    EXPECT(strstr(s3_body(ask), "<TotalPartsCount>2<") != NULL ||
           strstr(s3_body(ask), "<PartsCount>2<") != NULL);
    EXPECT(!has_record(1));
    finish();
}

/* The answer to a question about the record passes, that to a request for its bytes does not. */
static void
stall_after_answer(void)
{
    faulty_link_stall_after(links[0], 0);
    s3_ask(&cluster.ask, 200, "HEAD", "/photos/large", NULL, NULL);
    EXPECT(faulty_link_sent(links[0]) > 0);
    faulty_link_stall_after(links[0], faulty_link_sent(links[0]) + 1);
}

static void
wait_until_stalled(void)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;

    while (faulty_link_stalled_count(links[0]) == 0) {
        EXPECT(clock_monotonic_ns() < end_ns);
        clock_pause_ns(CLOCK_NS_PER_MS);
    }
}

static void *
put_if_absent(void *arg)
{
    s3_ask(&cluster.ask, 412, "PUT", "/photos/large", S3_HEADERS("If-None-Match: *"), "other");
    return arg;
}

/* The bytes do not come: neither a writer's pull of the whole can end, nor the read.  The read has
 * its head, and what has come. */
TEST(large_object_is_read_while_its_pull_cannot_end)
{
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    pthread_t puller;

    start(false);
    stall_after_answer();
    CHECK(pthread_create(&puller, NULL, put_if_absent, NULL) == 0);
    wait_until_stalled();

    faulty_link_stall_after(links[0], STALL_AFTER_BYTES);
    EXPECT_INT(ST_OK, get(&arena, &result));
    expect_bytes(result.source, 0, 1);
    EXPECT(!has_record(1));

    faulty_link_stall_after(links[0], 0);
    expect_bytes(result.source, 1, LARGE_BYTES);
    CHECK(pthread_join(puller, NULL) == 0);
    EXPECT(has_record(1));
    source_release(&result.source);
    arena_release(&arena);
    finish();
}

/* What a former owner sends is held until it is sent, whatever becomes of the record: it moves, the
 * former owner frees it, the new one writes another. */
TEST(relayed_read_ends_as_it_began_though_the_object_moves_and_is_overwritten)
{
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct s3_fixture *ask = &cluster.ask;
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;

    start(false);
    EXPECT_INT(ST_OK, get(&arena, &result));
    expect_bytes(result.source, 0, 1);
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        rebalance_start(object_store_rebalance(cluster.nodes[i].store));
        rebalance_notice(object_store_rebalance(cluster.nodes[i].store));
    }
    while (has_record(0)) {
        EXPECT(clock_monotonic_ns() < end_ns);
        clock_pause_ns(CLOCK_NS_PER_MS);
    }
    s3_ask(ask, 200, "PUT", "/photos/large", NULL, "new");

    expect_bytes(result.source, 1, LARGE_BYTES);
    s3_ask(ask, 200, "GET", "/photos/large", NULL, NULL);
    EXPECT_STRING("new", s3_body(ask));
    source_release(&result.source);
    arena_release(&arena);
    finish();
}

/* A former owner that is lost while it sends: the answer is cut, and never ends as if it were
 * whole. Before it has begun: 503. */
TEST(former_owner_that_is_lost_cuts_the_read)
{
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    enum status st = ST_OK;
    size_t read = 0;
    size_t part = 1;
    char *piece = xmalloc(LARGE_BYTES);

    start(false);
    faulty_link_cut_after(links[0], STALL_AFTER_BYTES);
    EXPECT_INT(ST_OK, get(&arena, &result));
    while (st == ST_OK && part > 0) {
        st = source_read(result.source, READ_MAY_WAIT, piece, LARGE_BYTES, &part, NULL);
        read += st == ST_OK ? part : 0;
    }
    EXPECT_INT(ST_CLOSED, st);
    EXPECT(read < LARGE_BYTES);
    source_release(&result.source);

    faulty_link_cut_after(links[0], 1);
    EXPECT_INT(ST_UNAVAILABLE, get(&arena, &result));
    free(piece);
    arena_release(&arena);
    finish();
}

static void *
get_in_thread(void *arg)
{
    enum status *ret_status = arg;
    struct object_get_result result;
    struct arena arena = ARENA_INIT;

    *ret_status = get(&arena, &result);
    source_release(&result.source);
    arena_release(&arena);
    return arg;
}

/* The former owner's answer is used only if the key was not away meanwhile. */
TEST(relayed_read_begins_anew_when_the_key_is_taken_away)
{
    enum status st = ST_OK;
    pthread_t reader;

    start(false);
    stall_after_answer();
    CHECK(pthread_create(&reader, NULL, get_in_thread, &st) == 0);
    wait_until_stalled();
    map_shape_place(&shape, 4);
    cluster_fixture_activate(&cluster, &shape);
    faulty_link_stall_after(links[0], 0);
    CHECK(pthread_join(reader, NULL) == 0);

    EXPECT_INT(ST_MOVED, st);
    finish();
}

/* The record went between the answer and the request for its bytes: look again, it is here. */
TEST(relayed_read_looks_again_when_the_record_has_moved)
{
    struct object_get_options options = {.key = KEY, .mode = READ_MAY_WAIT};
    struct object_get_result result = {.source = NULL};
    struct key_far far = {.map = NULL};
    struct arena arena = ARENA_INIT;
    struct key_claim claim;
    struct error err = ERROR_INIT;

    start(false);
    EXPECT_OK(key_claim_admit(&bucket, KEY, READ_MAY_WAIT, &claim, &err), &err);
    EXPECT_OK(key_settle_read(&claim, &bucket, KEY, &arena, &far, &err), &err);
    EXPECT(far.map != NULL);
    EXPECT_BYTES(BYTES_LITERAL("target-1"), far.node->id);
    far.record.seq.counter++; /* what it has now is another one */
    EXPECT_INT(ST_CONFLICT, object_get_relay(&bucket, &options, &far, &arena, &result, NULL));
    key_far_release(&far);
    arena_release(&arena);
    finish();
}

static void
allow_fetches(size_t count)
{
    cluster.nodes[1].store->cluster.fetch_max = count;
}

/* What brings large objects here takes no more workers than it may: who finds no place comes again,
 * and reads need none. */
TEST(large_objects_that_come_here_leave_workers_to_others)
{
    struct arena arena = ARENA_INIT;
    struct object_get_result result;
    struct error err = ERROR_INIT;
    pthread_t puller;

    EXPECT_INT(1, fetch_place_max_of(1));
    EXPECT_INT(2, fetch_place_max_of(4));
    start(false);
    allow_fetches(1);
    stall_after_answer();
    CHECK(pthread_create(&puller, NULL, put_if_absent, NULL) == 0);
    wait_until_stalled();

    faulty_link_stall_after(links[0], STALL_AFTER_BYTES);
    EXPECT_STATUS(ST_BUSY, fetch_place_take(cluster.nodes[1].store, NULL));
    EXPECT_INT(ST_OK, get(&arena, &result));
    expect_bytes(result.source, 0, 1);
    source_release(&result.source);

    faulty_link_stall_after(links[0], 0);
    CHECK(pthread_join(puller, NULL) == 0);
    EXPECT_OK(fetch_place_take(cluster.nodes[1].store, &err), &err);
    fetch_place_give_back(cluster.nodes[1].store);
    EXPECT(has_record(1));
    arena_release(&arena);
    finish();
}

/* The same for what a rebalance sends: refused while there is no place, and sent again. */
TEST(rebalance_sends_again_what_found_no_place)
{
    struct error err = ERROR_INIT;
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    struct rebalance *rebalance;

    start(false);
    allow_fetches(1);
    EXPECT_OK(fetch_place_take(cluster.nodes[1].store, &err), &err);
    rebalance = object_store_rebalance(cluster.nodes[0].store);
    faulty_link_stall_after(links[1], 0); /* counts from now on */
    rebalance_start(rebalance);
    rebalance_notice(rebalance);
    while (faulty_link_sent(links[1]) == 0) { /* its answer */
        EXPECT(clock_monotonic_ns() < end_ns);
        clock_pause_ns(CLOCK_NS_PER_MS);
    }
    EXPECT(has_record(0));
    EXPECT(!has_record(1));
    fetch_place_give_back(cluster.nodes[1].store);
    while (has_record(0)) {
        EXPECT(clock_monotonic_ns() < end_ns);
        clock_pause_ns(CLOCK_NS_PER_MS);
    }
    EXPECT(has_record(1));
    finish();
}
