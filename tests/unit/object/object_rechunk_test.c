/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_rechunk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "object/object_custom.h"
#include "object/object_internal.h"
#include "store/layout_writer.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define KIB64 ((uint64_t)64 << 10)

/* In one piece, in small chunks, in larger ones, in small ones again, in one piece. */
static const struct chunk_policy POLICIES[] = {
    {KIB64, 0}, {KIB64, 1}, {4 * KIB64, 1}, {KIB64, 1000000}, {KIB64, 1}, {KIB64, 0},
};
static const size_t SIZES[] = {0, 100, 5000, 200000, 262144, 262145, 700000, 1500000, 1572864};

static enum status
rechunk(const struct bucket *bucket, const char *key, struct chunk_policy policy,
        struct object_rechunk_result *result, struct error *err)
{
    return object_rechunk(
        bucket, &(struct object_rechunk_options){.key = bytes_of_string(key), .policy = policy},
        result, err);
}

static void
head(const struct bucket *bucket, const char *key, struct arena *arena,
     struct object_record *ret_record)
{
    struct object_get_options options = {
        .key = bytes_of_string(key), .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct error err = ERROR_INIT;

    EXPECT_OK(object_get(bucket, &options, arena, &result, &err), &err);
    *ret_record = result.record;
}

static void
expect_stored(const struct bucket *bucket, const char *key, struct bytes expected)
{
    struct buffer got = BUFFER_INIT;
    struct error err;

    EXPECT_OK(fixture_get(bucket, key, &got, &err), &err);
    EXPECT(bytes_equal(expected, buffer_bytes(&got)));
    buffer_release(&got);
}

/* All but where the bytes stand, and the order of commits. */
static void
expect_same(const struct object_record *before, const struct object_record *after)
{
    EXPECT_INT(before->size, after->size);
    EXPECT_INT(before->stored_size, after->stored_size);
    EXPECT_INT(before->created_ns, after->created_ns);
    EXPECT_INT(before->overwrite_count, after->overwrite_count);
    EXPECT_INT(before->part_count, after->part_count);
    EXPECT_BYTES(before->etag, after->etag);
    EXPECT_BYTES(before->owner, after->owner);
    EXPECT_BYTES(before->custom, after->custom);
    EXPECT(memcmp(&before->checksum, &after->checksum, sizeof(after->checksum)) == 0);
    EXPECT(memcmp(&before->native_checksum, &after->native_checksum,
                  sizeof(after->native_checksum)) == 0);
    EXPECT_BYTES(before->attributes.content[CONTENT_TYPE], after->attributes.content[CONTENT_TYPE]);
    EXPECT_INT(before->attributes.metadata_count, after->attributes.metadata_count);
}

static void
expect_chunks(struct object_fixture *fixture, const struct bucket *bucket, const char *key,
              const struct object_record *record, uint64_t piece)
{
    struct home *home =
        store_home_of(object_store_store(fixture->store), bucket->id, bytes_of_string(key));
    const struct extent *extents;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    size_t count;

    if (record->layout.kind == LAYOUT_NONE || record->layout.kind == LAYOUT_INLINE) {
        return;
    }
    EXPECT_OK(layout_extents(home, &record->layout, &arena, &extents, &count, &err), &err);
    EXPECT_INT((record->size + piece - 1) / piece, count);
    for (size_t i = 0; i + 1 < count; i++) {
        EXPECT_INT(piece, extents[i].length);
    }
    arena_release(&arena);
}

static uint64_t
piece_of(struct chunk_policy policy, uint64_t size)
{
    return size <= 262144 ? 262144 : chunk_policy_piece(&policy, size);
}

static void
put_with_attributes(const struct bucket *bucket, const char *key, struct bytes data)
{
    struct metadata_entry entry = {{"color", 5}, {"red", 3}};
    struct object_put_options options = {.key = bytes_of_string(key),
                                         .size = data.size,
                                         .attributes = {.content = {[CONTENT_TYPE] = {"text/x", 6}},
                                                        .metadata = &entry,
                                                        .metadata_count = 1}};
    struct object_custom_options custom = {
        .key = bytes_of_string(key), .entries = &entry, .count = 1};
    struct object_put_result result;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put_options(bucket, &options, data, &result, &err), &err);
    EXPECT_OK(object_custom_set(bucket, &custom, &err), &err);
}

/* SPEC: AIStore rechunk: content, metadata, names, versions and checksums stay; only the layout
 * changes.  Asked once more, nothing is written. */
