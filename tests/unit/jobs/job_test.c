/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "jobs/fsck_job.h"
#include "jobs/upload_cleanup_job.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static sem_t started;
static sem_t may_end;

static enum status
wait_run(struct job_run *run, struct error *err)
{
    const int *number = job_run_options(run);

    job_run_progress(run, 1, 2, "half way");
    EXPECT(sem_post(&started) == 0);
    EXPECT(sem_wait(&may_end) == 0);
    if (atomic_load(job_run_is_stopped(run))) {
        return fail(err, ST_CANCELLED, "stopped");
    }
    job_run_report(run, BYTES_LITERAL("{\"x\":1}"));
    return *number == 1 ? ST_OK : fail(err, ST_IO, "number %d is not wanted", *number);
}

static const struct job_kind WAIT_JOB = {.name = "wait", .run = wait_run};

struct registry {
    struct object_fixture fixture;
    struct job_registry *jobs;
    char *directory;
};

static void
begin(struct registry *registry)
{
    struct error err;

    EXPECT(sem_init(&started, 0, 0) == 0);
    EXPECT(sem_init(&may_end, 0, 0) == 0);
    fixture_open(&registry->fixture, test_directory(), 1);
    registry->directory = xasprintf("%s/jobs", test_directory());
    EXPECT_OK(
        job_registry_create(registry->fixture.store, registry->directory, &registry->jobs, &err),
        &err);
}

static void
end(struct registry *registry)
{
    job_registry_destroy(&registry->jobs);
    fixture_close(&registry->fixture);
    free(registry->directory);
}

static void
expect_state(struct registry *registry, const char *id, enum job_state state, const char *text)
{
    struct arena arena = ARENA_INIT;
    struct job_info info;
    struct error err;

    EXPECT_OK(job_get(registry->jobs, id, &arena, &info, &err), &err);
    EXPECT_INT(state, info.state);
    EXPECT_STRING(text, info.text);
    arena_release(&arena);
}

/* A job shows its progress while it runs and its report when it has ended; the history survives a
 * restart. */
TEST(a_job_runs_and_is_remembered)
{
    struct registry registry;
    struct arena arena = ARENA_INIT;
    struct job_info *infos;
    char id[JOB_ID_SIZE];
    char other[JOB_ID_SIZE];
    struct error err;
    int number = 1;
    size_t count;

    begin(&registry);
    EXPECT_OK(job_start(registry.jobs, &WAIT_JOB, &number, sizeof(number), id, &err), &err);
    EXPECT(sem_wait(&started) == 0);
    expect_state(&registry, id, JOB_RUNNING, "half way");
    EXPECT_STATUS(ST_BUSY,
                  job_start(registry.jobs, &WAIT_JOB, &number, sizeof(number), other, NULL));
    EXPECT(sem_post(&may_end) == 0);
    EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    expect_state(&registry, id, JOB_FINISHED, "half way");
    job_registry_destroy(&registry.jobs);

    EXPECT_OK(job_registry_create(registry.fixture.store, registry.directory, &registry.jobs, &err),
              &err);
    job_list(registry.jobs, &arena, &infos, &count);
    EXPECT_INT(1, count);
    EXPECT_STRING(id, infos[0].id);
    EXPECT_STRING("wait", infos[0].kind);
    EXPECT_INT(JOB_FINISHED, infos[0].state);
    EXPECT_BYTES(BYTES_LITERAL("{\"x\":1}"), infos[0].report);
    EXPECT_STATUS(ST_NOT_FOUND, job_wait(registry.jobs, "wait-00000000", NULL));
    EXPECT_STATUS(ST_NOT_FOUND, job_stop(registry.jobs, id, NULL));
    arena_release(&arena);
    end(&registry);
}

