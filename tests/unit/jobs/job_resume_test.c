/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that a process has left behind, by a kill or by its end, go on.  SPEC: docs/decisions/018.
 */
#include <dirent.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "jobs/job_kinds.h"
#include "jobs/job_record.h"
#include "jobs/selection_job.h"
#include "jobs/walk_message.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define STEP_COUNT 5

static struct object_fixture fixture;
static struct job_registry *jobs;
static char *directory;
static struct arena arena;
static struct error err;
static sem_t saved;
static sem_t may_go_on;

/* One object for each step; the cursor is the number of steps. */
static enum status
steps_run(struct job_run *run, struct error *error)
{
    struct job_counters counters = {.total_count = STEP_COUNT};
    struct bytes cursor = BYTES_NONE;
    enum status st = ST_OK;
    char text[8];

    if (job_run_resumed(run, &counters, &cursor)) {
        snprintf(text, sizeof(text), "%d", (int)counters.object_count);
        EXPECT_BYTES(bytes_of_string(text), cursor);
    }
    while (st == ST_OK && counters.object_count < STEP_COUNT) {
        counters.object_count++;
        counters.byte_count += 10;
        snprintf(text, sizeof(text), "%d", (int)counters.object_count);
        st = job_run_save(run, &counters, bytes_of_string(text), error);
        EXPECT(sem_post(&saved) == 0);
        EXPECT(sem_wait(&may_go_on) == 0);
        if (st == ST_OK) {
            st = job_run_pause(run, error);
        }
    }
    return st;
}

static const struct job_kind STEPS = {.name = "steps", .is_resumable = true, .run = steps_run};

static void
open_registry(void)
{
    EXPECT_OK(job_registry_create(fixture.store, directory, &jobs, &err), &err);
}

static void
begin(void)
{
    static bool is_known;

    if (!is_known) {
        job_kind_add(&STEPS);
        is_known = true;
    }
    EXPECT(sem_init(&saved, 0, 0) == 0);
    EXPECT(sem_init(&may_go_on, 0, 0) == 0);
    fixture_open(&fixture, test_directory(), 2);
    directory = xasprintf("%s/jobs", test_directory());
    open_registry();
}

static size_t
file_count(void)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    size_t count = 0;

    EXPECT(stream != NULL);
    while ((entry = readdir(stream)) != NULL) {
        count += bytes_has_suffix(bytes_of_string(entry->d_name), BYTES_LITERAL(JOB_RECORD_SUFFIX));
    }
    closedir(stream);
    return count;
}

/* The files of jobs that have ended are gone once the registry is closed. */
static void
end(size_t files_left)
{
    job_registry_destroy(&jobs);
    EXPECT_INT(files_left, file_count());
    fixture_close(&fixture);
    free(directory);
    arena_release(&arena);
}

static struct job_info
wait_for(const char *id)
{
    struct job_info info;

    EXPECT_OK(job_wait(jobs, id, &err), &err);
    EXPECT_OK(job_get(jobs, id, &arena, &info, &err), &err);
    return info;
}

static void
let_go_on(int count)
{
    for (int i = 0; i < count; i++) {
        EXPECT(sem_post(&may_go_on) == 0);
    }
}

/* What a killed process leaves. */
static void
leave(const char *id, const char *kind, struct bytes options, uint64_t done, struct bytes cursor)
{
    const struct job_record_head head = {.id = bytes_of_string(id),
                                         .kind = bytes_of_string(kind),
                                         .started_ns = 1,
                                         .options = options};
    const struct job_record_state state = {
        .counters = {.object_count = done, .byte_count = 10 * done, .total_count = STEP_COUNT},
        .cursor = cursor};
    struct job_record *record;

    EXPECT_OK(job_record_create(directory, &head, &record, &err), &err);
    EXPECT_OK(job_record_save(record, &state, &err), &err);
    job_record_close(&record);
}

TEST(a_killed_job_goes_on_at_its_cursor)
{
    struct job_info info;

    begin();
    leave("steps-1", "steps", BYTES_NONE, 3, BYTES_LITERAL("3"));
    job_registry_resume(jobs);
    EXPECT_OK(job_get(jobs, "steps-1", &arena, &info, &err), &err);
    EXPECT_INT(JOB_RUNNING, info.state);
    let_go_on(2);
    info = wait_for("steps-1");
    EXPECT_INT(JOB_FINISHED, info.state);
    EXPECT_INT(STEP_COUNT, info.done_count);
    EXPECT_INT(50, info.byte_count);
    EXPECT_INT(1, info.started_ns);
    EXPECT(sem_trywait(&saved) == 0 && sem_trywait(&saved) == 0 && sem_trywait(&saved) != 0);
    end(0);
}

