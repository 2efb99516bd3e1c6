/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is killed between the steps of attach, moves, resilver and detach, at each of them
 * in turn: the next one finds every acknowledged write, and the resilver ends what was begun.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/former_record.h"
#include "meta/meta_key.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/resilver.h"
#include "store/commit.h"
#include "tests/unit/kill_rounds.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define KEY_COUNT 18
#define UPLOAD_KEY "an-upload"
/* Keys with a mark of a placement between targets: every second one beside a record. */
#define MARK_COUNT 12
/* A child takes a second or two, under the sanitizers on a busy machine ten times that. */
#define CHILD_S_MAX 120

static const size_t SIZES[] = {0, 100, 3000, 200000, 300000, 1300000};

enum fate { FATE_KEPT, FATE_TRIED, FATE_DONE };

/* What the child did, as the parent sees it. */
struct diary {
    enum fate fates[KEY_COUNT];
    bool is_finished;
};

struct victim {
    const char *point;
    uint64_t nth;
};

static const struct victim VICTIMS[] = {
    {"attach_after_identity", 1},
    {"attach_after_open", 1},
    {"mountpath_before_placement", 1},
    {"mountpath_after_placement", 1},
    {"mountpath_before_placement", 2},
    {"mountpath_after_placement", 2},
    {"move_before_publish", 1},
    {"move_before_publish", 4},
    {"move_before_mark", 1},
    {"move_before_mark", 3},
    {"move_before_removal", 1},
    {"move_before_removal", 2},
    {"move_before_removal", 5},
    {"move_before_removal", 9},
    {"chunk_link", 2},
    {"chunk_link_sync", 2},
    {"chunk_link_directory_sync", 3},
    {"commit_before_write", 20},
    {"commit_after_write", 20},
    {"commit_after_write", 27},
    {"commit_before_write", 33},
    {"commit_after_write", 41},
    {"resilver_before_cursor", 1},
    {"resilver_before_cursor", 3},
    {"resilver_before_finish", 1},
    {"resilver_after_finish", 1},
    {"evacuate_before_commit", 1},
    {"evacuate_before_commit", 3},
    {"reclaim_before_commit", 1},
    {"mountpath_before_placement", 3},
    {"mountpath_after_placement", 3},
    {"resilver_before_finish", 2},
    {"resilver_after_finish", 2},
};

static void
key_of(size_t number, char out[32])
{
    snprintf(out, 32, "key-%03zu", number);
}

static void
fill(struct buffer *out, size_t number, uint64_t version)
{
    fixture_fill(out, SIZES[number % ARRAY_COUNT(SIZES)], number * 1000 + version);
}

static void
put_number(struct bucket *bucket, size_t number, uint64_t version)
{
    struct buffer data = BUFFER_INIT;
    struct error err = ERROR_INIT;
    char key[32];

    key_of(number, key);
    fill(&data, number, version);
    EXPECT_OK(fixture_put(bucket, key, buffer_bytes(&data), &err), &err);
    buffer_release(&data);
}

static bool
is_version(struct bucket *bucket, size_t number, uint64_t version)
{
    struct buffer expected = BUFFER_INIT;
    struct buffer found = BUFFER_INIT;
    char key[32];
    bool is_same;

    key_of(number, key);
    fill(&expected, number, version);
    is_same = fixture_get(bucket, key, &found, NULL) == ST_OK &&
              bytes_equal(buffer_bytes(&expected), buffer_bytes(&found));
    buffer_release(&expected);
    buffer_release(&found);
    return is_same;
}

static bool
is_absent(struct bucket *bucket, size_t number)
{
    struct buffer found = BUFFER_INIT;
    char key[32];
    enum status st;

    key_of(number, key);
    st = fixture_get(bucket, key, &found, NULL);
    buffer_release(&found);
    return st == ST_NO_SUCH_KEY;
}

static void
admin(struct object_fixture *fixture, enum mountpath_verb verb, const char *directory)
{
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;

    EXPECT_OK(mountpath_admin(fixture->store, verb, directory, &outcome, &err), &err);
}

