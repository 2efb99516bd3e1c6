/* SPDX-License-Identifier: Apache-2.0 */
#include "object/bucket.h"

#include <stdio.h>

#include "auth/principal_private.h"
#include "object/bucket_value.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static const struct principal ALICE = {.user = {"alice", 5}};
static const struct principal BOB = {.user = {"bob", 3}};

/* SPEC: S3 general purpose bucket naming rules */
TEST(names_outside_the_rules_are_refused)
{
    static const char *const GOOD[] = {"abc",
                                       "a-b",
                                       "a.b.c",
                                       "123",
                                       "a1.b2",
                                       "1.2.3.4.5",
                                       "a--b",
                                       "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff"
                                       "f123"};
    static const char *const BAD[] = {"ab",
                                      "",
                                      "Abc",
                                      "a_b",
                                      "-ab",
                                      "ab-",
                                      ".ab",
                                      "ab.",
                                      "a..b",
                                      "1.2.3.4",
                                      "192.168.5.255",
                                      "xn--abc",
                                      "sthree-x",
                                      "amzn-s3-demo-b",
                                      "a-s3alias",
                                      "a--ol-s3",
                                      "x--x-s3",
                                      "a b",
                                      "a/b",
                                      "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff"
                                      "f1234"};

    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        EXPECT_STATUS(ST_OK, bucket_name_check(bytes_of_string(GOOD[i]), NULL));
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        EXPECT_STATUS(ST_INVALID, bucket_name_check(bytes_of_string(BAD[i]), NULL));
    }
}

/* What this version does not know of a bucket's document stays in it. */
TEST(unknown_members_survive_a_rewrite)
{
    struct bytes document = BYTES_LITERAL(
        "{\"created_ns\":5,\"id\":7,\"name\":\"abc\",\"owner\":\"root\",\"policy\":{\"x\":[1]},"
        "\"properties\":{\"chunk_bytes\":65536,\"chunk_spread\":2,\"durability\":\"relaxed\","
        "\"future\":1,\"verify_read\":false},\"state\":\"active\"}");
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;
    struct bucket_value value;
    struct error err;

    EXPECT_OK(bucket_value_parse(document, &arena, &value, &err), &err);
    EXPECT_INT(7, value.id);
    EXPECT_INT(DURABILITY_RELAXED, value.properties.durability);
    EXPECT(!value.properties.verify_read);
    EXPECT_OK(bucket_value_format(&value, document, &out, &err), &err);
    EXPECT_BYTES(document, buffer_bytes(&out));

    buffer_release(&out);
    arena_release(&arena);
}

/* A document with a missing or wrong member is corrupt. */
TEST(broken_documents_are_refused)
{
    static const char *const BROKEN[] = {
        "",
        "[]",
        "{}",
        "{\"id\":0}",
        "{\"created_ns\":5,\"id\":7,\"name\":\"abc\",\"owner\":\"root\",\"state\":\"active\"}",
        "{\"created_ns\":5,\"id\":7,\"name\":\"abc\",\"owner\":\"root\",\"properties\":"
        "{\"chunk_bytes\":1,\"chunk_spread\":2,\"durability\":\"strict\",\"verify_read\":true},"
        "\"state\":\"active\"}",
        "{\"created_ns\":5,\"id\":7,\"name\":\"abc\",\"owner\":\"root\",\"properties\":"
        "{\"chunk_bytes\":65536,\"chunk_spread\":2,\"durability\":\"strict\",\"verify_read\":true},"
        "\"state\":\"gone\"}",
    };
    struct arena arena = ARENA_INIT;
    struct bucket_value value;

    for (size_t i = 0; i < sizeof(BROKEN) / sizeof(BROKEN[0]); i++) {
        EXPECT_STATUS(ST_CORRUPT,
                      bucket_value_parse(bytes_of_string(BROKEN[i]), &arena, &value, NULL));
    }
    arena_release(&arena);
}

static enum status
create(struct object_fixture *fixture, const struct principal *who, const char *name, bool *is_own)
{
    return bucket_create(fixture->store, who, bytes_of_string(name), NULL, is_own, NULL);
}

/* A name belongs to one user; S3 tells the owner and others apart. */
TEST(a_name_can_be_taken_once)
{
    struct object_fixture fixture;
    bool is_own = false;

    fixture_open(&fixture, test_directory(), 1);
    EXPECT_STATUS(ST_OK, create(&fixture, &ALICE, "abc", &is_own));
    EXPECT_STATUS(ST_EXISTS, create(&fixture, &ALICE, "abc", &is_own));
    EXPECT(is_own);
    EXPECT_STATUS(ST_EXISTS, create(&fixture, &BOB, "abc", &is_own));
    EXPECT(!is_own);
    EXPECT_STATUS(ST_INVALID, create(&fixture, &ALICE, "ABC", &is_own));
    fixture_close(&fixture);
}

