/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redirect_outcomes.h"

#include <string.h>

#include "tests/unit/test.h"

#include "base/banned.h"

#define FORGET_MS 1000

static struct redirect_outcomes *outcomes;
static struct arena arena;
static struct bytes answer;

static void
start(void)
{
    arena = ARENA_INIT;
    outcomes = redirect_outcomes_create(FORGET_MS);
}

static void
stop(void)
{
    redirect_outcomes_destroy(&outcomes);
    EXPECT(outcomes == NULL);
    redirect_outcomes_destroy(&outcomes);
    arena_release(&arena);
}

static struct redirect_write
write_of(unsigned char session, uint64_t count, uint64_t digest)
{
    struct redirect_write write = {.count = count, .digest = digest};

    memset(write.session, session, sizeof(write.session));
    return write;
}

static enum redirect_entry
enter(struct redirect_write write)
{
    answer = BYTES_NONE;
    return redirect_outcomes_enter(outcomes, &write, &arena, &answer);
}

static void
leave(struct redirect_write write, struct bytes text, int64_t now_ms)
{
    redirect_outcomes_leave(outcomes, &write, text, now_ms);
}

TEST(writes_of_other_sessions_and_numbers_are_others)
{
    start();
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, 1, 7)));
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, 2, 7)));
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(2, 1, 7)));
    EXPECT_INT(REDIRECT_ENTRY_OPEN, enter(write_of(1, 1, 7)));
    EXPECT_INT(3, redirect_outcomes_count(outcomes));
    stop();
}

TEST(an_answer_is_told_to_the_same_request_only)
{
    start();
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, 1, 7)));
    EXPECT_INT(REDIRECT_ENTRY_OTHER, enter(write_of(1, 1, 8)));
    leave(write_of(1, 1, 7), BYTES_LITERAL("answer"), 0);
    EXPECT_INT(REDIRECT_ENTRY_DONE, enter(write_of(1, 1, 7)));
    EXPECT_BYTES(BYTES_LITERAL("answer"), answer);
    EXPECT_INT(REDIRECT_ENTRY_OTHER, enter(write_of(1, 1, 8)));
    EXPECT(answer.data == NULL);
    stop();
}

TEST(what_was_given_back_comes_again_or_is_unknown)
{
    struct redirect_write write = write_of(1, 1, 7);

    start();
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write));
    redirect_outcomes_give_back(outcomes, &write, false, 0);
    EXPECT_INT(0, redirect_outcomes_count(outcomes));
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write));
    redirect_outcomes_give_back(outcomes, &write, true, 0);
    EXPECT_INT(REDIRECT_ENTRY_AGAIN, enter(write));
    EXPECT_INT(REDIRECT_ENTRY_OPEN, enter(write));
    stop();
}

TEST(an_answer_that_is_too_long_is_told_to_nobody)
{
    static const char LONG[REDIRECT_OUTCOME_BYTES_MAX + 1];

    start();
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, 1, 7)));
    leave(write_of(1, 1, 7), bytes_of(LONG, sizeof(LONG)), 0);
    EXPECT_INT(REDIRECT_ENTRY_OTHER, enter(write_of(1, 1, 7)));
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, 2, 7)));
    leave(write_of(1, 2, 7), bytes_of(LONG, sizeof(LONG) - 1), 0);
    EXPECT_INT(REDIRECT_ENTRY_DONE, enter(write_of(1, 2, 7)));
    EXPECT(answer.size == REDIRECT_OUTCOME_BYTES_MAX);
    stop();
}

TEST(the_oldest_answers_are_forgotten_and_what_is_open_is_not)
{
    start();
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(9, 9, 7)));
    for (uint64_t i = 0; i <= REDIRECT_OUTCOMES_MAX; i++) {
        EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, i, 7)));
        leave(write_of(1, i, 7), BYTES_LITERAL("answer"), 0);
    }
    EXPECT_INT(REDIRECT_OUTCOMES_MAX + 1, redirect_outcomes_count(outcomes));
    EXPECT_INT(REDIRECT_ENTRY_FIRST, enter(write_of(1, 0, 7)));
    EXPECT_INT(REDIRECT_ENTRY_DONE, enter(write_of(1, 1, 7)));
    leave(write_of(1, 0, 7), BYTES_LITERAL("answer"), FORGET_MS + 1);
    EXPECT_INT(2, redirect_outcomes_count(outcomes));
    EXPECT_INT(REDIRECT_ENTRY_OPEN, enter(write_of(9, 9, 7)));
    stop();
}
