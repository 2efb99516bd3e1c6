/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open uploads of a target that leaves: they go to the owners of their keys, under the id that the
 * client has.  SPEC: docs/cluster-protocol.md, rule 7.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "object/multipart.h"
#include "object/object_internal.h"
#include "object/object_put.h"
#include "object/object_route.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "object/upload_current.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* A hand-over of a few uploads takes a fraction of a second. */
#define PATIENCE_S 60
#define ID_BYTES_MAX 200
#define UPLOAD_COUNT 12
#define PART_BYTES ((size_t)1100)
/* More than stands in a pack: chunk files. */
#define LARGE_BYTES ((size_t)3 << 20)

static struct s3_fixture *ask = &placement_cluster.ask;

/* The third target counts, nothing is unfinished. */
static const struct shape ALL = {
    .version = 4, .placement = 4, .finished = 4, .has_third = true, .stage = STAGE_DONE};
/* It leaves, and nothing has moved. */
static const struct shape LEAVES = {
    .version = 5, .placement = 5, .finished = 4, .former_count = 1, .formers_have_third = {true}};
/* It returns before that is finished. */
static const struct shape RETURNS = {.version = 6,
                                     .placement = 6,
                                     .finished = 4,
                                     .has_third = true,
                                     .former_count = 2,
                                     .formers_have_third = {true, false}};

struct client_upload {
    char key[16];
    char id[ID_BYTES_MAX];
};

/* Uploads that the third target began. */
static struct client_upload uploads[UPLOAD_COUNT];

static const char *
target_of(const struct client_upload *upload, const char *query)
{
    static char target[512];

    snprintf(target, sizeof(target), "/photos/%s?%suploadId=%s", upload->key, query, upload->id);
    return target;
}

static void
begin_upload(struct client_upload *upload, const char *key)
{
    char target[64];
    const char *from;
    size_t size;

    snprintf(upload->key, sizeof(upload->key), "%s", key);
    snprintf(target, sizeof(target), "/photos/%s?uploads", key);
    s3_ask(ask, 200, "POST", target, NULL, "");
    from = strstr(s3_body(ask), "<UploadId>");
    EXPECT(from != NULL);
    from += sizeof("<UploadId>") - 1;
    size = strcspn(from, "<");
    CHECK(size < sizeof(upload->id));
    memcpy(upload->id, from, size);
    upload->id[size] = '\0';
}

/* The text, and dots behind it: as long as a part has to be that is not the last. */
static const char *
padded(const char *text)
{
    static char bodies[4][PART_BYTES + 1];
    static size_t next;
    char *body = bodies[next++ % ARRAY_COUNT(bodies)];

    memset(body, '.', PART_BYTES);
    body[PART_BYTES] = '\0';
    CHECK(strlen(text) < PART_BYTES);
    memcpy(body, text, strlen(text));
    return body;
}

static const char *
part_of(const struct client_upload *upload, int number)
{
    char text[128];

    snprintf(text, sizeof(text), "part %d of %.16s at %.32s", number, upload->key, upload->id);
    return padded(text);
}

static void
put_part(const struct client_upload *upload, int number, const char *body)
{
    char query[32];

    snprintf(query, sizeof(query), "partNumber=%d&", number);
    s3_ask(ask, 200, "PUT", target_of(upload, query), NULL, body);
}

/* Of the parts that ListParts shows, which are all; returns their number. */
static int
complete(const struct client_upload *upload, int status)
{
    char body[1024] = "<CompleteMultipartUpload>";
    int count = 0;
    const char *at;

    s3_ask(ask, 200, "GET", target_of(upload, ""), NULL, NULL);
    for (at = s3_body(ask); (at = strstr(at, "<PartNumber>")) != NULL; at++) {
        int number = (int)strtol(at + sizeof("<PartNumber>") - 1, NULL, 10);
        const char *etag = strstr(at, "<ETag>");

        EXPECT(etag != NULL);
        etag += sizeof("<ETag>") - 1;
        snprintf(body + strlen(body), sizeof(body) - strlen(body),
                 "<Part><PartNumber>%d</PartNumber><ETag>%.*s</ETag></Part>", number,
                 (int)strcspn(etag, "<"), etag);
        count++;
    }
    snprintf(body + strlen(body), sizeof(body) - strlen(body), "</CompleteMultipartUpload>");
    s3_ask(ask, status, "POST", target_of(upload, ""), NULL, body);
    return count;
}

static void
expect_object(const struct client_upload *upload, const char *body)
{
    char target[64];

    snprintf(target, sizeof(target), "/photos/%s", upload->key);
    s3_ask(ask, 200, "GET", target, NULL, NULL);
    EXPECT_STRING(body, s3_body(ask));
}