/* A bucket belongs to the user that created it; root may do everything. */
TEST(others_are_refused)
{
    struct object_fixture fixture;
    struct bucket bucket;
    bool is_own;

    fixture_open(&fixture, test_directory(), 1);
    EXPECT_STATUS(ST_OK, create(&fixture, &ALICE, "abc", &is_own));
    EXPECT_STATUS(ST_OK, bucket_open(fixture.store, &ALICE, BYTES_LITERAL("abc"), ACTION_GET_OBJECT,
                                     &bucket, NULL));
    bucket_close(&bucket);
    EXPECT_STATUS(ST_OK, bucket_open(fixture.store, principal_of_root(), BYTES_LITERAL("abc"),
                                     ACTION_GET_OBJECT, &bucket, NULL));
    bucket_close(&bucket);
    EXPECT_STATUS(ST_DENIED, bucket_open(fixture.store, &BOB, BYTES_LITERAL("abc"),
                                         ACTION_GET_OBJECT, &bucket, NULL));
    EXPECT_STATUS(ST_NO_SUCH_BUCKET, bucket_open(fixture.store, &ALICE, BYTES_LITERAL("abd"),
                                                 ACTION_GET_OBJECT, &bucket, NULL));
    EXPECT_STATUS(ST_DENIED, bucket_delete(fixture.store, &BOB, BYTES_LITERAL("abc"), NULL));
    fixture_close(&fixture);
}

static size_t
listed(struct object_fixture *fixture, const struct principal *who,
       const struct bucket_list_options *options, char *out, size_t size, bool *is_truncated)
{
    struct arena arena = ARENA_INIT;
    struct bucket_info *infos;
    size_t count;
    struct error err;
    size_t used = 0;

    EXPECT_OK(bucket_list(fixture->store, who, options, &arena, &infos, &count, is_truncated, &err),
              &err);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, size - used, "%.*s ", BYTES_ARGS(infos[i].name));
    }
    arena_release(&arena);
    return count;
}

/* SPEC: S3 ListBuckets / prefix, continuation, max-buckets */
TEST(a_list_holds_the_callers_buckets_in_order)
{
    struct object_fixture fixture;
    char names[200];
    bool is_own;
    bool is_truncated;

    fixture_open(&fixture, test_directory(), 1);
    EXPECT_STATUS(ST_OK, create(&fixture, &ALICE, "b-2", &is_own));
    EXPECT_STATUS(ST_OK, create(&fixture, &ALICE, "a-1", &is_own));
    EXPECT_STATUS(ST_OK, create(&fixture, &BOB, "a-2", &is_own));
    EXPECT_STATUS(ST_OK, create(&fixture, &ALICE, "b-1", &is_own));
    listed(&fixture, &ALICE, &(struct bucket_list_options){.count_max = 10}, names, sizeof(names),
           &is_truncated);
    EXPECT_STRING("a-1 b-1 b-2 ", names);
    EXPECT(!is_truncated);
    listed(&fixture, principal_of_root(), &(struct bucket_list_options){.count_max = 10}, names,
           sizeof(names), &is_truncated);
    EXPECT_STRING("a-1 a-2 b-1 b-2 ", names);
    listed(&fixture, &ALICE, &(struct bucket_list_options){.count_max = 2}, names, sizeof(names),
           &is_truncated);
    EXPECT_STRING("a-1 b-1 ", names);
    EXPECT(is_truncated);
    listed(&fixture, &ALICE,
           &(struct bucket_list_options){.count_max = 2, .after = BYTES_LITERAL("b-1")}, names,
           sizeof(names), &is_truncated);
    EXPECT_STRING("b-2 ", names);
    EXPECT(!is_truncated);
    listed(&fixture, &ALICE,
           &(struct bucket_list_options){.count_max = 9, .prefix = BYTES_LITERAL("b")}, names,
           sizeof(names), &is_truncated);
    EXPECT_STRING("b-1 b-2 ", names);
    fixture_close(&fixture);
}

/* Buckets, their ids and properties outlive a restart, and an id is never given twice. */
TEST(ids_are_never_used_twice)
{
    struct object_fixture fixture;
    struct bucket_properties properties;
    struct bucket bucket;
    uint64_t first;
    bool is_own;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    first = bucket.id;
    properties = bucket.properties;
    properties.durability = DURABILITY_RELAXED;
    bucket_close(&bucket);
    EXPECT_STATUS(ST_OK, bucket_set_properties(fixture.store, principal_of_root(),
                                               BYTES_LITERAL("abc"), &properties, NULL));
    fixture_stop(&fixture);
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "abc");
    EXPECT_INT(first, bucket.id);
    EXPECT_INT(DURABILITY_RELAXED, bucket.properties.durability);
    EXPECT_INT(FIXTURE_CHUNK_BYTES, bucket.properties.chunk_bytes);
    bucket_close(&bucket);
    EXPECT_STATUS(ST_OK,
                  bucket_delete(fixture.store, principal_of_root(), BYTES_LITERAL("abc"), NULL));
    EXPECT_STATUS(ST_OK, create(&fixture, principal_of_root(), "abc", &is_own));
    bucket = fixture_bucket_open(&fixture, "abc");
    EXPECT(bucket.id > first);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* SPEC: S3 DeleteBucket: only an empty bucket goes; its uploads in progress go with it. */
