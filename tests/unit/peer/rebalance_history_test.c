/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a target's history says of rebalances: how they ended, what took their place, and what is
 * known of one that the end of the process cut off.  SPEC: capability P3, P14.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "jobs/job_cluster.h"
#include "jobs/rebalance_job.h"
#include "jobs/rebalance_report.h"
#include "object/ownership.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PATIENCE_S 60

static struct s3_fixture *ask = &placement_cluster.ask;

static struct job_registry *registries[3];
static struct rebalance_jobs *histories[3];

static struct test_node *
target(size_t index)
{
    return cluster_fixture_target(&placement_cluster, index);
}

static void
open_history(size_t index)
{
    struct test_node *node = target(index);
    char *directory = xasprintf("%s/%s-jobs", test_directory(), node->id);
    struct error err = ERROR_INIT;

    EXPECT_OK(job_registry_create(node->store, directory, &registries[index], &err), &err);
    node->peer_server.jobs = registries[index];
    histories[index] = rebalance_jobs_create(registries[index], node->store);
    EXPECT(histories[index] != NULL);
    free(directory);
}

/* As the program ends: the thread first. */
static void
close_history(size_t index)
{
    rebalance_stop(object_store_rebalance(target(index)->store));
    target(index)->peer_server.jobs = NULL;
    job_registry_destroy(&registries[index]);
    rebalance_jobs_destroy(&histories[index]);
}

static void
begin(void)
{
    placement_start();
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        char path[64];

        snprintf(path, sizeof(path), "/photos/key-%02d", i);
        s3_ask(ask, 200, "PUT", path, NULL, path);
    }
    for (size_t i = 0; i < 3; i++) {
        open_history(i);
    }
}

static void
end(void)
{
    for (size_t i = 0; i < 3; i++) {
        close_history(i);
    }
    placement_finish();
}

static void
start_rebalance(size_t index)
{
    rebalance_start(object_store_rebalance(target(index)->store));
    rebalance_notice(object_store_rebalance(target(index)->store));
}

static void
wait_for_stage(const struct shape *shape)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    struct cluster_map *map = placement_map(shape);

    for (size_t i = 0; i < 3; i++) {
        bool is_done = false;

        while (!is_done) {
            struct error err = ERROR_INIT;

            EXPECT_OK(ownership_target_ops.holds_barrier(object_store_ownership(target(i)->store),
                                                         map, &is_done, &err),
                      &err);
            EXPECT(clock_monotonic_ns() < end_ns);
            sched_yield();
        }
    }
    cluster_map_unref(map);
}

/* Until the target's history says so, and says more: a run is there a moment before its report. */
static void
wait_for_state(size_t index, const char *id, enum job_state state,
               struct rebalance_report *ret_report, char ret_text[JOB_TEXT_SIZE])
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;

    for (;;) {
        struct arena arena = ARENA_INIT;
        struct job_info info = {.state = JOB_FAILED};

        if (job_get(registries[index], id, &arena, &info, NULL) == ST_OK && info.state == state &&
            info.report.size > 0) {
            rebalance_report_parse(info.report, ret_report);
            memcpy(ret_text, info.text, JOB_TEXT_SIZE);
            arena_release(&arena);
            return;
        }
        arena_release(&arena);
        EXPECT(clock_monotonic_ns() < end_ns);
        sched_yield();
    }
}

static void
finish_placement(uint64_t placement, uint64_t version)
{
    for (enum placement_stage stage = STAGE_SETTLE; stage <= STAGE_DONE; stage++) {
        struct shape shape = {.version = version + (uint64_t)stage,
                              .placement = placement,
                              .finished = placement,
                              .stage = stage,
                              .has_third = true};

        placement_activate_all(&shape);
        if (stage == STAGE_DROP_MARKS || stage == STAGE_DROP_TOMBSTONES) {
            wait_for_stage(&shape);
        }
    }
}

