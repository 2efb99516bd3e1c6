/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target that is killed between the steps by which it hands its open uploads over, or takes them,
 * at each of them in turn, while parts come and uploads end: after its restart the hand-over ends,
 * every acknowledged part is in what is completed, and nothing that ended is open again.  Then the
 * target that left returns, and its uploads with it.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/kill_rounds.h"
#include "tests/unit/peer/target_cluster.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BUCKET "photos"
#define UPLOAD_COUNT 8
#define ALL 7U
#define WITHOUT_THIRD 3U
#define SOURCE 2
#define DESTINATION 0
/* Above what stands in a pack, and above what is sent while requests are turned away. */
#define LARGE_BYTES ((size_t)17 << 20)
#define PART_BYTES 2000

struct victim {
    const char *point;
    uint64_t nth;
    size_t target;
};

static const struct victim VICTIMS[] = {
    {"upload_before_leaving", 1, SOURCE},    {"upload_after_leaving", 1, SOURCE},
    {"upload_before_moved", 1, SOURCE},      {"upload_after_moved", 1, SOURCE},
    {"upload_before_leaving", 3, SOURCE},    {"upload_after_leaving", 3, SOURCE},
    {"upload_before_moved", 3, SOURCE},      {"upload_after_moved", 3, SOURCE},
    {"upload_before_part", 1, DESTINATION},  {"upload_before_part", 3, DESTINATION},
    {"upload_before_open", 1, DESTINATION},  {"upload_after_open", 1, DESTINATION},
    {"upload_before_open", 2, DESTINATION},  {"upload_after_open", 2, DESTINATION},
    {"commit_before_write", 2, SOURCE},      {"commit_after_write", 2, SOURCE},
    {"commit_before_write", 5, SOURCE},      {"commit_after_write", 5, SOURCE},
    {"commit_before_write", 3, DESTINATION}, {"commit_after_write", 3, DESTINATION},
};

struct tracked {
    char key[64];
    struct upload_id id;
    uint64_t part_count; /* acknowledged */
    uint64_t doubtful_count;
    bool is_ended;
    bool may_be_ended;
};

struct round {
    struct target_cluster cluster;
    struct tracked uploads[UPLOAD_COUNT];
};

/* ---- uploads ---- */

/* Where the upload is, asked of any target, as a gateway asks. */
static size_t
find(struct round *round, const struct tracked *upload)
{
    int64_t end_ns = clock_monotonic_ns() + TARGET_CLUSTER_PATIENCE_S * CLOCK_NS_PER_S;
    struct target_command command = {.verb = TARGET_FIND, .id = upload->id, .number = SOURCE};
    struct target_reply reply;

    memcpy(command.text, upload->key, sizeof(command.text));
    for (;;) {
        if (target_cluster_ask(&round->cluster, 1, &command, &reply) && reply.status == ST_OK) {
            return (size_t)reply.number;
        }
        (void)target_cluster_count_done(&round->cluster);
        if (clock_monotonic_ns() > end_ns) {
            test_failed(__FILE__, __LINE__, "%s is not found: %s", upload->key, reply.text);
        }
    }
}

/* Runs where the upload is; again when it has moved meanwhile.  False: the outcome is unknown. */
static bool
run(struct round *round, const struct tracked *upload, struct target_command *command,
    struct target_reply *ret_reply)
{
    command->id = upload->id;
    memcpy(command->text, upload->key, sizeof(command->text));
    do {
        if (!target_cluster_ask(&round->cluster, find(round, upload), command, ret_reply)) {
            return false;
        }
    } while (ret_reply->status == ST_MOVED);
    return ret_reply->status != ST_UNAVAILABLE;
}

static void
put_part(struct round *round, struct tracked *upload, size_t size)
{
    struct target_command command = {.verb = TARGET_PART,
                                     .number = upload->part_count + 1,
                                     .part_number = (uint32_t)upload->part_count + 1,
                                     .size = size};
    struct target_reply reply;

    while (!run(round, upload, &command, &reply)) {
        continue; /* the same part again: it is there once */
    }
    if (reply.status != ST_OK) {
        test_failed(__FILE__, __LINE__, "a part of %s: %s: %s", upload->key,
                    status_name(reply.status), reply.text);
    }
    upload->part_count++;
}

static void
end_upload(struct round *round, struct tracked *upload, enum target_verb verb)
{
    struct target_command command = {.verb = verb};
    struct target_reply reply;
    bool is_known = run(round, upload, &command, &reply);

    while (!is_known) {
        is_known = run(round, upload, &command, &reply);
        if (is_known && reply.status == ST_NO_SUCH_UPLOAD) {
            break; /* the one whose answer was lost */
        }
    }
    if (reply.status != ST_OK && reply.status != ST_NO_SUCH_UPLOAD) {
        test_failed(__FILE__, __LINE__, "the end of %s: %s: %s", upload->key,
                    status_name(reply.status), reply.text);
    }
    if (reply.status == ST_OK && verb == TARGET_FINISH) {
        EXPECT_INT(upload->part_count, reply.number);
    }
    upload->is_ended = true;
}