/* A failure and a stop are told apart. */
TEST(failed_and_stopped_jobs_say_so)
{
    struct registry registry;
    char id[JOB_ID_SIZE];
    struct error err;
    int number = 2;

    begin(&registry);
    EXPECT_OK(job_start(registry.jobs, &WAIT_JOB, &number, sizeof(number), id, &err), &err);
    EXPECT(sem_post(&may_end) == 0);
    EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    expect_state(&registry, id, JOB_FAILED, "number 2 is not wanted");

    EXPECT_OK(job_start(registry.jobs, &WAIT_JOB, &number, sizeof(number), id, &err), &err);
    EXPECT_OK(job_stop(registry.jobs, id, &err), &err);
    EXPECT(sem_post(&may_end) == 0);
    EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    expect_state(&registry, id, JOB_STOPPED, "stopped");
    end(&registry);
}

/* The check runs beside writers and finds nothing wrong with what they do. */
TEST(the_check_runs_as_a_job)
{
    struct registry registry;
    struct fsck_job_options options = {.verifies_bytes = true, .orphan_age_s = 3600};
    struct arena arena = ARENA_INIT;
    struct buffer data = BUFFER_INIT;
    struct job_info info;
    struct bucket bucket;
    char id[JOB_ID_SIZE];
    struct error err;

    begin(&registry);
    bucket = fixture_bucket(&registry.fixture, "abc");
    fixture_fill(&data, 700000, 1);
    EXPECT_OK(job_start(registry.jobs, &fsck_job, &options, sizeof(options), id, &err), &err);
    for (int i = 0; i < 20; i++) {
        EXPECT_OK(fixture_put(&bucket, "k", buffer_bytes(&data), &err), &err);
    }
    EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    EXPECT_OK(job_get(registry.jobs, id, &arena, &info, &err), &err);
    EXPECT_INT(JOB_FINISHED, info.state);
    EXPECT(bytes_find(info.report, 0, BYTES_LITERAL("\"findings\":{},\"first\":[]")) != SIZE_MAX);

    EXPECT_OK(job_start(registry.jobs, &fsck_job, &options, sizeof(options), id, &err), &err);
    EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    EXPECT_OK(job_get(registry.jobs, id, &arena, &info, &err), &err);
    EXPECT(bytes_find(info.report, 0, BYTES_LITERAL("{\"objects\":1,\"uploads\":0,")) == 0);
    EXPECT(bytes_find(info.report, 0, BYTES_LITERAL("\"verified_bytes\":700000")) != SIZE_MAX);
    EXPECT_OK(job_start(registry.jobs, &upload_cleanup_job, NULL, 0, id, &err), &err);
    EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    expect_state(&registry, id, JOB_FINISHED, "uploads removed");
    buffer_release(&data);
    arena_release(&arena);
    bucket_close(&bucket);
    end(&registry);
}

static const struct job_kind BEGUN_JOB = {.name = "rebalance"};
static atomic_int refresh_count;
static atomic_int close_count;

static void
count_refresh(void *arg)
{
    (void)arg;
    atomic_fetch_add(&refresh_count, 1);
}

static void
count_close(void *arg)
{
    struct error err = ERROR_INIT;

    atomic_fetch_add(&close_count, 1);
    (void)fail(&err, ST_CANCELLED, "closed");
    job_end(arg, "rebalance-7", ST_CANCELLED, &err);
}

/* What another thread does is shown like a job, also beyond the number of jobs that may run; begun
 * again under the same id after a restart it goes on where it was. */