TEST(only_an_empty_bucket_can_be_deleted)
{
    struct object_fixture fixture;
    struct object_put_result result;
    struct upload_id id;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("x"), &err), &err);
    EXPECT_STATUS(ST_BUCKET_NOT_EMPTY,
                  bucket_delete(fixture.store, principal_of_root(), BYTES_LITERAL("abc"), NULL));
    EXPECT_OK(fixture_put(&bucket, "k", BYTES_LITERAL("y"), &err), &err);
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    EXPECT_OK(
        multipart_create(&bucket, &(struct multipart_create_options){.key = {"u", 1}}, &id, &err),
        &err);
    EXPECT_OK(fixture_part(&bucket, "u", id, 1, BYTES_LITERAL("part"), &result, &err), &err);
    EXPECT_OK(bucket_delete(fixture.store, principal_of_root(), BYTES_LITERAL("abc"), &err), &err);

    EXPECT_STATUS(ST_NO_SUCH_BUCKET, fixture_put(&bucket, "k", BYTES_LITERAL("z"), NULL));
    EXPECT_STATUS(ST_NO_SUCH_BUCKET,
                  bucket_delete(fixture.store, principal_of_root(), BYTES_LITERAL("abc"), NULL));
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* A put that was admitted before the deletion cannot land after it. */
TEST(an_admitted_put_is_refused_once_the_bucket_is_gone)
{
    struct object_fixture fixture;
    struct object_put_result result;
    struct object_put *put;
    struct bucket bucket;
    struct error err;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(object_put_open(&bucket, &(struct object_put_options){.key = {"k", 1}, .size = 1},
                              &put, &err),
              &err);
    EXPECT_OK(sink_write(object_put_sink(put), BYTES_LITERAL("x"), &err), &err);
    EXPECT_OK(sink_finish(object_put_sink(put), &err), &err);
    EXPECT_OK(bucket_delete(fixture.store, principal_of_root(), BYTES_LITERAL("abc"), &err), &err);
    EXPECT_STATUS(ST_NO_SUCH_BUCKET, object_put_commit(put, &result, NULL));
    object_put_release(&put);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

static void
mark_deleting(struct object_fixture *fixture, const char *key)
{
    struct control *control = object_store_control(fixture->store);
    struct arena arena = ARENA_INIT;
    struct control_value value;
    struct error err;
    uint64_t revision;
    char *text;
    char *state;

    EXPECT_OK(control_get(control, bytes_of_string(key), &arena, &value, &err), &err);
    text = arena_string(&arena, value.value);
    state = strstr(text, "\"active\"");
    EXPECT(state != NULL);
    EXPECT_OK(control_put(control, bytes_of_string(key),
                          arena_printf_bytes(&arena, "%.*s\"deleting\"%s", (int)(state - text),
                                             text, state + strlen("\"active\"")),
                          CONTROL_ANY_REVISION, &revision, &err),
              &err);
    arena_release(&arena);
}

/* A deletion that the process did not live to finish is finished at the next start, or taken back
 * where the bucket is not empty. */
TEST(an_interrupted_deletion_is_settled_at_the_next_start)
{
    struct object_fixture fixture;
    struct bucket full;
    struct bucket empty;
    struct error err;

    fixture_open(&fixture, test_directory(), 2);
    full = fixture_bucket(&fixture, "full");
    empty = fixture_bucket(&fixture, "empty");
    EXPECT_OK(fixture_put(&full, "k", BYTES_LITERAL("x"), &err), &err);
    mark_deleting(&fixture, "bucket/full");
    mark_deleting(&fixture, "bucket/empty");
    EXPECT_STATUS(ST_NO_SUCH_BUCKET, fixture_put(&full, "k", BYTES_LITERAL("y"), NULL));
    bucket_close(&full);
    bucket_close(&empty);
    fixture_stop(&fixture);
    fixture_start(&fixture);

    full = fixture_bucket_open(&fixture, "full");
    EXPECT_OK(fixture_put(&full, "k", BYTES_LITERAL("y"), &err), &err);
    EXPECT_STATUS(ST_NO_SUCH_BUCKET,
                  bucket_open(fixture.store, principal_of_root(), BYTES_LITERAL("empty"),
                              ACTION_GET_OBJECT, &empty, NULL));
    bucket_close(&full);
    fixture_close(&fixture);
}
