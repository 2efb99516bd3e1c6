/* SPDX-License-Identifier: Apache-2.0 */
/* What a target reports of a rebalance.  SPEC: capability P3, P14. */
#include "jobs/rebalance_report.h"

#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define T1 BYTES_LITERAL("target-1")
#define T2 BYTES_LITERAL("target-2")
#define T3 BYTES_LITERAL("target-3")

static struct bytes before_ids[3];

/* A placement whose former targets were the first former_count of the three. */
static struct cluster_map *
make_map(size_t former_count, enum node_state second, enum node_state third)
{
    struct cluster_node nodes[] = {{.id = T1, .is_target = true, .state = NODE_ACTIVE},
                                   {.id = T2, .is_target = true, .state = second},
                                   {.id = T3, .is_target = true, .state = third}};
    struct cluster_placement former = {
        .version = 1, .target_count = former_count, .targets = before_ids};
    struct cluster_map content = {.version = 5,
                                  .placement_version = 5,
                                  .finished_version = 1,
                                  .cluster_id = BYTES_LITERAL("cluster-1"),
                                  .stage = STAGE_MOVE,
                                  .node_count = 3,
                                  .nodes = nodes,
                                  .former_count = 1,
                                  .formers = &former};

    before_ids[0] = T1;
    before_ids[1] = T2;
    before_ids[2] = T3;
    return cluster_map_create(&content);
}

static void
expect_why(const char *expected, size_t former_count, enum node_state second, enum node_state third)
{
    struct cluster_map *map = make_map(former_count, second, third);
    char why[REBALANCE_WHY_SIZE];

    rebalance_report_why(map, why);
    EXPECT_STRING(expected, why);
    cluster_map_unref(map);
}

TEST(the_reason_is_the_difference_of_two_placements)
{
    expect_why("target-3 joined or returned", 2, NODE_ACTIVE, NODE_ACTIVE);
    expect_why("target-3 is in maintenance", 3, NODE_ACTIVE, NODE_MAINTENANCE);
    expect_why("target-3 joined or returned, target-2 is decommissioned", 2, NODE_DECOMMISSION,
               NODE_ACTIVE);
    expect_why("asked for by hand", 3, NODE_ACTIVE, NODE_ACTIVE);
}

/* After a restart the run goes on: its numbers are those of both processes. */
TEST(what_was_before_a_restart_is_added)
{
    const struct rebalance_progress progress = {.placement = 5,
                                                .sent_count = 3,
                                                .sent_bytes = 30,
                                                .received_count = 2,
                                                .received_bytes = 20,
                                                .scanned_count = 10,
                                                .stage_ns = {CLOCK_NS_PER_S},
                                                .text = "node target-2 is down"};
    struct rebalance_report first = {.placement = 5, .stage = STAGE_MOVE, .why = "a \"reason\""};
    struct rebalance_report sum;
    struct rebalance_report again;
    struct buffer json = BUFFER_INIT;

    rebalance_report_sum(&first, &progress, &sum);
    sum.wall_ns[STAGE_MOVE] = 4 * CLOCK_NS_PER_S;
    rebalance_report_format(&sum, &json);
    rebalance_report_parse(buffer_bytes(&json), &again);
    EXPECT_STRING("a \"reason\"", again.why);
    EXPECT_STRING("node target-2 is down", again.waits_for);
    EXPECT_INT(5, again.placement);
    EXPECT_INT(STAGE_MOVE, again.stage);

    rebalance_report_sum(&again, &progress, &sum);
    EXPECT_INT(6, sum.sent_count);
    EXPECT_INT(60, sum.sent_bytes);
    EXPECT_INT(4, sum.received_count);
    EXPECT_INT(40, sum.received_bytes);
    EXPECT_INT(20, sum.scanned_count);
    EXPECT_INT(2 * CLOCK_NS_PER_S, sum.work_ns[STAGE_MOVE]);
    EXPECT_INT(4 * CLOCK_NS_PER_S, sum.wall_ns[STAGE_MOVE]);
    buffer_release(&json);
}

/* A history that somebody wrote by hand is zeros, never a crash. */
TEST(a_report_that_cannot_be_read_is_empty)
{
    static const char *const TEXTS[] = {"", "{", "[]", "{\"stages\":7,\"why\":[],\"objects\":-1}",
                                        "{\"stages\":[{\"stage\":\"moon\",\"seconds\":1.0}]}"};

    for (size_t i = 0; i < ARRAY_COUNT(TEXTS); i++) {
        struct rebalance_report report;

        rebalance_report_parse(bytes_of_string(TEXTS[i]), &report);
        EXPECT_INT(0, report.sent_count);
        EXPECT_STRING("", report.why);
        for (size_t stage = 0; stage < STAGE_DONE; stage++) {
            EXPECT_INT(0, report.wall_ns[stage]);
        }
    }
}