static void
resilver(struct object_fixture *fixture)
{
    const struct resilver_options options = {.arg = NULL};
    struct resilver_progress progress;
    struct error err = ERROR_INIT;

    EXPECT_OK(resilver_run(fixture->store, &options, &progress, &err), &err);
}

static void
child_work(struct object_fixture *fixture, struct diary *diary, const char *extra)
{
    struct bucket bucket;

    fixture_start(fixture);
    bucket = fixture_bucket_open(fixture, "bucket");
    admin(fixture, MOUNTPATH_VERB_ATTACH, extra);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char key[32];

        key_of(i, key);
        if (i % 3 == 2) {
            continue;
        }
        diary->fates[i] = FATE_TRIED;
        if (i % 3 == 0) {
            put_number(&bucket, i, 2);
        } else {
            CHECK(fixture_delete(&bucket, key, NULL) == ST_OK);
        }
        diary->fates[i] = FATE_DONE;
    }
    resilver(fixture);
    admin(fixture, MOUNTPATH_VERB_DETACH, fixture->mountpaths[0]);
    resilver(fixture);
    diary->is_finished = true;
    /* Not closed: RocksDB's threads did not come through the fork, and a flush would wait for them.
     */
}

static void
expect_fates(struct bucket *bucket, const struct diary *diary)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        bool is_old = is_version(bucket, i, 1);
        bool is_new = i % 3 == 0 ? is_version(bucket, i, 2) : is_absent(bucket, i);

        switch (diary->fates[i]) {
        case FATE_KEPT:
            EXPECT(is_old);
            break;
        case FATE_TRIED:
            EXPECT(is_old || is_new);
            break;
        case FATE_DONE:
            EXPECT(is_new);
            break;
        }
    }
}

/* ---- marks ---- */

static void
marked_key_of(size_t number, char out[32])
{
    if (number % 2 == 0) {
        key_of(number, out);
    } else {
        snprintf(out, 32, "mark-%03zu", number);
    }
}

struct marking {
    struct meta_key key;
    struct former_record mark;
};

static enum status
decide_mark(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct marking *marking = arg;
    struct buffer value = BUFFER_INIT;

    former_record_encode(&marking->mark, &value);
    commit_put_record(commit, FAMILY_FORMER, meta_key_bytes(&marking->key), buffer_bytes(&value));
    buffer_release(&value);
    return ST_OK;
}

static void
put_marks(struct object_fixture *fixture, struct bucket *bucket)
{
    struct store *store = object_store_store(fixture->store);

    for (size_t i = 0; i < MARK_COUNT; i++) {
        struct marking marking = {
            .mark = {.flags = i % 2 == 0 ? FORMER_CONFIRMED : FORMER_CONFIRMED | FORMER_TOMBSTONE,
                     .generation = 100 + i}};
        struct error err = ERROR_INIT;
        char key[32];

        marked_key_of(i, key);
        meta_key_object(&marking.key, bucket->id, bytes_of_string(key));
        EXPECT_OK(commit_run(&(struct commit_options){.home = store_home_of(store, bucket->id,
                                                                            bytes_of_string(key)),
                                                      .durability = DURABILITY_STRICT,
                                                      .decide = decide_mark,
                                                      .arg = &marking},
                             NULL, &err),
                  &err);
    }
}

/* Each mark stands once, as it was, at the home that its key has now. */
static void
expect_marks(struct object_fixture *fixture, struct bucket *bucket)
{
    struct store *store = object_store_store(fixture->store);

    for (size_t i = 0; i < MARK_COUNT; i++) {
        size_t count = 0;
        struct meta_key meta_key;
        char key[32];

        marked_key_of(i, key);
        meta_key_object(&meta_key, bucket->id, bytes_of_string(key));
        for (size_t k = 0; k < store_home_count(store); k++) {
            struct home *home = store_home_at(store, k);
            struct meta_value value = META_VALUE_INIT;
            struct arena arena = ARENA_INIT;
            struct former_record mark;
            struct error err = ERROR_INIT;

            if (!home_is_holder(home) ||
                meta_db_get(home_db(home), FAMILY_FORMER, meta_key_bytes(&meta_key), true, &value,
                            &err) != ST_OK) {
                continue;
            }
            EXPECT_OK(former_record_decode(value.data, &arena, &mark, &err), &err);
            EXPECT_INT(100 + i, mark.generation);
            EXPECT(home == store_home_of(store, bucket->id, bytes_of_string(key)));
            count++;
            arena_release(&arena);
            meta_value_release(&value);
        }
        EXPECT_INT(1, count);
    }
}

