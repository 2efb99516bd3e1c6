/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads on few keys, with collector and sweep at work: what is read is always something that
 * was written there, whole, and at the end everything is where it belongs.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "stream/digest.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define THREAD_COUNT 4
#define KEY_COUNT 6
#define STEP_COUNT 250

struct crowd {
    struct object_fixture fixture;
    struct bucket bucket;
};

struct member {
    struct crowd *crowd;
    struct prng prng;
    char failure[512];
    size_t conflict_count;
};

static const size_t SIZES[] = {100, 3000, 70000, 270000, 600000};

static void
member_fail(struct member *member, const char *what, enum status st, const struct error *err)
{
    if (member->failure[0] == '\0') {
        snprintf(member->failure, sizeof(member->failure), "%s: %s: %s", what, status_name(st),
                 err->text);
    }
}

static bool
is_refusal(enum status st)
{
    return st == ST_NO_SUCH_KEY || st == ST_PRECONDITION || st == ST_NO_SUCH_UPLOAD ||
           st == ST_INVALID_PART;
}

static void
put_step(struct member *member, const char *key, struct buffer *data)
{
    struct object_put_options options = {.key = bytes_of_string(key)};
    struct object_put_result result;
    struct error err = ERROR_INIT;
    enum status st;

    fixture_fill(data, SIZES[prng_below(&member->prng, ARRAY_COUNT(SIZES))],
                 prng_u64(&member->prng));
    options.size = data->size;
    if (prng_below(&member->prng, 4) == 0) {
        options.conditions.if_none_match = BYTES_LITERAL("*");
    }
    st = fixture_put_options(&member->crowd->bucket, &options, buffer_bytes(data), &result, &err);
    if (st != ST_OK && !is_refusal(st)) {
        member_fail(member, "put", st, &err);
    }
}

/* The ETag of one part or body is the MD5 of exactly the bytes that came. */
static void
get_step(struct member *member, const char *key, struct buffer *data)
{
    struct object_get_options options = {.key = bytes_of_string(key), .mode = READ_MAY_WAIT};
    struct arena arena = ARENA_INIT;
    struct object_get_result result;
    struct digest_value md5;
    struct error err = ERROR_INIT;
    char etag[2 * 16 + 1];
    enum status st =
        fixture_get_options(&member->crowd->bucket, &options, &arena, &result, data, &err);

    if (st == ST_OK && result.record.part_count == 0) {
        digest_of(DIGEST_MD5, buffer_bytes(data), &md5);
        encode_hex(digest_value_bytes(&md5), etag);
        if (!bytes_equal_string(result.record.etag, etag)) {
            member_fail(member, "get: bytes and ETag of different writes", st, &err);
        }
    } else if (st == ST_OK && data->size != result.record.size) {
        member_fail(member, "get: short", st, &err);
    } else if (st != ST_OK && !is_refusal(st)) {
        member_fail(member, "get", st, &err);
    }
    arena_release(&arena);
}

static void
copy_step(struct member *member, const char *from, const char *to)
{
    struct object_copy_options options = {.source = &member->crowd->bucket,
                                          .source_key = bytes_of_string(from),
                                          .key = bytes_of_string(to),
                                          .replaces_attributes = true};
    struct object_copy_result result;
    struct error err = ERROR_INIT;
    enum status st = object_copy(&member->crowd->bucket, &options, &result, &err);

    if (st == ST_CONFLICT) {
        member->conflict_count++; /* the source kept changing */
    } else if (st != ST_OK && !is_refusal(st)) {
        member_fail(member, "copy", st, &err);
    }
}

static void
upload_step(struct member *member, const char *key, struct buffer *data)
{
    struct multipart_part parts[2] = {{.number = 1}, {.number = 2}};
    struct object_put_result results[3];
    struct upload_id id;
    struct error err = ERROR_INIT;
    enum status st = multipart_create(
        &member->crowd->bucket, &(struct multipart_create_options){.key = bytes_of_string(key)},
        &id, &err);

    for (uint32_t i = 0; i < 2 && st == ST_OK; i++) {
        fixture_fill(data, SIZES[1 + prng_below(&member->prng, ARRAY_COUNT(SIZES) - 1)],
                     prng_u64(&member->prng));
        st = fixture_part(&member->crowd->bucket, key, id, i + 1, buffer_bytes(data), &results[i],
                          &err);
        parts[i].etag = bytes_of_string(results[i].etag);
    }
    if (st == ST_OK && prng_below(&member->prng, 4) == 0) {
        st = multipart_abort(&member->crowd->bucket, bytes_of_string(key), id, &err);
    } else if (st == ST_OK) {
        st = multipart_complete(
            &member->crowd->bucket,
            &(struct multipart_complete_options){.key = bytes_of_string(key),
                                                 .id = id,
                                                 .parts = parts,
                                                 .part_count = 1 + prng_below(&member->prng, 2),
                                                 .size = OBJECT_SIZE_UNKNOWN},
            &results[2], &err);
    }
    if (st != ST_OK) {
        member_fail(member, "upload", st, &err);
    }
}