TEST(work_of_others_is_shown_and_goes_on_after_a_restart)
{
    struct registry registry;
    struct arena arena = ARENA_INIT;
    struct job_info previous;
    struct job_info info;
    int64_t started_ns;
    struct error err;

    begin(&registry);
    job_registry_set_source(
        registry.jobs,
        &(struct job_source){.refresh = count_refresh, .close = count_close, .arg = registry.jobs});
    EXPECT(job_begin(registry.jobs, &BEGUN_JOB, "rebalance-7", &arena, &previous));
    EXPECT_STRING("", previous.id);
    job_update(registry.jobs, "rebalance-7", 3, 4, "three", BYTES_LITERAL("{\"y\":3}"));
    EXPECT_OK(job_get(registry.jobs, "rebalance-7", &arena, &info, &err), &err);
    EXPECT(atomic_load(&refresh_count) > 0);
    EXPECT_INT(JOB_RUNNING, info.state);
    EXPECT_INT(4, info.total_count);
    started_ns = info.started_ns;
    job_registry_destroy(&registry.jobs);
    EXPECT_INT(1, atomic_load(&close_count));

    EXPECT_OK(job_registry_create(registry.fixture.store, registry.directory, &registry.jobs, &err),
              &err);
    expect_state(&registry, "rebalance-7", JOB_STOPPED, "closed");
    EXPECT(job_begin(registry.jobs, &BEGUN_JOB, "rebalance-7", &arena, &previous));
    EXPECT_STRING("rebalance-7", previous.id);
    EXPECT_BYTES(BYTES_LITERAL("{\"y\":3}"), previous.report);
    EXPECT_OK(job_get(registry.jobs, "rebalance-7", &arena, &info, &err), &err);
    EXPECT_INT(started_ns, info.started_ns);
    job_end(registry.jobs, "rebalance-7", ST_OK, NULL);
    EXPECT_OK(job_get(registry.jobs, "rebalance-7", &arena, &info, &err), &err);
    EXPECT_INT(JOB_FINISHED, info.state);
    job_update(registry.jobs, "rebalance-7", 9, 9, "too late", BYTES_NONE);
    expect_state(&registry, "rebalance-7", JOB_FINISHED, "");
    info.state = JOB_STOPPED;
    snprintf(info.text, sizeof(info.text), "known better");
    job_amend(registry.jobs, &info);
    expect_state(&registry, "rebalance-7", JOB_STOPPED, "known better");
    arena_release(&arena);
    end(&registry);
}

/* A process that is killed leaves what ran in its history: the file is written while it runs. */
TEST(a_killed_process_leaves_its_jobs_as_stopped)
{
    struct registry registry;
    struct job_registry *second = NULL;
    struct arena arena = ARENA_INIT;
    struct job_info previous;
    struct job_info info = {.state = JOB_RUNNING};
    struct error err;

    begin(&registry);
    EXPECT(job_begin(registry.jobs, &BEGUN_JOB, "rebalance-8", &arena, &previous));
    job_update(registry.jobs, "rebalance-8", 1, 0, "half way", BYTES_LITERAL("{\"y\":4}"));
    job_checkpoint(registry.jobs);
    while (info.state != JOB_STOPPED) { /* until the keeper has written it */
        EXPECT_OK(job_registry_create(registry.fixture.store, registry.directory, &second, &err),
                  &err);
        if (job_get(second, "rebalance-8", &arena, &info, NULL) != ST_OK || info.report.size == 0) {
            info.state = JOB_RUNNING;
        }
        job_registry_destroy(&second); /* it had nothing to write */
    }
    EXPECT_STRING("its process ended meanwhile; until then: half way", info.text);
    job_end(registry.jobs, "rebalance-8", ST_OK, NULL);
    arena_release(&arena);
    end(&registry);
}

/* Hundreds of small jobs do not push a rebalance out of the history. */
TEST(a_rebalance_stays_in_the_history_longer_than_others)
{
    struct registry registry;
    struct arena arena = ARENA_INIT;
    struct job_info previous;
    struct error err;
    int number = 1;

    begin(&registry);
    EXPECT(job_begin(registry.jobs, &BEGUN_JOB, "rebalance-1", &arena, &previous));
    job_end(registry.jobs, "rebalance-1", ST_OK, NULL);
    for (size_t i = 0; i < JOB_HISTORY_MAX + 10; i++) {
        char id[JOB_ID_SIZE];

        EXPECT(sem_post(&may_end) == 0);
        EXPECT_OK(job_start(registry.jobs, &WAIT_JOB, &number, sizeof(number), id, &err), &err);
        EXPECT_OK(job_wait(registry.jobs, id, &err), &err);
    }
    expect_state(&registry, "rebalance-1", JOB_FINISHED, "");
    arena_release(&arena);
    end(&registry);
}
