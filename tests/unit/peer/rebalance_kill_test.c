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
#include <sys/stat.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "tests/unit/peer/target_process.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BUCKET "photos"
#define KEY_COUNT 36
#define UPLOAD_COUNT 6
/* Uploads that are under way at the source. */
#define OPEN_COUNT 3
#define PATIENCE_S 90
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
    const char *directory;
    struct target_process targets[MAP_SHAPE_TARGETS];
    struct map_shape shape;
    bool is_moving; /* rebalances were started */
    size_t kill_count;
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

static void activate_all(struct round *round);

/* After a kill: the same data, another address, so another version of the map. */
static void
revive(struct round *round, size_t index)
{
    struct target_reply reply;

    round->kill_count++;
    target_process_start(&round->targets[index], round->directory, index, &round->shape);
    round->shape.version++;
    activate_all(round);
    if (round->is_moving) {
        CHECK(target_process_ask(&round->targets[index],
                                 &(struct target_command){.verb = TARGET_REBALANCE}, &reply));
    }
}

/* False: it was killed meanwhile, and is there again; the outcome is unknown. */
static bool
ask(struct round *round, size_t index, const struct target_command *command,
    struct target_reply *ret_reply)
{
    if (target_process_ask(&round->targets[index], command, ret_reply)) {
        return true;
    }
    revive(round, index);
    return false;
}

static void
command_all(struct round *round, enum target_verb verb)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = verb, .shape = round->shape};
        struct target_reply reply;

        if (ask(round, i, &command, &reply)) {
            EXPECT_STATUS(ST_OK, reply.status);
        }
    }
}

static void
activate_all(struct round *round)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        round->shape.peer_ports[i] = round->targets[i].peer_port;
        round->shape.public_ports[i] = round->targets[i].public_port;
    }
    command_all(round, TARGET_ACTIVATE);
}

/* All are asked each time: one that is dead is noticed by that. */
static void
wait_for_stage(struct round *round)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    size_t done_count = 0;

    while (done_count < MAP_SHAPE_TARGETS) {
        done_count = 0;
        for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
            struct target_command command = {.verb = TARGET_IS_DONE, .shape = round->shape};
            struct target_reply reply;

            done_count += ask(round, i, &command, &reply) && reply.is_done;
        }
        EXPECT(clock_monotonic_ns() < end_ns);
        sched_yield();
    }
}

/* Another target could not be asked.  True: one was killed, and is there again. */
static bool
revive_dead(struct round *round)
{
    size_t before = round->kill_count;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct target_command command = {.verb = TARGET_IS_DONE, .shape = round->shape};
        struct target_reply reply;

        (void)ask(round, i, &command, &reply);
    }
    return round->kill_count > before;
}

/* ---- keys ---- */