static void
list_step(struct member *member)
{
    struct arena arena = ARENA_INIT;
    struct object_list_result result;
    const char *names;
    struct error err = ERROR_INIT;
    enum status st = fixture_list(&member->crowd->bucket,
                                  &(struct object_list_options){.count_max = KEY_COUNT + 1}, &arena,
                                  &names, &result, &err);

    if (st != ST_OK || result.count > KEY_COUNT) {
        member_fail(member, "list", st, &err);
    }
    arena_release(&arena);
}

static void *
member_main(void *arg)
{
    struct member *member = arg;
    struct buffer data = BUFFER_INIT;

    for (size_t i = 0; i < STEP_COUNT && member->failure[0] == '\0'; i++) {
        char key[] = {(char)('a' + prng_below(&member->prng, KEY_COUNT)), '\0'};
        char other[] = {(char)('a' + prng_below(&member->prng, KEY_COUNT)), '\0'};
        struct error err = ERROR_INIT;
        enum status st;

        switch (prng_below(&member->prng, 12)) {
        case 0:
        case 1:
        case 2:
        case 3:
            put_step(member, key, &data);
            break;
        case 4:
        case 5:
        case 6:
            get_step(member, key, &data);
            break;
        case 7:
        case 8:
            copy_step(member, key, other);
            break;
        case 9:
            upload_step(member, key, &data);
            break;
        case 10:
            st = fixture_delete(&member->crowd->bucket, key, &err);
            if (st != ST_OK) {
                member_fail(member, "delete", st, &err);
            }
            break;
        default:
            list_step(member);
            break;
        }
    }
    buffer_release(&data);
    return NULL;
}