static struct upload_id
begin_upload(struct bucket *bucket, struct object_put_result *ret_part)
{
    struct multipart_create_options options = {.key = BYTES_LITERAL(UPLOAD_KEY)};
    struct buffer part = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct upload_id id;

    fixture_fill(&part, 700000, 7);
    EXPECT_OK(multipart_create(bucket, &options, &id, &err), &err);
    EXPECT_OK(fixture_part(bucket, UPLOAD_KEY, id, 1, buffer_bytes(&part), ret_part, &err), &err);
    buffer_release(&part);
    return id;
}

static void
complete_upload(struct bucket *bucket, struct upload_id id, const struct object_put_result *part)
{
    const struct multipart_part chosen = {.number = 1, .etag = bytes_of_string(part->etag)};
    const struct multipart_complete_options options = {.key = BYTES_LITERAL(UPLOAD_KEY),
                                                       .id = id,
                                                       .parts = &chosen,
                                                       .part_count = 1,
                                                       .size = OBJECT_SIZE_UNKNOWN};
    struct object_put_result result;
    struct buffer found = BUFFER_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(multipart_complete(bucket, &options, &result, &err), &err);
    EXPECT_OK(fixture_get(bucket, UPLOAD_KEY, &found, &err), &err);
    EXPECT_INT(700000, found.size);
    buffer_release(&found);
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
round_of(size_t number, const char *directory)
{
    const struct victim *victim = &VICTIMS[number];
    struct object_fixture fixture;
    struct object_put_result part;
    struct upload_id id;
    struct bucket bucket;
    struct diary *diary =
        mmap(NULL, sizeof(*diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *extra = xasprintf("%s/extra", directory);
    int status = 0;
    pid_t child;

    CHECK(diary != MAP_FAILED);
    fixture_open(&fixture, directory, 2);
    bucket = fixture_bucket(&fixture, "bucket");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&bucket, i, 1);
    }
    put_marks(&fixture, &bucket);
    id = begin_upload(&bucket, &part);
    bucket_close(&bucket);
    fixture_stop(&fixture);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fault_arm(victim->point, victim->nth, 1, FAULT_ACTION_KILL);
        (void)alarm(CHILD_S_MAX);
        child_work(&fixture, diary, extra);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("# %s %d: %s\n", victim->point, (int)victim->nth,
           WIFSIGNALED(status) ? "killed" : "not met");
    EXPECT(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    fixture_start(&fixture);
    bucket = fixture_bucket_open(&fixture, "bucket");
    expect_fates(&bucket, diary);
    resilver(&fixture);
    expect_fates(&bucket, diary);
    expect_marks(&fixture, &bucket);
    complete_upload(&bucket, id, &part);
    expect_sound(&fixture);
    bucket_close(&bucket);
    fixture_close(&fixture);
    free(extra);
    munmap(diary, sizeof(*diary));
}

/* Each round opens the store a dozen times: without LODE_TEST_LONG=1 only one point of so many. */
#define SHORT_STRIDE 6

/* A resilver is resumed after a kill at any step, nothing is lost, nothing resurrected. */
TEST(kill_between_any_two_steps_loses_and_resurrects_nothing)
{
#ifdef __SANITIZE_THREAD__
    test_skip("ThreadSanitizer starts no threads after a fork");
#endif
    kill_rounds_run(ARRAY_COUNT(VICTIMS), SHORT_STRIDE, round_of);
}