/* The listing, in pages of five, is exactly the open ones of uploads, once each. */
static void
expect_listed(const bool *is_open)
{
    size_t seen[UPLOAD_COUNT] = {0};
    char target[512] = "/photos?uploads&max-uploads=5";
    size_t total = 0;

    for (;;) {
        const char *at;
        const char *key_marker;
        const char *id_marker;

        s3_ask(ask, 200, "GET", target, NULL, NULL);
        for (at = s3_body(ask); (at = strstr(at, "<UploadId>")) != NULL; at++) {
            total++;
            for (size_t i = 0; i < UPLOAD_COUNT; i++) {
                const char *id = at + sizeof("<UploadId>") - 1;

                seen[i] += strncmp(id, uploads[i].id, strlen(uploads[i].id)) == 0 &&
                           id[strlen(uploads[i].id)] == '<';
            }
        }
        if (strstr(s3_body(ask), "<IsTruncated>true") == NULL) {
            break;
        }
        key_marker = strstr(s3_body(ask), "<NextKeyMarker>") + sizeof("<NextKeyMarker>") - 1;
        id_marker =
            strstr(s3_body(ask), "<NextUploadIdMarker>") + sizeof("<NextUploadIdMarker>") - 1;
        snprintf(target, sizeof(target),
                 "/photos?uploads&max-uploads=5&key-marker=%.*s&upload-id-marker=%.*s",
                 (int)strcspn(key_marker, "<"), key_marker, (int)strcspn(id_marker, "<"),
                 id_marker);
    }
    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        EXPECT_INT(is_open == NULL || is_open[i], (int)seen[i]);
        total -= seen[i];
    }
    EXPECT_INT(0, (int)total);
}

static void
stage_of_all(const struct shape *shape)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    struct cluster_map *map = placement_map(shape);

    for (size_t i = 0; i < 3; i++) {
        struct test_node *node = cluster_fixture_target(&placement_cluster, i);
        bool is_done = false;

        while (!is_done) {
            struct error err = ERROR_INIT;

            EXPECT_OK(ownership_target_ops.holds_barrier(object_store_ownership(node->store), map,
                                                         &is_done, &err),
                      &err);
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
        struct rebalance *rebalance =
            object_store_rebalance(cluster_fixture_target(&placement_cluster, i)->store);

        rebalance_start(rebalance);
        rebalance_notice(rebalance);
    }
}

/* The placement of shape ends; its maps are of the versions behind it. */
static void
end_placement(const struct shape *shape)
{
    struct shape next = *shape;

    stage_of_all(shape);
    next.finished = shape->placement;
    next.former_count = 0;
    for (next.stage = STAGE_SETTLE; next.stage <= STAGE_DONE; next.stage++) {
        next.version++;
        placement_activate_all(&next);
        if (next.stage == STAGE_DROP_MARKS || next.stage == STAGE_DROP_TOMBSTONES) {
            stage_of_all(&next);
        }
    }
}

/* Each with a part, begun by the third target, two for each key. */
static void
start(void)
{
    size_t count = 0;

    placement_start();
    placement_activate_all(&ALL);
    for (int i = 0; i < PLACEMENT_KEY_COUNT && count < UPLOAD_COUNT; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key-%02d", i);
        if (cluster_fixture_owner(&placement_cluster, "photos", key) == placement_third()) {
            begin_upload(&uploads[count++], key);
            begin_upload(&uploads[count++], key);
        }
    }
    EXPECT_INT(UPLOAD_COUNT, (int)count);
    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        put_part(&uploads[i], 1, part_of(&uploads[i], 1));
    }
}

static size_t
uploads_at_third(void)
{
    return placement_count_family(placement_third(), FAMILY_UPLOAD);
}

/* Every verb finds an upload that was handed over, and one that is on its way, by the id that the
 * client has; nothing of it stays behind.  SPEC: docs/cluster-protocol.md, rule 7. */
