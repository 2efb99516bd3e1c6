/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_replay.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static const unsigned char A[16] = "session a......";

static enum status
take(struct peer_replay *replay, uint64_t count)
{
    return peer_replay_take(replay, A, count, 1000, NULL);
}

TEST(messages_overtake_each_other_but_come_once)
{
    struct peer_replay *replay = peer_replay_create(1000);

    EXPECT_STATUS(ST_OK, take(replay, 5));
    EXPECT_STATUS(ST_OK, take(replay, 3));
    EXPECT_STATUS(ST_DENIED, take(replay, 3));
    EXPECT_STATUS(ST_DENIED, take(replay, 5));
    EXPECT_STATUS(ST_OK, take(replay, 4));
    EXPECT_STATUS(ST_INVALID, take(replay, 0));
    EXPECT_STATUS(ST_INVALID, take(replay, UINT64_MAX));
    peer_replay_destroy(&replay);
}

/* Compared with a plain set, over a walk that jumps both ways. */
TEST(the_window_agrees_with_a_set_of_all_numbers)
{
    static bool taken[400000];
    struct peer_replay *replay = peer_replay_create(1000);
    struct prng prng = test_prng();
    uint64_t highest = 1;

    memset(taken, 0, sizeof(taken));
    for (int i = 0; i < 200000 && highest < 390000; i++) {
        uint64_t count = highest > PEER_REPLAY_WINDOW + 100 && prng_below(&prng, 4) == 0
                             ? highest - prng_below(&prng, PEER_REPLAY_WINDOW + 100)
                             : highest + prng_below(&prng, 5);
        enum status st = take(replay, count);

        if (count + PEER_REPLAY_WINDOW <= highest) {
            EXPECT_STATUS(ST_BUSY, st);
        } else {
            EXPECT_STATUS(taken[count] ? ST_DENIED : ST_OK, st);
            taken[count] = true;
        }
        highest = count > highest ? count : highest;
    }
    EXPECT_STATUS(ST_OK, take(replay, highest + PEER_REPLAY_WINDOW * 3));
    EXPECT_STATUS(ST_OK, take(replay, highest + PEER_REPLAY_WINDOW * 3 - 1));
    peer_replay_destroy(&replay);
}

/* The memory is bounded, and silent senders make room. */
TEST(silent_sessions_are_forgotten_and_others_never)
{
    struct peer_replay *replay = peer_replay_create(1000);
    unsigned char id[16] = {0};

    for (size_t i = 0; i < PEER_REPLAY_SESSIONS_MAX; i++) {
        memcpy(id, &i, sizeof(i));
        EXPECT_STATUS(ST_OK, peer_replay_take(replay, id, 1, 0, NULL));
    }
    EXPECT_STATUS(ST_BUSY, peer_replay_take(replay, A, 1, 1000, NULL));
    EXPECT_STATUS(ST_OK, peer_replay_take(replay, id, 2, 1000, NULL));
    EXPECT_STATUS(ST_OK, peer_replay_take(replay, A, 1, 1001, NULL));
    EXPECT_INT(2, peer_replay_session_count(replay));
    EXPECT_STATUS(ST_DENIED, peer_replay_take(replay, id, 2, 1001, NULL));
    peer_replay_destroy(&replay);
}