/* A process that ends suspends its jobs; nobody takes them for stopped. */
TEST(the_end_of_the_process_suspends_a_job)
{
    struct job_info info;
    char id[JOB_ID_SIZE];

    begin();
    EXPECT_OK(job_start(jobs, &STEPS, NULL, 0, id, &err), &err);
    EXPECT(sem_wait(&saved) == 0);
    let_go_on(STEP_COUNT); /* it sees that it is to stop, or is done before; not both */
    job_registry_destroy(&jobs);
    open_registry();
    if (file_count() > 0) {
        EXPECT_STATUS(ST_NOT_FOUND, job_get(jobs, id, &arena, &info, NULL));
        let_go_on(STEP_COUNT);
        job_registry_resume(jobs);
    }
    info = wait_for(id);
    EXPECT_INT(JOB_FINISHED, info.state);
    EXPECT_INT(STEP_COUNT, info.done_count);
    end(0);
}

/* Who stops a job means it: the next start leaves it alone. */
TEST(a_stopped_job_is_not_taken_up)
{
    struct job_info info;
    char id[JOB_ID_SIZE];

    begin();
    EXPECT_OK(job_start(jobs, &STEPS, NULL, 0, id, &err), &err);
    EXPECT(sem_wait(&saved) == 0);
    EXPECT_OK(job_stop(jobs, id, &err), &err);
    let_go_on(1);
    info = wait_for(id);
    EXPECT_INT(JOB_STOPPED, info.state);
    EXPECT_STRING("it was stopped", info.text);
    EXPECT_INT(1, info.done_count);
    job_registry_destroy(&jobs);
    open_registry();
    job_registry_resume(jobs);
    info = wait_for(id);
    EXPECT_INT(JOB_STOPPED, info.state);
    end(0);
}

/* Killed after its end and before the history was on disk: it has ended. */
TEST(an_end_that_is_only_in_the_file_is_in_the_history)
{
    struct arena content_arena = ARENA_INIT;
    struct job_record_content content;
    struct job_record *record;
    struct job_info info;
    char *path;

    begin();
    leave("steps-1", "steps", BYTES_NONE, 5, BYTES_LITERAL("5"));
    path = xasprintf("%s/steps-1" JOB_RECORD_SUFFIX, directory);
    EXPECT_OK(job_record_open(path, &content_arena, &record, &content, &err), &err);
    job_record_end(record, BYTES_LITERAL("{\"id\":\"steps-1\",\"kind\":\"steps\",\"state\":"
                                         "\"failed\",\"done\":5,\"text\":\"why\"}"));
    job_record_close(&record);
    job_registry_resume(jobs);
    info = wait_for("steps-1");
    EXPECT_INT(JOB_FAILED, info.state);
    EXPECT_STRING("why", info.text);
    EXPECT_INT(5, info.done_count);
    free(path);
    arena_release(&content_arena);
    end(0);
}

/* A kind of a newer release waits for that release. */
TEST(a_job_of_an_unknown_kind_is_left_alone)
{
    struct job_info info;

    begin();
    leave("other-1", "other", BYTES_NONE, 3, BYTES_LITERAL("3"));
    job_registry_resume(jobs);
    EXPECT_STATUS(ST_NOT_FOUND, job_get(jobs, "other-1", &arena, &info, NULL));
    end(1);
}

/* ---- walks ---- */

static void
put_all(const struct bucket *bucket)
{
    static const char *const NAMES[] = {"a", "b", "c", "d", "e"};

    for (size_t i = 0; i < STEP_COUNT; i++) {
        EXPECT_OK(fixture_put(bucket, NAMES[i], BYTES_LITERAL("ten bytes."), &err), &err);
    }
}

/* It was killed while it worked on a and b. */
static void
leave_walk(const char *id, const char *kind, const struct walk_message *message,
           const struct bucket *source)
{
    struct walk_item items[2] = {{.name = BYTES_LITERAL("a"), .size = 10},
                                 {.name = BYTES_LITERAL("b"), .size = 10}};
    const struct walk_cursor cursor = {
        .position = {.last = BYTES_LITERAL("b")}, .items = items, .item_count = 2};
    struct buffer options = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;

    for (size_t i = 0; i < 2; i++) {
        const struct object_get_options get = {
            .key = items[i].name, .is_head = true, .mode = READ_MAY_WAIT};
        struct object_get_result result;

        EXPECT_OK(object_get(source, &get, &arena, &result, &err), &err);
        walk_item_set_etag(&items[i], result.record.etag);
    }
    walk_message_write(message, &options);
    walk_cursor_write(&cursor, &text);
    leave(id, kind, buffer_bytes(&options), 0, buffer_bytes(&text));
    buffer_release(&options);
    buffer_release(&text);
}