TEST(nothing_that_a_client_sees_changes)
{
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err = ERROR_INIT;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        char *key = xasprintf("key %zu", SIZES[i]);
        struct object_record before;
        struct arena arena = ARENA_INIT;

        fixture_fill(&data, SIZES[i], i);
        put_with_attributes(&bucket, key, buffer_bytes(&data));
        put_with_attributes(&bucket, key, buffer_bytes(&data)); /* a version */
        head(&bucket, key, &arena, &before);
        for (size_t k = 0; k < ARRAY_COUNT(POLICIES); k++) {
            struct object_rechunk_result result;
            struct object_record after;
            struct object_record again;

            EXPECT_OK(rechunk(&bucket, key, POLICIES[k], &result, &err), &err);
            EXPECT_INT(SIZES[i], result.size);
            EXPECT(result.outcome == RECHUNK_WRITTEN || result.outcome == RECHUNK_KEPT);
            head(&bucket, key, &arena, &after);
            expect_same(&before, &after);
            expect_chunks(&fixture, &bucket, key, &after, piece_of(POLICIES[k], SIZES[i]));
            expect_stored(&bucket, key, buffer_bytes(&data));
            EXPECT_OK(rechunk(&bucket, key, POLICIES[k], &result, &err), &err);
            EXPECT_INT(RECHUNK_KEPT, result.outcome);
            head(&bucket, key, &arena, &again);
            EXPECT(seq_compare(after.seq, again.seq) == 0);
        }
        arena_release(&arena);
        free(key);
    }
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* ---- parts ---- */

#define PART_COUNT 4
static const size_t PART_SIZES[PART_COUNT] = {300000, 70000, 1400000, 5};

static void
upload(const struct bucket *bucket, struct buffer *ret_parts, struct object_put_result *result)
{
    struct object_put_result parts[PART_COUNT];
    struct multipart_part chosen[PART_COUNT];
    struct error err = ERROR_INIT;
    struct upload_id id;

    EXPECT_OK(
        multipart_create(bucket, &(struct multipart_create_options){.key = {"k", 1}}, &id, &err),
        &err);
    for (size_t i = 0; i < PART_COUNT; i++) {
        fixture_fill(&ret_parts[i], PART_SIZES[i], i);
        EXPECT_OK(fixture_part(bucket, "k", id, (uint32_t)i * 2 + 1, buffer_bytes(&ret_parts[i]),
                               &parts[i], &err),
                  &err);
        chosen[i] = (struct multipart_part){.number = (uint32_t)i * 2 + 1,
                                            .etag = bytes_of_string(parts[i].etag)};
    }
    EXPECT_OK(multipart_complete(bucket,
                                 &(struct multipart_complete_options){.key = {"k", 1},
                                                                      .id = id,
                                                                      .parts = chosen,
                                                                      .part_count = PART_COUNT,
                                                                      .size = OBJECT_SIZE_UNKNOWN},
                                 result, &err),
              &err);
}

static void
expect_parts(const struct bucket *bucket, const struct buffer *parts)
{
    struct object_get_options look = {
        .key = {"k", 1}, .is_head = true, .needs_parts = true, .mode = READ_MAY_WAIT};
    struct object_get_result found;
    struct arena arena = ARENA_INIT;
    struct part_entry *entries;
    struct error err = ERROR_INIT;
    bool is_truncated;
    size_t count;

    EXPECT_OK(object_get(bucket, &look, &arena, &found, &err), &err);
    EXPECT_OK(
        object_get_parts(bucket, &found, 0, 100, &arena, &entries, &count, &is_truncated, &err),
        &err);
    EXPECT_INT(PART_COUNT, count);
    for (size_t i = 0; i < PART_COUNT; i++) {
        struct object_get_options options = {
            .key = {"k", 1}, .part_number = (uint32_t)i * 2 + 1, .mode = READ_MAY_WAIT};
        struct object_get_result got;
        struct buffer data = BUFFER_INIT;

        EXPECT_INT(options.part_number, entries[i].number);
        EXPECT_INT(PART_SIZES[i], entries[i].size);
        EXPECT_OK(fixture_get_options(bucket, &options, &arena, &got, &data, &err), &err);
        EXPECT(bytes_equal(buffer_bytes(&parts[i]), buffer_bytes(&data)));
        EXPECT(got.is_partial);
        buffer_release(&data);
    }
    arena_release(&arena);
}

