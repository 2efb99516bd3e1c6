/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is killed at each step of writing an object in other chunks: the next one finds
 * the object as it was, in old or new chunks, and nothing else but what the sweep takes.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "object/object_rechunk.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define CHILD_S_MAX 120
#define OBJECT_SIZE 1500000
#define PART_SIZE 700000

struct victim {
    const char *point;
    uint64_t nth;
    bool must_be_met;
};

/* 23 chunks of 64 KiB are written from 6, then one. */
static const struct victim VICTIMS[] = {
    {"chunk_create", 1, true},           {"chunk_create", 12, true},
    {"chunk_header_write", 3, true},     {"rechunk_before_commit", 1, true},
    {"commit_before_write", 1, true},    {"commit_after_write", 1, true},
    {"rechunk_after_commit", 1, true},   {"chunk_create", 24, true},
    {"rechunk_before_commit", 2, true},  {"commit_before_write", 2, false},
    {"commit_after_write", 2, false},    {"rechunk_after_commit", 2, true},
    {"reclaim_before_commit", 1, false},
};

#ifdef LODE_FAULTS
static void
upload(const struct bucket *bucket, struct bytes data)
{
    struct object_put_result results[2];
    struct multipart_part parts[2];
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct upload_id id;

    EXPECT_OK(
        multipart_create(bucket, &(struct multipart_create_options){.key = {"m", 1}}, &id, &err),
        &err);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(fixture_part(bucket, "m", id, (uint32_t)i + 1,
                               bytes_slice(data, i * PART_SIZE, i == 0 ? PART_SIZE : data.size),
                               &results[i], &err),
                  &err);
        parts[i] = (struct multipart_part){.number = (uint32_t)i + 1,
                                           .etag = bytes_of_string(results[i].etag)};
    }
    EXPECT_OK(multipart_complete(bucket,
                                 &(struct multipart_complete_options){.key = {"m", 1},
                                                                      .id = id,
                                                                      .parts = parts,
                                                                      .part_count = 2,
                                                                      .size = OBJECT_SIZE_UNKNOWN},
                                 &result, &err),
              &err);
}

static void
child_work(struct object_fixture *fixture, const char *key, const struct victim *victim)
{
    static const struct chunk_policy POLICIES[] = {{(uint64_t)64 << 10, 1},
                                                   {(uint64_t)64 << 10, 0}};
    struct bucket bucket;

    fixture_start(fixture);
    bucket = fixture_bucket_open(fixture, "bucket");
    fault_arm(victim->point, victim->nth, 1, FAULT_ACTION_KILL);
    for (size_t i = 0; i < 2; i++) {
        struct object_rechunk_result result;
        struct error err = ERROR_INIT;

        EXPECT_OK(object_rechunk(&bucket,
                                 &(struct object_rechunk_options){.key = bytes_of_string(key),
                                                                  .policy = POLICIES[i]},
                                 &result, &err),
                  &err);
        EXPECT_INT(RECHUNK_WRITTEN, result.outcome);
    }
    /* Not closed: RocksDB's threads did not come through the fork, and a flush would wait for them.
     */
}

static void
expect_whole(const struct bucket *bucket, const char *key, struct bytes expected, const char *etag)
{
    struct object_get_options options = {.key = bytes_of_string(key), .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct buffer got = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_get_options(bucket, &options, &arena, &result, &got, &err), &err);
    EXPECT(bytes_equal(expected, buffer_bytes(&got)));
    EXPECT_BYTES(bytes_of_string(etag), result.record.etag);
    if (result.record.part_count > 0) {
        options.part_number = 2;
        EXPECT_OK(fixture_get_options(bucket, &options, &arena, &result, &got, &err), &err);
        EXPECT(bytes_equal(bytes_slice(expected, PART_SIZE, expected.size), buffer_bytes(&got)));
    }
    arena_release(&arena);
    buffer_release(&got);
}

static void
etag_of(const struct bucket *bucket, const char *key, char out[64])
{
    struct object_get_options options = {
        .key = bytes_of_string(key), .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(object_get(bucket, &options, &arena, &result, &err), &err);
    CHECK(result.record.etag.size < 64);
    memcpy(out, result.record.etag.data, result.record.etag.size);
    out[result.record.etag.size] = '\0';
    arena_release(&arena);
}

/* What the kill left behind unnamed is the sweep's; nothing else may be found. */
static void
expect_sound(struct object_fixture *fixture)
{
    struct fsck_summary summary;

    fixture_free_dropped(fixture);
    fixture_check(fixture, &(struct fsck_options){.verifies_bytes = true, .orphan_age_s = 3600},
                  &summary);
    for (int i = 0; i < FSCK_FINDING_COUNT; i++) {
        EXPECT_INT(0, summary.finding_counts[i]);
    }
}

static void
round_of(const struct victim *victim, const char *key, const char *directory)
{
    struct object_fixture fixture;
    struct buffer data = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    char etag[64];
    int status = 0;
    pid_t child;

    fixture_open(&fixture, directory, 2);
    bucket = fixture_bucket(&fixture, "bucket");
    fixture_fill(&data, OBJECT_SIZE, 5);
    EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
    upload(&bucket, buffer_bytes(&data));
    etag_of(&bucket, key, etag);
    bucket_close(&bucket);
    fixture_stop(&fixture);
    (void)fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)alarm(CHILD_S_MAX);
        child_work(&fixture, key, victim);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("# %s of \"%s\", %d: %s\n", victim->point, key, (int)victim->nth,
           WIFSIGNALED(status) ? "killed" : "not met");
    EXPECT(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
                               : !victim->must_be_met && WEXITSTATUS(status) == 0);
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "bucket");
    expect_whole(&bucket, key, buffer_bytes(&data), etag);
    expect_sound(&fixture);
    bucket_close(&bucket);
    buffer_release(&data);
    fixture_close(&fixture);
}
#endif

TEST(kill_at_any_step_loses_nothing)
{
#ifdef LODE_FAULTS
    static const char *const KEYS[] = {"k", "m"};

#ifdef __SANITIZE_THREAD__
    test_skip("ThreadSanitizer starts no threads after a fork");
#endif

    for (size_t i = 0; i < ARRAY_COUNT(VICTIMS); i++) {
        char *directory = xasprintf("%s/%zu", test_directory(), i);

        EXPECT_INT(0, mkdir(directory, 0700));
        round_of(&VICTIMS[i], KEYS[i % 2], directory);
        free(directory);
    }
#else
    (void)VICTIMS;
    test_skip("fault points are not compiled in");
#endif
}