/* SPEC: S3 is strongly consistent for each key; nothing is lost and nothing left over. */
TEST(a_crowd_leaves_everything_in_order)
{
    struct crowd crowd;
    struct member members[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    struct prng prng = test_prng();

    fixture_open(&crowd.fixture, test_directory(), 2);
    fixture_stop(&crowd.fixture);
    crowd.fixture.has_background = true;
    fixture_start(&crowd.fixture);
    crowd.bucket = fixture_bucket(&crowd.fixture, "abc");
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        members[i] = (struct member){.crowd = &crowd, .prng = prng_init(prng_u64(&prng))};
        EXPECT(pthread_create(&threads[i], NULL, member_main, &members[i]) == 0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        EXPECT_STRING("", members[i].failure);
    }
    fixture_expect_clean(&crowd.fixture);
    bucket_close(&crowd.bucket);
    fixture_stop(&crowd.fixture);
    crowd.fixture.has_background = false;
    fixture_start(&crowd.fixture);
    fixture_close(&crowd.fixture);
}

struct creator {
    struct crowd *crowd;
    pthread_barrier_t *barrier;
    enum status status;
};

static void *
create_main(void *arg)
{
    struct creator *creator = arg;
    struct object_put_result result;

    (void)pthread_barrier_wait(creator->barrier);
    creator->status = fixture_put_options(
        &creator->crowd->bucket,
        &(struct object_put_options){
            .key = {"lock", 4}, .size = 1, .conditions.if_none_match = BYTES_LITERAL("*")},
        BYTES_LITERAL("x"), &result, NULL);
    return NULL;
}

/* SPEC: S3 PutObject / If-None-Match: * : of many that come at once, one creates. */
TEST(one_of_many_creators_wins)
{
    struct crowd crowd;
    struct creator creators[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    pthread_barrier_t barrier;
    struct error err;

    fixture_open(&crowd.fixture, test_directory(), 1);
    crowd.bucket = fixture_bucket(&crowd.fixture, "abc");
    for (int round = 0; round < 20; round++) {
        size_t won = 0;

        EXPECT(pthread_barrier_init(&barrier, NULL, THREAD_COUNT) == 0);
        for (size_t i = 0; i < THREAD_COUNT; i++) {
            creators[i] = (struct creator){.crowd = &crowd, .barrier = &barrier};
            EXPECT(pthread_create(&threads[i], NULL, create_main, &creators[i]) == 0);
        }
        for (size_t i = 0; i < THREAD_COUNT; i++) {
            EXPECT(pthread_join(threads[i], NULL) == 0);
            won += creators[i].status == ST_OK;
            EXPECT(creators[i].status == ST_OK || creators[i].status == ST_PRECONDITION);
        }
        EXPECT_INT(1, won);
        EXPECT(pthread_barrier_destroy(&barrier) == 0);
        EXPECT_OK(fixture_delete(&crowd.bucket, "lock", &err), &err);
    }
    bucket_close(&crowd.bucket);
    fixture_close(&crowd.fixture);
}

#define ROUND_COUNT 8

struct disputed {
    struct crowd *crowd;
    struct upload_id id;
    struct prng prng;
    size_t role;
    size_t success_count;
    char failure[512];
};

static void
disputed_note(struct disputed *disputed, enum status st, const struct error *err)
{
    disputed->success_count += st == ST_OK;
    if (st != ST_OK && !is_refusal(st) && st != ST_CONFLICT && disputed->failure[0] == '\0') {
        snprintf(disputed->failure, sizeof(disputed->failure), "%s: %s", status_name(st),
                 err->text);
    }
}

static void
disputed_complete(struct disputed *disputed)
{
    struct arena arena = ARENA_INIT;
    struct part_record *records;
    struct multipart_part parts[4];
    char etags[4][2 * 16 + 1];
    struct object_put_result result;
    struct error err = ERROR_INIT;
    bool is_truncated;
    size_t count;
    enum status st =
        multipart_list_parts(&disputed->crowd->bucket, BYTES_LITERAL("k"), disputed->id, 0, 4,
                             &arena, &records, &count, &is_truncated, &err);

    for (size_t i = 0; st == ST_OK && i < count; i++) {
        encode_hex(bytes_of(records[i].md5, 16), etags[i]);
        parts[i] =
            (struct multipart_part){.number = records[i].number, .etag = bytes_of_string(etags[i])};
    }
    if (st == ST_OK && count > 0) {
        st = multipart_complete(&disputed->crowd->bucket,
                                &(struct multipart_complete_options){.key = {"k", 1},
                                                                     .id = disputed->id,
                                                                     .parts = parts,
                                                                     .part_count = count,
                                                                     .size = OBJECT_SIZE_UNKNOWN},
                                &result, &err);
    }
    disputed_note(disputed, st, &err);
    arena_release(&arena);
}

static void *
disputed_main(void *arg)
{
    struct disputed *disputed = arg;
    struct buffer data = BUFFER_INIT;

    for (uint32_t i = 0; i < 6; i++) {
        struct object_put_result result;
        struct error err = ERROR_INIT;

        if (disputed->role < 2) {
            fixture_fill(&data, SIZES[1 + prng_below(&disputed->prng, 3)],
                         prng_u64(&disputed->prng));
            disputed_note(disputed,
                          fixture_part(&disputed->crowd->bucket, "k", disputed->id, 1 + i % 3,
                                       buffer_bytes(&data), &result, &err),
                          &err);
        } else if (disputed->role == 2 || i % 3 != 2) {
            disputed_complete(disputed);
        } else {
            disputed_note(
                disputed,
                multipart_abort(&disputed->crowd->bucket, BYTES_LITERAL("k"), disputed->id, &err),
                &err);
        }
    }
    buffer_release(&data);
    return NULL;
}

/* Parts, completions and aborts of one upload at once: each succeeds or meets no upload, or a part
 * that is another by now; no bytes are lost or left over. */
TEST(a_disputed_upload_ends_in_order)
{
    struct crowd crowd;
    struct disputed disputed[THREAD_COUNT];
    pthread_t threads[THREAD_COUNT];
    struct prng prng = test_prng();
    struct error err;

    fixture_open(&crowd.fixture, test_directory(), 1);
    crowd.bucket = fixture_bucket(&crowd.fixture, "abc");
    for (int round = 0; round < ROUND_COUNT; round++) {
        struct upload_id id;
        enum status st;

        EXPECT_OK(multipart_create(&crowd.bucket,
                                   &(struct multipart_create_options){.key = {"k", 1}}, &id, &err),
                  &err);
        for (size_t i = 0; i < THREAD_COUNT; i++) {
            disputed[i] = (struct disputed){
                .crowd = &crowd, .id = id, .prng = prng_init(prng_u64(&prng)), .role = i};
            EXPECT(pthread_create(&threads[i], NULL, disputed_main, &disputed[i]) == 0);
        }
        for (size_t i = 0; i < THREAD_COUNT; i++) {
            EXPECT(pthread_join(threads[i], NULL) == 0);
        }
        for (size_t i = 0; i < THREAD_COUNT; i++) {
            EXPECT_STRING("", disputed[i].failure);
        }
        st = multipart_abort(&crowd.bucket, BYTES_LITERAL("k"), id, NULL);
        EXPECT(st == ST_OK || st == ST_NO_SUCH_UPLOAD);
        fixture_expect_clean(&crowd.fixture);
    }
    bucket_close(&crowd.bucket);
    fixture_close(&crowd.fixture);
}