/* SPEC: S3 GetObject / partNumber: parts are those of the upload, wherever chunks begin. */
TEST(parts_stay_what_they_were_uploaded_as)
{
    struct buffer parts[PART_COUNT] = {BUFFER_INIT};
    struct object_fixture fixture;
    struct object_put_result result;
    uint64_t former_piece = 0;
    struct bucket bucket;
    struct error err = ERROR_INIT;

    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "abc");
    upload(&bucket, parts, &result);
    for (size_t i = 0; i < ARRAY_COUNT(POLICIES); i++) {
        struct object_rechunk_result rechunked;
        struct object_record record;
        struct arena arena = ARENA_INIT;
        uint64_t piece;

        EXPECT_OK(rechunk(&bucket, "k", POLICIES[i], &rechunked, &err), &err);
        head(&bucket, "k", &arena, &record);
        piece = piece_of(POLICIES[i], record.size);
        EXPECT_INT(piece == former_piece ? RECHUNK_KEPT : RECHUNK_WRITTEN, rechunked.outcome);
        former_piece = piece;
        EXPECT_BYTES(bytes_of_string(result.etag), record.etag);
        expect_chunks(&fixture, &bucket, "k", &record, piece);
        expect_parts(&bucket, parts);
        arena_release(&arena);
        bucket_close(&bucket);
        fixture_stop(&fixture);
        fixture_start(&fixture);
        bucket = fixture_bucket_open(&fixture, "abc");
        expect_parts(&bucket, parts);
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        buffer_release(&parts[i]);
    }
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* ---- refusals ---- */