static size_t
owner_of(const struct round *round, size_t number)
{
    char key[64];

    key_of(number, key);
    return map_shape_owner(&round->shape, BUCKET, key);
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
    if (!ask(round, owner_of(round, number), &command, &reply) ||
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
        while (!ask(round, owner_of(round, number), &command, &reply)) {
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

        while (!ask(round, i, &command, &reply)) {
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
begin(struct round *round)
{
    round->shape = (struct map_shape){
        .version = 2, .placement = 2, .finished = 2, .stage = STAGE_DONE, .placed = 3};
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        target_process_start(&round->targets[i], round->directory, i, &round->shape);
    }
    activate_all(round);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        round->sizes[i] = SIZES[i % ARRAY_COUNT(SIZES)];
        if (i < UPLOAD_COUNT) {
            struct target_command command = {
                .verb = TARGET_UPLOAD, .number = i * 10 + 1, .size = round->sizes[i] = 3000 + i};
            struct target_reply reply;

            key_of(i, command.text);
            round->upload_targets[i] = owner_of(round, i);
            CHECK(ask(round, round->upload_targets[i], &command, &reply));
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
        if (map_shape_owner(&round->shape, BUCKET, command.text) != SOURCE ||
            map_shape_owner(next, BUCKET, command.text) != DESTINATION) {
            continue;
        }
        CHECK(ask(round, SOURCE, &command, &round->open[count]));
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
        CHECK(ask(round, leaves ? DESTINATION : SOURCE, &command, &reply));
        if (reply.status != ST_OK) {
            test_failed(__FILE__, __LINE__, "%s is not completed: %s: %s", command.text,
                        status_name(reply.status), reply.text);
        }
        command.verb = TARGET_GET;
        CHECK(ask(round, DESTINATION, &command, &reply));
        EXPECT_STATUS(ST_OK, reply.status);
        EXPECT_INT(command.number, reply.number);
        command.verb = TARGET_DELETE;
        CHECK(ask(round, DESTINATION, &command, &reply));
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
        while (!ask(round, round->upload_targets[i], &command, &reply)) {
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

        CHECK(ask(round, i, &(struct target_command){.verb = TARGET_COUNT}, &reply));
        records += reply.number;
        EXPECT_INT(0, reply.mark_count);
        CHECK(ask(round, i, &(struct target_command){.verb = TARGET_CHECK}, &reply));
        EXPECT_INT(0, reply.number);
    }
    EXPECT_INT(expected, records);
}

static void
round_of(const struct victim *victim, const char *directory)
{
    struct round *round = xcalloc(1, sizeof(*round));
    struct target_command arm = {.verb = TARGET_ARM, .number = victim->nth};
    struct map_shape next;
    struct target_reply reply;

    round->directory = directory;
    begin(round);
    next = round->shape;
    map_shape_place(&next, victim->leaves ? ALL - (1U << SOURCE) : ALL);
    begin_uploads(round, &next);
    round->shape = next;
    command_all(round, TARGET_STOP);
    activate_all(round);
    snprintf(arm.text, sizeof(arm.text), "%s", victim->point);
    CHECK(ask(round, victim->target, &arm, &reply));
    change_keys(round, 0);
    round->is_moving = true;
    command_all(round, TARGET_REBALANCE);
    change_keys(round, 1);
    wait_for_stage(round);
    read_all(round);
    expect_listings(round);
    while (round->shape.stage != STAGE_DONE) {
        map_shape_advance(&round->shape);
        activate_all(round);
        if (round->shape.stage == STAGE_DROP_MARKS || round->shape.stage == STAGE_DROP_TOMBSTONES) {
            wait_for_stage(round);
        }
    }
    complete_again(round);
    complete_uploads(round, victim->leaves);
    read_all(round);
    expect_listings(round);
    expect_end(round);
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        target_process_quit(&round->targets[i]);
    }
    printf("# %s %d at target-%zu: %s\n", victim->point, (int)victim->nth, victim->target + 1,
           round->kill_count > 0 ? "killed" : "not met");
    fflush(stdout);
    EXPECT_INT(1, round->kill_count);
    free(round);
}

/* Each round starts three stores: without LODE_TEST_LONG=1 only one point of so many. */
#define SHORT_STRIDE 22

/* SPEC: docs/cluster-protocol.md, rules 5, 6 and 7; "resumed after a kill at any step". */
TEST(kill_at_any_step_of_a_rebalance_loses_doubles_and_raises_nothing)
{
#ifdef LODE_FAULTS
    struct prng prng = test_prng();
    size_t stride = getenv("LODE_TEST_LONG") != NULL ? 1 : SHORT_STRIDE;

    for (size_t i = prng_below(&prng, stride); i < ARRAY_COUNT(VICTIMS); i += stride) {
        char *directory = xasprintf("%s/%zu", test_directory(), i);

        EXPECT_INT(0, mkdir(directory, 0700));
        round_of(&VICTIMS[i], directory);
        free(directory);
    }
#else
    test_skip("fault points are not compiled in");
#endif
}
