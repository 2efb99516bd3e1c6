/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target that is killed between the steps of a rebalance (what it sends, what it receives, what
 * it learns of a key, what it drops, the uploads that it hands over), at each of them in turn, as
 * source or as destination, while the others live: after its restart the rebalance ends, every
 * acknowledged write is there once, and what was deleted stays deleted.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "tests/unit/kill_rounds.h"
#include "tests/unit/peer/target_cluster.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BUCKET "photos"
#define KEY_COUNT 36
#define UPLOAD_COUNT 6
/* Uploads that are under way at the source. */
#define OPEN_COUNT 3
#define ALL 7U
#define SOURCE 0
#define DESTINATION 2

static const size_t SIZES[] = {0, 100, 3000, 200000, 300000, 700000};

struct victim {
    const char *point;
    uint64_t nth;
    size_t target;
    bool leaves; /* the source owns no keys any more, so its uploads leave it too */
};

static const struct victim VICTIMS[] = {
    {"rebalance_before_send", 1, SOURCE, false},
    {"rebalance_before_send", 2, SOURCE, false},
    {"rebalance_before_mark", 1, SOURCE, false},
    {"rebalance_after_mark", 1, SOURCE, false},

    {"rebalance_before_note_gone", 1, SOURCE, false},
    {"commit_before_write", 1, SOURCE, false},
    {"commit_after_write", 1, SOURCE, false},
    {"commit_before_write", 3, SOURCE, false},
    {"commit_after_write", 3, SOURCE, false},
    {"drop_before_commit", 1, SOURCE, false},
    {"drop_after_commit", 1, SOURCE, false},
    {"drop_before_commit", 2, DESTINATION, false},
    {"drop_after_commit", 2, DESTINATION, false},
    {"settle_before_confirm", 1, DESTINATION, false},
    {"settle_after_confirm", 1, DESTINATION, false},
    {"settle_before_confirm", 3, DESTINATION, false},
    {"settle_after_confirm", 3, DESTINATION, false},
    {"receive_before_commit", 1, DESTINATION, false},
    {"receive_after_commit", 1, DESTINATION, false},
    {"receive_before_commit", 6, DESTINATION, false},
    {"receive_after_commit", 6, DESTINATION, false},
    {"receive_before_commit", 9, DESTINATION, false},
    {"receive_after_commit", 9, DESTINATION, false},
    {"receive_before_note", 1, DESTINATION, false},
    {"commit_before_write", 4, DESTINATION, false},
    {"commit_after_write", 4, DESTINATION, false},
    {"commit_before_write", 9, DESTINATION, false},
    {"commit_after_write", 9, DESTINATION, false},
    {"commit_before_write", 12, DESTINATION, false},
    {"commit_after_write", 12, DESTINATION, false},
    {"drop_before_commit", 1, DESTINATION, false},
    {"drop_after_commit", 1, DESTINATION, false},
    {"upload_before_leaving", 1, SOURCE, true},
    {"upload_after_leaving", 1, SOURCE, true},
    {"upload_before_moved", 1, SOURCE, true},
    {"upload_after_moved", 1, SOURCE, true},
    {"upload_before_moved", 2, SOURCE, true},
    {"upload_before_part", 1, DESTINATION, true},
    {"upload_before_open", 1, DESTINATION, true},
    {"upload_after_open", 1, DESTINATION, true},
    {"rebalance_before_mark", 1, SOURCE, true},
    {"receive_after_commit", 5, DESTINATION, true},
};

/* ---- the cluster ---- */

struct round {
    struct target_cluster cluster;
    /* what is known of each key */
    bool may_be[KEY_COUNT][3]; /* absent, content 1, content 2 */
    size_t sizes[KEY_COUNT];
    struct upload_id uploads[UPLOAD_COUNT];
    size_t upload_targets[UPLOAD_COUNT];
    struct target_reply open[OPEN_COUNT]; /* id and etag */
    char open_keys[OPEN_COUNT][64];
};

static void
key_of(size_t number, char out[64])
{
    snprintf(out, 64, "key-%03zu", number);
}

/* Another target could not be asked.  True: one was killed, and is there again. */
static bool
revive_dead(struct round *round)
{
    size_t before = round->cluster.kill_count;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = TARGET_IS_DONE, .shape = round->cluster.shape};
        struct target_reply reply;

        (void)target_cluster_ask(&round->cluster, i, &command, &reply);
    }
    return round->cluster.kill_count > before;
}

/* ---- keys ---- */

static size_t
owner_of(const struct round *round, size_t number)
{
    char key[64];

    key_of(number, key);
    return map_shape_owner(&round->cluster.shape, BUCKET, key);
}