static void
expect_names(const struct bucket *bucket, const char *names)
{
    const struct object_list_options options = {.count_max = 100};
    struct object_list_result result;
    const char *found;

    EXPECT_OK(fixture_list(bucket, &options, &arena, &found, &result, &err), &err);
    EXPECT_STRING(names, found);
}

/* One of two was deleted before the kill: it is not there any more, and counts. */
TEST(a_killed_delete_counts_each_object_once)
{
    struct walk_message message = {.source = BYTES_LITERAL("photos")};
    struct bucket bucket;
    struct job_info info;

    begin();
    bucket = fixture_bucket(&fixture, "photos");
    put_all(&bucket);
    message.source_id = bucket.id;
    leave_walk("delete-listrange-1", "delete-listrange", &message, &bucket);
    EXPECT_OK(fixture_delete(&bucket, "a", &err), &err);
    job_registry_resume(jobs);
    info = wait_for("delete-listrange-1");
    EXPECT_STRING("photos: 5 objects, 50 bytes", info.text);
    EXPECT_INT(JOB_FINISHED, info.state);
    EXPECT_INT(STEP_COUNT, info.done_count);
    EXPECT_INT(50, info.byte_count);
    expect_names(&bucket, "");
    bucket_close(&bucket);
    end(0);
}

/* One of two was copied before the kill: it is not copied again. */
TEST(a_killed_copy_makes_each_copy_once)
{
    const struct object_get_options get = {
        .key = BYTES_LITERAL("a"), .is_head = true, .mode = READ_MAY_WAIT};
    struct walk_message message = {.source = BYTES_LITERAL("photos"),
                                   .destination = BYTES_LITERAL("copies")};
    struct object_get_result result;
    struct bucket source, copies;
    struct job_info info;

    begin();
    source = fixture_bucket(&fixture, "photos");
    copies = fixture_bucket(&fixture, "copies");
    put_all(&source);
    message.source_id = source.id;
    message.destination_id = copies.id;
    leave_walk("copy-bck-1", "copy-bck", &message, &source);
    EXPECT_OK(fixture_put(&copies, "a", BYTES_LITERAL("ten bytes."), &err), &err);
    job_registry_resume(jobs);
    info = wait_for("copy-bck-1");
    EXPECT_STRING("photos -> copies: 5 objects, 50 bytes", info.text);
    EXPECT_INT(JOB_FINISHED, info.state);
    EXPECT_INT(STEP_COUNT, info.done_count);
    expect_names(&copies, "a b c d e");
    EXPECT_OK(object_get(&copies, &get, &arena, &result, &err), &err);
    EXPECT_INT(0, result.record.overwrite_count);
    bucket_close(&source);
    bucket_close(&copies);
    end(0);
}

/* The bucket that the job began with is gone; another of its name is not touched. */
TEST(a_job_does_not_go_on_with_another_bucket_of_the_name)
{
    struct walk_message message = {.source = BYTES_LITERAL("photos")};
    struct bucket bucket;
    struct job_info info;

    begin();
    bucket = fixture_bucket(&fixture, "photos");
    put_all(&bucket);
    message.source_id = bucket.id + 1;
    leave_walk("delete-listrange-1", "delete-listrange", &message, &bucket);
    job_registry_resume(jobs);
    info = wait_for("delete-listrange-1");
    EXPECT_INT(JOB_FAILED, info.state);
    EXPECT(strstr(info.text, "was deleted, and another made") != NULL);
    expect_names(&bucket, "a b c d e");
    bucket_close(&bucket);
    end(0);
}

/* A list counts what is there, and each name once; one object is fast. */
TEST(names_that_are_not_there_do_not_count)
{
    const struct bytes names[] = {BYTES_LITERAL("c"), BYTES_LITERAL("missing"), BYTES_LITERAL("a"),
                                  BYTES_LITERAL("c")};
    struct walk_options options = {.kind = &selection_delete,
                                   .source = BYTES_LITERAL("photos"),
                                   .names = names,
                                   .name_count = 4};
    struct bucket bucket;
    struct job_info info;
    char id[JOB_ID_SIZE];

    begin();
    bucket = fixture_bucket(&fixture, "photos");
    put_all(&bucket);
    EXPECT_OK(walk_start(jobs, fixture.store, &options, id, &err), &err);
    info = wait_for(id);
    EXPECT_STRING("photos: 2 objects, 20 bytes", info.text);
    EXPECT_INT(2, info.total_count);
    expect_names(&bucket, "b d e");
    options.template = BYTES_LITERAL("{a");
    EXPECT_STATUS(ST_INVALID, walk_start(jobs, fixture.store, &options, id, NULL));
    options.template = BYTES_NONE;
    options.source = BYTES_LITERAL("nowhere");
    EXPECT_STATUS(ST_NO_SUCH_BUCKET, walk_start(jobs, fixture.store, &options, id, NULL));
    bucket_close(&bucket);
    end(0);
}