TEST(finished_run_keeps_its_stages_and_numbers_over_a_restart)
{
    struct rebalance_report report;
    uint64_t sent_count = 0;
    char text[JOB_TEXT_SIZE];

    begin();
    placement_stop_all(&PLACEMENT_THREE);
    placement_activate_all(&PLACEMENT_THREE);
    for (size_t i = 0; i < 3; i++) {
        start_rebalance(i);
    }
    wait_for_stage(&PLACEMENT_THREE);
    finish_placement(3, 3);
    for (size_t i = 0; i < 3; i++) {
        wait_for_state(i, "rebalance-3", JOB_FINISHED, &report, text);
        EXPECT_STRING("target-3 joined or returned", report.why);
        EXPECT_INT(STAGE_DONE, report.stage);
        EXPECT(report.wall_ns[STAGE_MOVE] > 0);
        EXPECT_INT(0, report.preempted_by);
        sent_count += report.sent_count;
    }
    EXPECT(sent_count > 0);
    EXPECT_INT(sent_count, report.received_count); /* of the third */
    EXPECT_INT(sent_count, placement_count_family(placement_third(), FAMILY_OBJECT));

    close_history(2);
    open_history(2);
    wait_for_state(2, "rebalance-3", JOB_FINISHED, &report, text);
    EXPECT_INT(sent_count, report.received_count);
    end();
}

/* A newer placement takes over: both are told apart, and the older one says by what. */
TEST(newer_placement_is_named_by_the_one_that_it_ends)
{
    struct shape newer = {.version = 4,
                          .placement = 4,
                          .finished = 2,
                          .has_third = true,
                          .formers_have_third = {false, true},
                          .former_count = 2};
    struct shape stuck = PLACEMENT_THREE;
    struct rebalance_report report;
    char text[JOB_TEXT_SIZE];

    begin();
    stuck.is_third_down = true; /* nothing can be sent */
    placement_activate_all(&stuck);
    for (size_t i = 0; i < 3; i++) {
        start_rebalance(i);
    }
    wait_for_state(0, "rebalance-3", JOB_RUNNING, &report, text);
    while (report.waits_for[0] == '\0') {
        wait_for_state(0, "rebalance-3", JOB_RUNNING, &report, text);
    }
    EXPECT(strstr(text, report.waits_for) != NULL);

    placement_activate_all(&newer);
    wait_for_state(0, "rebalance-3", JOB_STOPPED, &report, text);
    EXPECT_INT(4, report.preempted_by);
    EXPECT(strstr(text, "rebalance-4 took its place") != NULL);
    EXPECT_INT(0, report.sent_count);
    wait_for_stage(&newer);
    finish_placement(4, 4);
    wait_for_state(0, "rebalance-4", JOB_FINISHED, &report, text);
    EXPECT_STRING("asked for by hand", report.why);
    EXPECT(report.sent_count > 0);
    end();
}

static void
restart_target(size_t index)
{
    close_history(index);
    cluster_fixture_close_node(target(index));
    cluster_fixture_reopen_node(target(index));
    object_store_own_keys(target(index)->store);
    open_history(index);
}

/* The process ends in the middle, and begins again: the same run goes on and keeps its reason. */
TEST(run_that_was_cut_off_goes_on_under_its_name)
{
    struct shape shape = PLACEMENT_THREE;
    struct rebalance_report report;
    char text[JOB_TEXT_SIZE];

    begin();
    shape.is_third_down = true; /* nothing can be sent */
    placement_activate_all(&shape);
    start_rebalance(0);
    wait_for_state(0, "rebalance-3", JOB_RUNNING, &report, text);
    restart_target(0);
    wait_for_state(0, "rebalance-3", JOB_STOPPED, &report, text);
    EXPECT(strstr(text, "the process ended") != NULL);
    EXPECT_INT(0, report.preempted_by);

    shape.version = 4;
    shape.is_third_down = false;
    placement_activate_all(&shape);
    for (size_t i = 0; i < 3; i++) {
        start_rebalance(i);
    }
    wait_for_state(0, "rebalance-3", JOB_RUNNING, &report, text);
    EXPECT_STRING("target-3 joined or returned", report.why);
    wait_for_stage(&shape);
    finish_placement(3, 4);
    wait_for_state(0, "rebalance-3", JOB_FINISHED, &report, text);
    EXPECT(report.sent_count > 0);
    end();
}