/* Content 0 deletes.  A refusal before anything was done is repeated: all are there. */
static void
write_key(struct round *round, size_t number, unsigned int content)
{
    struct target_command command = {.verb = content == 0 ? TARGET_DELETE : TARGET_PUT,
                                     .number = number * 10 + content,
                                     .size = round->sizes[number]};
    struct target_reply reply;

    key_of(number, command.text);
    round->may_be[number][content] = true;
    if (!target_cluster_ask(&round->cluster, owner_of(round, number), &command, &reply) ||
        (reply.status == ST_UNAVAILABLE && revive_dead(round))) {
        return;
    }
    if (reply.status != ST_OK) {
        test_failed(__FILE__, __LINE__, "a write failed: %s: %s", status_name(reply.status),
                    reply.text);
    }
    memset(round->may_be[number], 0, sizeof(round->may_be[number]));
    round->may_be[number][content] = true;
}

/* What is read is one of what may be; from now on it is that. */
static void
read_key(struct round *round, size_t number)
{
    struct target_command command = {
        .verb = TARGET_GET, .number = number * 10 + 1, .size = round->sizes[number]};
    struct target_reply reply;
    size_t content = 0;

    key_of(number, command.text);
    do {
        while (!target_cluster_ask(&round->cluster, owner_of(round, number), &command, &reply)) {
            continue;
        }
    } while (reply.status == ST_UNAVAILABLE && revive_dead(round));
    if (reply.status == ST_OK) {
        EXPECT(reply.number != 0);
        content = reply.number - number * 10;
    } else if (reply.status != ST_NO_SUCH_KEY) {
        test_failed(__FILE__, __LINE__, "%s cannot be read: %s: %s", command.text,
                    status_name(reply.status), reply.text);
    }
    if (!round->may_be[number][content]) {
        test_failed(__FILE__, __LINE__, "%s is content %zu", command.text, content);
    }
    memset(round->may_be[number], 0, sizeof(round->may_be[number]));
    round->may_be[number][content] = true;
}

/* Each key exactly once, from each target's view. */
static void
expect_listings(struct round *round)
{
    uint64_t count = 0;
    uint64_t hash = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        char key[64];

        key_of(i, key);
        if (!round->may_be[i][0]) {
            count++;
            hash = hash_stable(bytes_of_string(key), hash);
        }
    }
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = TARGET_LIST};
        struct target_reply reply;

        while (!target_cluster_ask(&round->cluster, i, &command, &reply)) {
            continue;
        }
        EXPECT_STATUS(ST_OK, reply.status);
        EXPECT_INT(count, reply.number);
        EXPECT(hash == reply.names_hash);
    }
}

static void
read_all(struct round *round)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        read_key(round, i);
    }
}

/* ---- a round ---- */

static void
begin(struct round *round, const char *directory)
{
    target_cluster_start(&round->cluster, directory, 3);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        round->sizes[i] = SIZES[i % ARRAY_COUNT(SIZES)];
        if (i < UPLOAD_COUNT) {
            struct target_command command = {
                .verb = TARGET_UPLOAD, .number = i * 10 + 1, .size = round->sizes[i] = 3000 + i};
            struct target_reply reply;

            key_of(i, command.text);
            round->upload_targets[i] = owner_of(round, i);
            CHECK(target_cluster_ask(&round->cluster, round->upload_targets[i], &command, &reply));
            EXPECT_STATUS(ST_OK, reply.status);
            round->uploads[i] = reply.id;
            round->may_be[i][1] = true;
        } else {
            write_key(round, i, 1);
        }
    }
}

/* Keys of the source that the destination owns afterwards. */
static void
begin_uploads(struct round *round, const struct map_shape *next)
{
    size_t count = 0;

    for (unsigned int number = 1; count < OPEN_COUNT; number++) {
        struct target_command command = {.verb = TARGET_BEGIN, .number = number, .size = 5000};

        snprintf(command.text, sizeof(command.text), "open-%u", number);
        if (map_shape_owner(&round->cluster.shape, BUCKET, command.text) != SOURCE ||
            map_shape_owner(next, BUCKET, command.text) != DESTINATION) {
            continue;
        }
        CHECK(target_cluster_ask(&round->cluster, SOURCE, &command, &round->open[count]));
        EXPECT_STATUS(ST_OK, round->open[count].status);
        round->open[count].number = number;
        memcpy(round->open_keys[count++], command.text, sizeof(command.text));
    }
}