static void
expect_listed(struct round *round)
{
    uint64_t hash = 0;
    uint64_t count = 0;

    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        count += !round->uploads[i].is_ended;
    }
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = TARGET_UPLOADS};
        struct target_reply reply;

        while (!target_cluster_ask(&round->cluster, i, &command, &reply) ||
               (reply.status == ST_UNAVAILABLE &&
                target_cluster_count_done(&round->cluster) == SIZE_MAX)) {
            continue;
        }
        EXPECT_STATUS(ST_OK, reply.status);
        EXPECT_INT(count, reply.number);
        EXPECT(i == 0 || hash == reply.names_hash);
        hash = reply.names_hash;
    }
}

/* ---- a round ---- */

static void
begin(struct round *round, const char *directory)
{
    size_t count = 0;

    target_cluster_start(&round->cluster, directory, ALL);
    for (size_t i = 0; count < UPLOAD_COUNT; i++) {
        struct target_command command = {.verb = TARGET_CREATE};
        struct target_reply reply;
        struct tracked *upload = &round->uploads[count];
        struct map_shape without = round->cluster.shape;

        snprintf(upload->key, sizeof(upload->key), "key-%03zu", i);
        without.placed = WITHOUT_THIRD;
        if (map_shape_owner(&round->cluster.shape, BUCKET, upload->key) != SOURCE ||
            map_shape_owner(&without, BUCKET, upload->key) != DESTINATION) {
            continue;
        }
        memcpy(command.text, upload->key, sizeof(command.text));
        CHECK(target_cluster_ask(&round->cluster, SOURCE, &command, &reply));
        EXPECT_STATUS(ST_OK, reply.status);
        upload->id = reply.id;
        put_part(round, upload, count == 0 ? LARGE_BYTES : PART_BYTES);
        put_part(round, upload, PART_BYTES);
        count++;
    }
}

static void
expect_end(struct round *round)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_reply reply;

        CHECK(target_cluster_ask(&round->cluster, i, &(struct target_command){.verb = TARGET_CHECK},
                                 &reply));
        EXPECT_INT(0, reply.number);
    }
    target_cluster_quit(&round->cluster);
}

static void
round_of(size_t number, const char *directory)
{
    const struct victim *victim = &VICTIMS[number];
    struct round *round = xcalloc(1, sizeof(*round));
    struct target_command arm = {.verb = TARGET_ARM, .number = victim->nth};
    struct tracked *uploads = round->uploads;
    struct target_reply reply;

    begin(round, directory);
    target_cluster_place(&round->cluster, WITHOUT_THIRD);
    snprintf(arm.text, sizeof(arm.text), "%s", victim->point);
    CHECK(target_cluster_ask(&round->cluster, victim->target, &arm, &reply));
    round->cluster.is_moving = true;
    target_cluster_command_all(&round->cluster, TARGET_REBALANCE);
    put_part(round, &uploads[0], PART_BYTES);
    end_upload(round, &uploads[1], TARGET_ABORT);
    end_upload(round, &uploads[2], TARGET_FINISH);
    for (size_t i = 3; i < UPLOAD_COUNT; i++) {
        put_part(round, &uploads[i], PART_BYTES);
    }
    target_cluster_wait_for_stage(&round->cluster);
    expect_listed(round);
    CHECK(target_cluster_ask(&round->cluster, SOURCE,
                             &(struct target_command){.verb = TARGET_COUNT}, &reply));
    target_cluster_wait_for_stage(&round->cluster);
    target_cluster_end_placement(&round->cluster);
    expect_listed(round);
    end_upload(round, &uploads[3], TARGET_FINISH);

    target_cluster_place(&round->cluster, ALL);
    put_part(round, &uploads[4], PART_BYTES);
    end_upload(round, &uploads[5], TARGET_ABORT);
    target_cluster_wait_for_stage(&round->cluster);
    target_cluster_end_placement(&round->cluster);
    expect_listed(round);
    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        if (!uploads[i].is_ended) {
            EXPECT_INT(SOURCE, find(round, &uploads[i]));
            end_upload(round, &uploads[i], TARGET_FINISH);
        }
    }
    expect_listed(round);
    expect_end(round);
    printf("# %s %d at target-%zu: %s\n", victim->point, (int)victim->nth, victim->target + 1,
           round->cluster.kill_count > 0 ? "killed" : "not met");
    fflush(stdout);
    EXPECT_INT(1, round->cluster.kill_count);
    free(round);
}

/* Each round starts three stores: without LODE_TEST_LONG=1 only one point of so many. */
#define SHORT_STRIDE 7

/* SPEC: docs/cluster-protocol.md, rule 7U. */
TEST(kill_at_any_step_of_a_hand_over_loses_and_doubles_no_upload)
{
    kill_rounds_run(ARRAY_COUNT(VICTIMS), SHORT_STRIDE, round_of);
}