/* What was cut off and did not go on is settled by the first map that is known afterwards. */
TEST(run_that_ended_while_its_node_was_away_is_settled)
{
    const struct shape ended = {
        .version = 9, .placement = 3, .finished = 3, .stage = STAGE_DONE, .has_third = true};
    const struct shape newer = {
        .version = 9, .placement = 8, .finished = 8, .stage = STAGE_DONE, .has_third = true};
    struct shape stuck = PLACEMENT_THREE;
    struct rebalance_report report;
    char text[JOB_TEXT_SIZE];

    for (int i = 0; i < 2; i++) {
        begin();
        stuck.is_third_down = true;
        placement_activate_all(&stuck);
        start_rebalance(0);
        wait_for_state(0, "rebalance-3", JOB_RUNNING, &report, text);
        restart_target(0);
        placement_activate_all(i == 0 ? &ended : &newer);
        start_rebalance(0);
        if (i == 0) {
            wait_for_state(0, "rebalance-3", JOB_FINISHED, &report, text);
            EXPECT_STRING("it ended while this node was away", text);
        } else {
            while (report.preempted_by == 0) {
                wait_for_state(0, "rebalance-3", JOB_STOPPED, &report, text);
            }
            EXPECT_INT(8, report.preempted_by);
        }
        end();
        for (size_t k = 0; k < 3; k++) {
            char *path = xasprintf("%s/target-%zu-jobs/history", test_directory(), k + 1);

            (void)remove(path); /* the next cluster has none */
            free(path);
        }
    }
}

/* Any node shows the jobs of all, and names those that do not answer. */
TEST(jobs_of_all_nodes_are_shown_by_one)
{
    const struct job_query query = {.kind = BYTES_LITERAL("rebalance"), .is_all = true};
    struct shape down = PLACEMENT_THREE;
    struct buffer out = BUFFER_INIT;
    struct error err = ERROR_INIT;

    begin();
    placement_activate_all(&PLACEMENT_THREE);
    start_rebalance(0);
    start_rebalance(1);
    wait_for_state(0, "rebalance-3", JOB_RUNNING, &(struct rebalance_report){.placement = 0},
                   (char[JOB_TEXT_SIZE]){0});
    wait_for_state(1, "rebalance-3", JOB_RUNNING, &(struct rebalance_report){.placement = 0},
                   (char[JOB_TEXT_SIZE]){0});
    EXPECT_OK(job_cluster_show(registries[0], target(0)->store, &query, &out, &err), &err);
    buffer_append_char(&out, '\0');
    EXPECT(strstr(out.data, "\"node\":\"target-1\"") != NULL);
    EXPECT(strstr(out.data, "\"node\":\"target-2\"") != NULL);
    EXPECT(strstr(out.data, "\"missing\":[{\"node\":\"gateway-1\"") != NULL); /* no jobs there */

    buffer_clear(&out);
    down.version = 4;
    down.is_third_down = true;
    placement_activate_all(&down);
    EXPECT_OK(job_cluster_show(registries[0], target(0)->store, &query, &out, &err), &err);
    buffer_append_char(&out, '\0');
    EXPECT(strstr(out.data, "{\"node\":\"target-3\",\"why\":\"it is down\"}") != NULL);
    EXPECT_STATUS(ST_NOT_FOUND, job_cluster_stop(registries[0], target(0)->store,
                                                 BYTES_LITERAL("fsck-00000000"), &err));
    EXPECT_STATUS(ST_INVALID, job_cluster_stop(registries[0], target(0)->store,
                                               BYTES_LITERAL("rebalance-3"), &err));
    EXPECT_STATUS(ST_INVALID, job_stop(registries[0], "rebalance-3", &err));
    buffer_release(&out);
    end();
}