/* They are where they belong, whole, and become objects; those are deleted. */
static void
complete_uploads(struct round *round, bool leaves)
{
    for (size_t i = 0; i < OPEN_COUNT; i++) {
        struct target_command command = {.verb = TARGET_COMPLETE,
                                         .id = round->open[i].id,
                                         .number = round->open[i].number,
                                         .size = 5000};
        struct target_reply reply;

        memcpy(command.text, round->open_keys[i], sizeof(command.text));
        memcpy(command.etag, round->open[i].etag, sizeof(command.etag));
        CHECK(target_cluster_ask(&round->cluster, leaves ? DESTINATION : SOURCE, &command, &reply));
        if (reply.status != ST_OK) {
            test_failed(__FILE__, __LINE__, "%s is not completed: %s: %s", command.text,
                        status_name(reply.status), reply.text);
        }
        command.verb = TARGET_GET;
        CHECK(target_cluster_ask(&round->cluster, DESTINATION, &command, &reply));
        EXPECT_STATUS(ST_OK, reply.status);
        EXPECT_INT(command.number, reply.number);
        command.verb = TARGET_DELETE;
        CHECK(target_cluster_ask(&round->cluster, DESTINATION, &command, &reply));
        EXPECT_STATUS(ST_OK, reply.status);
    }
}

/* Every third key is overwritten, every sixth deleted, every fourth read, before and while keys
 * move. */
static void
change_keys(struct round *round, size_t first)
{
    for (size_t i = first; i < KEY_COUNT; i += 2) {
        if (i % 3 == 0) {
            write_key(round, i, i % 6 < 3 && i >= UPLOAD_COUNT ? 2 : 0);
        } else if (i % 4 < 2) {
            read_key(round, i);
        }
    }
}

/* A Complete that was answered long ago is answered again, and makes nothing. */
static void
complete_again(struct round *round)
{
    for (size_t i = 0; i < UPLOAD_COUNT; i++) {
        struct target_command command = {.verb = TARGET_COMPLETE, .id = round->uploads[i]};
        struct target_reply reply;

        key_of(i, command.text);
        while (!target_cluster_ask(&round->cluster, round->upload_targets[i], &command, &reply)) {
            continue;
        }
        if (reply.status != ST_OK) {
            test_failed(__FILE__, __LINE__, "%s is not completed again: %s: %s", command.text,
                        status_name(reply.status), reply.text);
        }
    }
}

static void
expect_end(struct round *round)
{
    uint64_t records = 0;
    uint64_t expected = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        expected += !round->may_be[i][0];
    }
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_reply reply;

        CHECK(target_cluster_ask(&round->cluster, i, &(struct target_command){.verb = TARGET_COUNT},
                                 &reply));
        records += reply.number;
        EXPECT_INT(0, reply.mark_count);
        CHECK(target_cluster_ask(&round->cluster, i, &(struct target_command){.verb = TARGET_CHECK},
                                 &reply));
        EXPECT_INT(0, reply.number);
    }
    EXPECT_INT(expected, records);
}

static void
round_of(size_t number, const char *directory)
{
    const struct victim *victim = &VICTIMS[number];
    struct round *round = xcalloc(1, sizeof(*round));
    struct target_command arm = {.verb = TARGET_ARM, .number = victim->nth};
    struct map_shape next;
    struct target_reply reply;

    begin(round, directory);
    next = round->cluster.shape;
    map_shape_place(&next, victim->leaves ? ALL - (1U << SOURCE) : ALL);
    begin_uploads(round, &next);
    target_cluster_place(&round->cluster, next.placed);
    snprintf(arm.text, sizeof(arm.text), "%s", victim->point);
    CHECK(target_cluster_ask(&round->cluster, victim->target, &arm, &reply));
    change_keys(round, 0);
    round->cluster.is_moving = true;
    target_cluster_command_all(&round->cluster, TARGET_REBALANCE);
    change_keys(round, 1);
    target_cluster_wait_for_stage(&round->cluster);
    read_all(round);
    expect_listings(round);
    target_cluster_end_placement(&round->cluster);
    complete_again(round);
    complete_uploads(round, victim->leaves);
    read_all(round);
    expect_listings(round);
    expect_end(round);
    target_cluster_quit(&round->cluster);
    printf("# %s %d at target-%zu: %s\n", victim->point, (int)victim->nth, victim->target + 1,
           round->cluster.kill_count > 0 ? "killed" : "not met");
    fflush(stdout);
    EXPECT_INT(1, round->cluster.kill_count);
    free(round);
}

/* Each round starts three stores: without LODE_TEST_LONG=1 only one point of so many. */
#define SHORT_STRIDE 22

/* SPEC: docs/cluster-protocol.md, rules 5, 6 and 7; "resumed after a kill at any step". */
TEST(kill_at_any_step_of_a_rebalance_loses_doubles_and_raises_nothing)
{
    kill_rounds_run(ARRAY_COUNT(VICTIMS), SHORT_STRIDE, round_of);
}