TEST(uploads_of_a_target_that_leaves_go_on_under_their_ids)
{
    bool is_open[UPLOAD_COUNT];
    char *large = xmalloc(LARGE_BYTES + 1);
    char body[PART_BYTES + 128];

    memset(large, 'l', LARGE_BYTES);
    large[LARGE_BYTES] = '\0';
    start();
    put_part(&uploads[2], 2, large);
    expect_listed(NULL);
    placement_stop_all(&LEAVES);
    placement_activate_all(&LEAVES);

    expect_listed(NULL);
    put_part(&uploads[0], 2, "a part that comes before the upload has moved");
    start_rebalance();
    expect_listed(NULL);
    put_part(&uploads[1], 2, "a part that comes meanwhile");
    end_placement(&LEAVES);

    expect_listed(NULL);
    EXPECT_INT(0, (int)uploads_at_third());
    put_part(&uploads[0], 1, padded("the first part once more"));
    EXPECT_INT(2, complete(&uploads[0], 200));
    snprintf(body, sizeof(body), "%sa part that comes before the upload has moved",
             padded("the first part once more"));
    expect_object(&uploads[0], body);
    EXPECT_INT(2, complete(&uploads[2], 200));
    s3_ask(ask, 200, "GET", "/photos?list-type=2", NULL, NULL);
    s3_ask(ask, 204, "DELETE", target_of(&uploads[3], ""), NULL, NULL);
    s3_ask(ask, 404, "GET", target_of(&uploads[3], ""), NULL, NULL);
    s3_expect_code(ask, "NoSuchUpload");
    EXPECT_INT(2, complete(&uploads[1], 200));
    snprintf(body, sizeof(body), "%sa part that comes meanwhile", part_of(&uploads[1], 1));
    expect_object(&uploads[1], body);
    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        is_open[i] = i > 3;
    }
    expect_listed(is_open);
    free(large);
    placement_finish();
}

/* An upload is completed, or aborted, while it is still with the target that leaves: it does not
 * come back, and a repeated Complete is answered from the note.
 * SPEC: docs/cluster-protocol.md, rule 7. */
TEST(uploads_that_end_before_they_move_stay_ended)
{
    bool is_open[UPLOAD_COUNT];
    char body[PART_BYTES + 1];
    char etag[128];

    start();
    placement_stop_all(&LEAVES);
    placement_activate_all(&LEAVES);

    snprintf(body, sizeof(body), "%s", part_of(&uploads[0], 1));
    EXPECT_INT(1, complete(&uploads[0], 200));
    s3_ask(ask, 204, "DELETE", target_of(&uploads[1], ""), NULL, NULL);
    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        is_open[i] = i > 1;
    }
    expect_listed(is_open);
    start_rebalance();
    end_placement(&LEAVES);

    expect_listed(is_open);
    expect_object(&uploads[0], body);
    snprintf(etag, sizeof(etag), "%s", s3_header(ask, "ETag"));
    s3_ask(ask, 404, "GET", target_of(&uploads[1], ""), NULL, NULL);
    snprintf(body, sizeof(body),
             "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
             "</CompleteMultipartUpload>");
    s3_ask(ask, 200, "POST", target_of(&uploads[0], ""), NULL, body);
    EXPECT(strstr(s3_body(ask), "<ETag>") != NULL);
    placement_finish();
}

/* Two changes in a row: what went goes back to the target that began it, with what came meanwhile;
 * what had not gone yet never left.  SPEC: docs/cluster-protocol.md, rule 7. */
TEST(uploads_return_with_their_target)
{
    start();
    placement_stop_all(&LEAVES);
    placement_activate_all(&LEAVES);
    start_rebalance();
    put_part(&uploads[0], 2, "a part that comes while the target rests");
    stage_of_all(&LEAVES);
    put_part(&uploads[1], 2, "a part that comes when it has given everything away");

    placement_stop_all(&RETURNS);
    placement_activate_all(&RETURNS);
    expect_listed(NULL);
    put_part(&uploads[2], 2, "a part that comes when it returns");
    end_placement(&RETURNS);

    expect_listed(NULL);
    for (int i = 0; i < 3; i++) {
        EXPECT_INT(2, complete(&uploads[i], 200));
    }
    for (int i = 3; i < UPLOAD_COUNT; i++) {
        EXPECT_INT(1, complete(&uploads[i], 200));
    }
    for (size_t i = 0; i < 2; i++) {
        struct test_node *node = cluster_fixture_target(&placement_cluster, i);

        EXPECT_INT(0, (int)placement_count_family(node, FAMILY_UPLOAD));
    }
    placement_finish();
}

static struct object_put *
begin_part(const struct bucket *bucket, const struct client_upload *upload, struct upload_id id,
           uint32_t number, const char *body)
{
    struct object_put *put;
    struct error err = ERROR_INIT;

    EXPECT_OK(object_put_open(bucket,
                              &(struct object_put_options){.key = bytes_of_string(upload->key),
                                                           .size = strlen(body),
                                                           .upload = &id,
                                                           .part_number = number},
                              &put, &err),
              &err);
    EXPECT_OK(sink_write(object_put_sink(put), bytes_of_string(body), &err), &err);
    return put;
}

static void
end_part(struct object_put **put)
{
    struct object_put_result result;
    struct error err = ERROR_INIT;

    EXPECT_OK(sink_finish(object_put_sink(*put), &err), &err);
    EXPECT_OK(object_put_commit(*put, &result, &err), &err);
    object_put_release(put);
}

/* A part whose body is being sent does not hold the hand-over up for long, and is finished where
 * the upload is then, small or large.  SPEC: docs/cluster-protocol.md, rule 7. */
