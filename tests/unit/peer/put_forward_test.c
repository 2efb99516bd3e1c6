/* SPDX-License-Identifier: Apache-2.0 */
/* A PUT whose key goes to another target while its body comes, and that one's end of it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "object/object_put.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct s3_fixture *ask = &placement_cluster.ask;

/* Chunk files of so many bytes, so that the layout of a body of twenty has pages. */
#define FORWARD_CHUNK_BYTES ((uint64_t)1 << 20)
#define FORWARD_BYTES_MAX ((size_t)20 << 20)

/* Key that goes from its owner to the third target; *ret_bucket: at its owner. */
static const char *
open_before_move(struct bucket *ret_bucket)
{
    struct error err = ERROR_INIT;
    const char *key;

    placement_start();
    placement_activate_all(&PLACEMENT_THREE);
    key = placement_key_that_moves();
    placement_activate_all(
        &(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    EXPECT_OK(bucket_open(cluster_fixture_owner(&placement_cluster, "photos", key)->store,
                          principal_of_root(), BYTES_LITERAL("photos"), ACTION_LIST_BUCKET,
                          ret_bucket, &err),
              &err);
    ret_bucket->properties.chunk_bytes = FORWARD_CHUNK_BYTES;
    return key;
}

static void
move_key(void)
{
    placement_activate_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});
}

static struct object_put *
finish_body(const struct bucket *bucket, const struct object_put_options *options, const char *body)
{
    struct error err = ERROR_INIT;
    struct object_put *put;

    EXPECT_OK(object_put_open(bucket, options, &put, &err), &err);
    if (options->size > 0) {
        EXPECT_OK(sink_write(object_put_sink(put), bytes_of(body, options->size), &err), &err);
    }
    EXPECT_OK(sink_finish(object_put_sink(put), &err), &err);
    return put;
}

static char *
make_body(void)
{
    char *body = xmalloc(FORWARD_BYTES_MAX + 1);

    for (size_t i = 0; i < FORWARD_BYTES_MAX; i++) {
        body[i] = (char)('a' + (i + i / 1000003) % 26);
    }
    body[FORWARD_BYTES_MAX] = '\0';
    return body;
}

/* The body is there when its key goes away: it becomes the new owner's, whatever its size.
 * SPEC: docs/cluster-protocol.md, rules 4 and 7. */
TEST(put_whose_key_moved_is_finished_by_the_new_owner)
{
    static const size_t SIZES[] = {0, 100, 3000, 300000, (9 << 20) + 17, FORWARD_BYTES_MAX};
    struct object_put *puts[ARRAY_COUNT(SIZES)];
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    const char *key;
    char *body = make_body();
    char path[64];

    key = open_before_move(&bucket);
    snprintf(path, sizeof(path), "/photos/%s", key);
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        struct object_put_options options = {.key = bytes_of_string(key), .size = SIZES[i]};

        puts[i] = finish_body(&bucket, &options, body);
    }

    move_key();

    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        char etag[80];

        EXPECT_OK(object_put_commit(puts[i], &result, &err), &err);
        object_put_release(&puts[i]);
        s3_ask(ask, 200, "GET", path, NULL, NULL);
        EXPECT_INT((int)SIZES[i], (int)strlen(s3_body(ask)));
        EXPECT(strncmp(body, s3_body(ask), SIZES[i]) == 0);
        snprintf(etag, sizeof(etag), "\"%s\"", result.etag);
        EXPECT_STRING(etag, s3_header(ask, "ETag"));
    }
    EXPECT_INT(1, (int)placement_count_family(placement_third(), FAMILY_OBJECT));
    bucket_close(&bucket);
    free(body);
    placement_finish();
}

/* The conditions of such a PUT are decided where the key is now, once.
 * SPEC: docs/cluster-protocol.md, rule 7; S3 PutObject / If-None-Match. */
TEST(conditions_of_a_put_whose_key_moved_are_the_new_owners)
{
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct object_put *put;
    struct bucket bucket;
    const char *key;
    char *body = make_body();
    char path[64];

    key = open_before_move(&bucket);
    snprintf(path, sizeof(path), "/photos/%s", key);
    put = finish_body(&bucket,
                      &(struct object_put_options){.key = bytes_of_string(key),
                                                   .size = FORWARD_BYTES_MAX,
                                                   .conditions.if_none_match = BYTES_LITERAL("*")},
                      body);

    move_key();
    s3_ask(ask, 200, "PUT", path, NULL, "was there first");

    EXPECT_STATUS(ST_PRECONDITION, object_put_commit(put, &result, &err));
    object_put_release(&put);
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    EXPECT_STRING("was there first", s3_body(ask));
    bucket_close(&bucket);
    free(body);
    placement_finish();
}

/* AIStore's PUT as well: the checksum that it keeps, the count of overwrites and the word that
 * nothing was rewritten are the new owner's.  SPEC: docs/cluster-protocol.md, rule 7. */
TEST(native_put_whose_key_moved_is_finished_by_the_new_owner)
{
    const struct native_put_options native = {.type = NATIVE_CHECKSUM_XXHASH2};
    struct object_put *puts[2];
    struct object_put_result results[2];
    struct error err = ERROR_INIT;
    struct bucket bucket;
    const char *key;
    char *body = make_body();
    char path[64];

    key = open_before_move(&bucket);
    snprintf(path, sizeof(path), "/photos/%s", key);
    for (size_t i = 0; i < 2; i++) {
        struct object_put_options options = {
            .key = bytes_of_string(key), .size = (size_t)9 << 20, .native = &native};

        puts[i] = finish_body(&bucket, &options, body);
    }

    move_key();
    s3_ask(ask, 200, "PUT", path, NULL, "an older one");

    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(object_put_commit(puts[i], &results[i], &err), &err);
        object_put_release(&puts[i]);
    }
    EXPECT_INT(NATIVE_CHECKSUM_XXHASH2, results[0].native_checksum.type);
    EXPECT(native_checksum_equal(&results[0].native_checksum, &results[1].native_checksum));
    EXPECT_INT(1, (int)results[0].overwrite_count);
    EXPECT_INT(1, (int)results[1].overwrite_count); /* the same bytes again: nothing was written */
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    EXPECT_INT(9 << 20, (int)strlen(s3_body(ask)));
    EXPECT(strncmp(body, s3_body(ask), (size_t)9 << 20) == 0);
    bucket_close(&bucket);
    free(body);
    placement_finish();
}
