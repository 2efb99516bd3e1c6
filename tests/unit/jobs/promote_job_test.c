/* SPDX-License-Identifier: Apache-2.0 */
/* Directories become objects by a job, also by one that was killed.  SPEC: AIStore promote. */
#include "jobs/promote_job.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define FILE_COUNT 20
#define CHILD_S_MAX 120
static const size_t SIZES[] = {0, 100, 5000, 300000};

static void
make_file(const char *directory, const char *name, struct bytes data)
{
    char *path = xasprintf("%s/in/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, data.data, data.size) == (ssize_t)data.size && close(fd) == 0);
    free(path);
}

static void
name_of(int number, char out[32])
{
    snprintf(out, 32, "%s%02d", number % 3 == 0 ? "sub/f" : "f", number);
}

static void
make_files(const char *directory)
{
    struct buffer data = BUFFER_INIT;
    char *path = xasprintf("%s/in/sub", directory);
    char name[32];

    path[strlen(path) - 4] = '\0';
    CHECK(mkdir(path, 0700) == 0);
    path[strlen(path)] = '/';
    CHECK(mkdir(path, 0700) == 0);
    for (int i = 0; i < FILE_COUNT; i++) {
        name_of(i, name);
        fixture_fill(&data, SIZES[(size_t)i % ARRAY_COUNT(SIZES)], (uint64_t)i);
        make_file(directory, name, buffer_bytes(&data));
    }
    free(path);
    buffer_release(&data);
}

static void
expect_objects(const struct bucket *bucket)
{
    struct buffer expected = BUFFER_INIT;
    struct buffer got = BUFFER_INIT;
    struct error err = ERROR_INIT;
    char name[32];
    char key[40];

    for (int i = 0; i < FILE_COUNT; i++) {
        name_of(i, name);
        snprintf(key, sizeof(key), "to/%s", name);
        fixture_fill(&expected, SIZES[(size_t)i % ARRAY_COUNT(SIZES)], (uint64_t)i);
        EXPECT_OK(fixture_get(bucket, key, &got, &err), &err);
        EXPECT(bytes_equal(buffer_bytes(&expected), buffer_bytes(&got)));
    }
    buffer_release(&expected);
    buffer_release(&got);
}

static void
start(struct job_registry *registry, const char *directory, bool removes_source,
      char id[JOB_ID_SIZE])
{
    char *path = xasprintf("%s/in", directory);
    const struct promote_message message = {.bucket = BYTES_LITERAL("abc"),
                                            .path = bytes_of_string(path),
                                            .name = BYTES_LITERAL("to/"),
                                            .is_recursive = true,
                                            .removes_source = removes_source};
    struct buffer options = BUFFER_INIT;
    struct error err = ERROR_INIT;

    promote_message_write(&message, &options);
    EXPECT_OK(job_start(registry, &promote_job, options.data, options.size, id, &err), &err);
    buffer_release(&options);
    free(path);
}

static struct job_registry *
open_jobs(struct object_fixture *fixture, const char *directory)
{
    char *path = xasprintf("%s/jobs", directory);
    struct job_registry *registry;
    struct error err = ERROR_INIT;

    EXPECT_OK(job_registry_create(fixture->store, path, &registry, &err), &err);
    free(path);
    return registry;
}

static void
begin(struct object_fixture *fixture, const char *directory)
{
    struct bucket bucket;

    make_files(directory);
    fixture_open(fixture, directory, 2);
    bucket = fixture_bucket(fixture, "abc");
    bucket_close(&bucket);
    fixture_stop(fixture);
    fixture->promote_from = directory;
}

/* A file that cannot be promoted does not keep the others from it; the job says which. */
TEST(one_bad_file_does_not_stop_the_others)
{
    struct object_fixture fixture;
    struct job_registry *registry;
    struct arena arena = ARENA_INIT;
    struct job_info info;
    struct bucket bucket;
    struct error err = ERROR_INIT;
    char id[JOB_ID_SIZE];

    begin(&fixture, test_directory());
    make_file(test_directory(), "bad\xff", BYTES_LITERAL("x")); /* no name of an object */
    fixture_start(&fixture);
    registry = open_jobs(&fixture, test_directory());
    start(registry, test_directory(), false, id);
    EXPECT_OK(job_wait(registry, id, &err), &err);
    EXPECT_OK(job_get(registry, id, &arena, &info, &err), &err);
    EXPECT(info.state == JOB_FAILED);
    EXPECT(strstr(info.text, "1 files were not promoted") != NULL);
    EXPECT_INT(FILE_COUNT, info.done_count);
    bucket = fixture_bucket_open(&fixture, "abc");
    expect_objects(&bucket);
    bucket_close(&bucket);
    job_registry_destroy(&registry);
    arena_release(&arena);
    fixture_expect_clean(&fixture);
    fixture_close(&fixture);
}

#ifdef LODE_FAULTS
struct victim {
    const char *point;
    uint64_t nth;
    bool removes_source;
};

static const struct victim VICTIMS[] = {
    {"promote_read", 1, false},          {"commit_before_write", 1, false},
    {"commit_after_write", 5, false},    {"commit_after_write", 17, false},
    {"promote_before_removal", 1, true}, {"promote_before_removal", 12, true},
};

static void
child_work(struct object_fixture *fixture, const struct victim *victim, const char *directory)
{
    struct job_registry *registry;
    struct error err = ERROR_INIT;
    char id[JOB_ID_SIZE];

    fixture_start(fixture);
    registry = open_jobs(fixture, directory);
    fault_arm(victim->point, victim->nth, 1, FAULT_ACTION_KILL);
    start(registry, directory, victim->removes_source, id);
    EXPECT_OK(job_wait(registry, id, &err), &err);
}

static void
expect_files(const char *directory, bool are_there)
{
    char name[32];

    for (int i = 0; i < FILE_COUNT; i++) {
        char *path;

        name_of(i, name);
        path = xasprintf("%s/in/%s", directory, name);
        EXPECT((access(path, F_OK) == 0) == are_there);
        free(path);
    }
}

static void
round_of(const struct victim *victim, const char *directory)
{
    struct object_fixture fixture;
    struct job_registry *registry;
    struct arena arena = ARENA_INIT;
    struct job_info *infos;
    struct job_info info;
    struct bucket bucket;
    struct error err = ERROR_INIT;
    size_t count;
    int status = 0;
    pid_t child;

    begin(&fixture, directory);
    (void)fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)alarm(CHILD_S_MAX);
        child_work(&fixture, victim, directory);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("# %s %d: %s\n", victim->point, (int)victim->nth,
           WIFSIGNALED(status) ? "killed" : "not met");
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fixture_start(&fixture);
    registry = open_jobs(&fixture, directory);
    job_registry_resume(registry);
    job_list(registry, &arena, &infos, &count);
    EXPECT_INT(1, count);
    EXPECT_OK(job_wait(registry, infos[0].id, &err), &err);
    EXPECT_OK(job_get(registry, infos[0].id, &arena, &info, &err), &err);
    EXPECT(info.state == JOB_FINISHED);
    EXPECT_INT(FILE_COUNT, info.done_count);
    bucket = fixture_bucket_open(&fixture, "abc");
    expect_objects(&bucket);
    expect_files(directory, !victim->removes_source);
    bucket_close(&bucket);
    job_registry_destroy(&registry);
    arena_release(&arena);
    fixture_close(&fixture);
}
#endif

/* Killed at any step, the job goes on: each file becomes an object and is counted once; where files
 * are removed, all of them go. */
TEST(a_killed_promotion_goes_on)
{
#ifdef LODE_FAULTS
#ifdef __SANITIZE_THREAD__
    test_skip("ThreadSanitizer starts no threads after a fork");
#endif

    for (size_t i = 0; i < ARRAY_COUNT(VICTIMS); i++) {
        char *directory = xasprintf("%s/%zu", test_directory(), i);

        EXPECT_INT(0, mkdir(directory, 0700));
        round_of(&VICTIMS[i], directory);
        free(directory);
    }
#else
    test_skip("fault points are not compiled in");
#endif
}