/* What is not there, is stopped, or has no room: nothing changes, nothing stays behind. */
TEST(what_cannot_be_done_changes_nothing)
{
    const struct chunk_policy policy = {KIB64, 1};
    struct object_rechunk_options options = {.key = {"k", 1}, .policy = policy};
    struct object_rechunk_result result;
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err = ERROR_INIT;
    atomic_bool is_stopped = true;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    EXPECT_OK(object_rechunk(&bucket, &options, &result, &err), &err);
    EXPECT_INT(RECHUNK_GONE, result.outcome);
    fixture_fill(&data, 1500000, 1);
    EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
    options.is_stopped = &is_stopped;
    EXPECT_STATUS(ST_CANCELLED, object_rechunk(&bucket, &options, &result, &err));
    options.is_stopped = NULL;
    expect_stored(&bucket, "k", buffer_bytes(&data));
#ifdef LODE_FAULTS
    fault_arm("chunk_allocate", 3, 1, ENOSPC);
    EXPECT_STATUS(ST_NO_SPACE, object_rechunk(&bucket, &options, &result, &err));
    EXPECT_INT(1, fault_acted_count());
    fault_disarm();
    expect_stored(&bucket, "k", buffer_bytes(&data));
#endif
    options.key = BYTES_LITERAL("");
    EXPECT_STATUS(ST_INVALID, object_rechunk(&bucket, &options, &result, &err));
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

/* ---- others at work ---- */

#define CROWD_ROUNDS 120
#define VERSION_COUNT 3

struct crowd {
    struct object_fixture fixture;
    struct bucket bucket;
    struct buffer versions[VERSION_COUNT];
    atomic_bool is_over;
    _Atomic(const char *) complaint;
    _Atomic uint64_t written_count;
    _Atomic uint64_t read_count;
};

static void
complain(struct crowd *crowd, const char *what)
{
    const char *none = NULL;

    atomic_compare_exchange_strong(&crowd->complaint, &none, what);
}

static void *
crowd_write(void *arg)
{
    struct crowd *crowd = arg;
    uint64_t i = 0;

    affinity_set(AFFINITY_WORKER, "crowd");
    while (!atomic_load(&crowd->is_over)) {
        if (fixture_put(&crowd->bucket, "k", buffer_bytes(&crowd->versions[i++ % VERSION_COUNT]),
                        NULL) != ST_OK) {
            complain(crowd, "a write failed");
        }
        atomic_fetch_add(&crowd->written_count, 1);
    }
    return NULL;
}

/* What is read is one version, from its first to its last byte. */
static void *
crowd_read(void *arg)
{
    struct crowd *crowd = arg;
    struct buffer got = BUFFER_INIT;

    affinity_set(AFFINITY_WORKER, "crowd");
    while (!atomic_load(&crowd->is_over)) {
        bool is_one = false;

        if (fixture_get(&crowd->bucket, "k", &got, NULL) != ST_OK) {
            complain(crowd, "a read failed");
        }
        for (size_t i = 0; i < VERSION_COUNT; i++) {
            is_one |= bytes_equal(buffer_bytes(&got), buffer_bytes(&crowd->versions[i]));
        }
        if (!is_one) {
            complain(crowd, "what was read was never written");
        }
        atomic_fetch_add(&crowd->read_count, 1);
    }
    buffer_release(&got);
    return NULL;
}

/* Readers and writers go on while chunks change, and a write is never undone. */
TEST(readers_and_writers_go_on)
{
    struct crowd *crowd = xcalloc(1, sizeof(*crowd));
    struct object_rechunk_result result;
    struct buffer last = BUFFER_INIT;
    struct error err = ERROR_INIT;
    uint64_t outcomes[4] = {0};
    pthread_t threads[3];

    fixture_open(&crowd->fixture, test_directory(), 2);
    crowd->bucket = fixture_bucket(&crowd->fixture, "abc");
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        fixture_fill(&crowd->versions[i], 300000 + i * 400000, i);
    }
    EXPECT_OK(fixture_put(&crowd->bucket, "k", buffer_bytes(&crowd->versions[0]), &err), &err);
    CHECK(pthread_create(&threads[0], NULL, crowd_write, crowd) == 0);
    CHECK(pthread_create(&threads[1], NULL, crowd_read, crowd) == 0);
    CHECK(pthread_create(&threads[2], NULL, crowd_read, crowd) == 0);
    for (size_t i = 0; i < CROWD_ROUNDS; i++) {
        EXPECT_OK(rechunk(&crowd->bucket, "k", POLICIES[i % ARRAY_COUNT(POLICIES)], &result, &err),
                  &err);
        outcomes[result.outcome]++;
    }
    atomic_store(&crowd->is_over, true);
    for (size_t i = 0; i < 3; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    EXPECT(atomic_load(&crowd->complaint) == NULL);
    printf("# %d rounds: %d written, %d kept, %d overtaken; %d writes, %d reads\n", CROWD_ROUNDS,
           (int)outcomes[RECHUNK_WRITTEN], (int)outcomes[RECHUNK_KEPT],
           (int)outcomes[RECHUNK_OVERTAKEN], (int)crowd->written_count, (int)crowd->read_count);
    EXPECT_INT(0, outcomes[RECHUNK_GONE]);
    /* Nobody writes any more: what stands there is the last write, and stays it. */
    EXPECT_OK(fixture_get(&crowd->bucket, "k", &last, &err), &err);
    EXPECT(bytes_equal(buffer_bytes(&last),
                       buffer_bytes(&crowd->versions[(crowd->written_count - 1) % VERSION_COUNT])));
    EXPECT_OK(rechunk(&crowd->bucket, "k", POLICIES[1], &result, &err), &err);
    expect_stored(&crowd->bucket, "k", buffer_bytes(&last));
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        buffer_release(&crowd->versions[i]);
    }
    buffer_release(&last);
    bucket_close(&crowd->bucket);
    fixture_expect_clean(&crowd->fixture);
    fixture_close(&crowd->fixture);
    free(crowd);
}

/* A copy that shares chunk files keeps its own. */
TEST(copies_keep_what_they_share)
{
    struct object_fixture fixture;
    struct object_copy_result copied;
    struct object_rechunk_result result;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket;
    struct error err = ERROR_INIT;

    fixture_open(&fixture, test_directory(), 1);
    bucket = fixture_bucket(&fixture, "abc");
    fixture_fill(&data, 1500000, 3);
    EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
    EXPECT_OK(object_copy(&bucket,
                          &(struct object_copy_options){
                              .source = &bucket, .source_key = {"k", 1}, .key = {"c", 1}},
                          &copied, &err),
              &err);
    EXPECT_OK(rechunk(&bucket, "k", POLICIES[1], &result, &err), &err);
    EXPECT_INT(RECHUNK_WRITTEN, result.outcome);
    expect_stored(&bucket, "c", buffer_bytes(&data));
    EXPECT_OK(fixture_delete(&bucket, "k", &err), &err);
    expect_stored(&bucket, "c", buffer_bytes(&data));
    EXPECT_OK(rechunk(&bucket, "c", POLICIES[1], &result, &err), &err);
    expect_stored(&bucket, "c", buffer_bytes(&data));
    buffer_release(&data);
    bucket_close(&bucket);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}