TEST(parts_in_progress_are_finished_at_the_new_place)
{
    const struct client_upload *upload = &uploads[0];
    struct object_store *store;
    struct object_put *small;
    struct object_put *large;
    struct error err = ERROR_INIT;
    struct upload_id id;
    struct bytes node;
    struct bucket bucket;
    char *body = xmalloc(LARGE_BYTES + 1);
    char *whole = xmalloc(LARGE_BYTES + 3 * PART_BYTES);

    for (size_t i = 0; i < LARGE_BYTES; i++) {
        body[i] = (char)('a' + (i + i / 100003) % 26);
    }
    body[LARGE_BYTES] = '\0';
    start();
    store = placement_third()->store;
    EXPECT_OK(bucket_open(store, principal_of_root(), BYTES_LITERAL("photos"), ACTION_LIST_BUCKET,
                          &bucket, &err),
              &err);
    EXPECT_OK(object_upload_parse(bytes_of_string(upload->id), &id, &node, &err), &err);
    EXPECT(upload_pin_take_as(store, id, UPLOAD_PIN_PART)); /* as a request of a client does */
    large = begin_part(&bucket, upload, id, 3, body);
    small = begin_part(&bucket, upload, id, 7, "seven");
    placement_stop_all(&LEAVES);
    placement_activate_all(&LEAVES);
    start_rebalance();
    put_part(upload, 2, part_of(upload, 2));
    stage_of_all(&LEAVES);

    end_part(&small);
    end_part(&large);
    upload_pin_give_back_as(store, id, UPLOAD_PIN_PART);
    end_placement(&LEAVES);

    EXPECT_INT(0, (int)uploads_at_third());
    EXPECT_INT(4, complete(upload, 200));
    snprintf(whole, LARGE_BYTES + 3 * PART_BYTES, "%s%s%sseven", part_of(upload, 1),
             part_of(upload, 2), body);
    expect_object(upload, whole);
    bucket_close(&bucket);
    free(body);
    free(whole);
    placement_finish();
}

/* What is no part is waited for. */
TEST(request_in_progress_keeps_an_upload)
{
    struct object_store *store;
    struct error err = ERROR_INIT;
    struct upload_id id;
    struct bytes node;

    start();
    store = placement_third()->store;
    EXPECT_OK(object_upload_parse(bytes_of_string(uploads[0].id), &id, &node, &err), &err);
    EXPECT(upload_pin_take_as(store, id, UPLOAD_PIN_REQUEST));
    EXPECT(upload_pin_take_as(store, id, UPLOAD_PIN_PART));

    EXPECT(!upload_pin_close(store, id, 1));
    EXPECT(upload_pin_take_as(store, id, UPLOAD_PIN_REQUEST)); /* open again */
    upload_pin_give_back_as(store, id, UPLOAD_PIN_REQUEST);
    upload_pin_give_back_as(store, id, UPLOAD_PIN_REQUEST);
    EXPECT(upload_pin_close(store, id, 1)); /* the part may go on */
    EXPECT(!upload_pin_take_as(store, id, UPLOAD_PIN_PART));
    upload_pin_open(store, id);
    upload_pin_give_back_as(store, id, UPLOAD_PIN_PART);
    placement_finish();
}

/* A target that leaves begins no upload that nobody would take. */
TEST(target_without_keys_begins_no_upload)
{
    struct multipart_create_options options = {.key = BYTES_NONE};
    struct error err = ERROR_INIT;
    struct upload_id id;
    struct bucket bucket;

    start();
    placement_activate_all(&LEAVES);
    EXPECT_OK(bucket_open(placement_third()->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, &bucket, &err),
              &err);
    options.key = bytes_of_string(uploads[0].key);
    EXPECT_STATUS(ST_MOVED, multipart_create(&bucket, &options, &id, &err));
    bucket_close(&bucket);
    placement_finish();
}

/* With prefixes: what is on its way is counted once in them too, and an id is no part of a key.
 * SPEC: S3 ListMultipartUploads / delimiter. */
TEST(common_prefixes_of_uploads_on_their_way_are_listed_once)
{
    const char *at;
    int count = 0;

    start();
    placement_activate_all(&LEAVES);
    start_rebalance();
    stage_of_all(&LEAVES);
    s3_ask(ask, 200, "GET", "/photos?uploads&delimiter=-", NULL, NULL);
    for (at = s3_body(ask); (at = strstr(at, "<CommonPrefixes>")) != NULL; at++) {
        count++;
    }
    EXPECT_INT(1, count);
    EXPECT(strstr(s3_body(ask), "<Upload>") == NULL);
    s3_ask(ask, 200, "GET", "/photos?uploads&delimiter=-&key-marker=key-", NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<CommonPrefixes>") == NULL);
    placement_finish();
}
