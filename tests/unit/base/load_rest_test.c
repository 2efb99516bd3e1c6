/* SPDX-License-Identifier: Apache-2.0 */
/* Background work gives way: rests, one at a time, stands still; and it always hears of its end. */
#include "base/load_rest.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PIECE_NS (20 * CLOCK_NS_PER_MS)

static void
read_age(struct load_readings *readings, int64_t now_ns, void *arg)
{
    const uint64_t *age_ms = arg;

    (void)now_ns;
    load_note(readings, LOAD_QUEUE_AGE, *age_ms);
}

static struct load *
load_of_age(uint64_t *age_ms)
{
    struct load *load = load_create();

    load_add_source(load, read_age, age_ms);
    load_read(load, CLOCK_NS_PER_S);
    return load;
}

/* How long the rest behind a piece of PIECE_NS was. */
static int64_t
rest_after(struct load *load, bool has_clients, bool is_over)
{
    struct load_rest rest;
    int64_t before_ns;

    load_rest_begin(&rest, load, NULL, NULL);
    rest.began_ns -= PIECE_NS;
    before_ns = clock_monotonic_ns();
    load_rest_end(&rest, has_clients, is_over);
    return clock_monotonic_ns() - before_ns;
}

/* A loaded machine may take its time where nothing rests: one of many tries does not. */
static bool
goes_on(struct load *load, bool is_over)
{
    for (int i = 0; i < 50; i++) {
        if (rest_after(load, false, is_over) < PIECE_NS / 2) {
            return true;
        }
    }
    return false;
}

TEST(at_a_low_grade_only_clients_are_a_reason_to_rest)
{
    uint64_t age_ms = 0;
    struct load *load = load_of_age(&age_ms);

    EXPECT(goes_on(load, false));
    EXPECT(goes_on(NULL, false));
    EXPECT(rest_after(load, true, false) >= PIECE_NS);
    EXPECT(rest_after(NULL, true, false) >= PIECE_NS);
    load_destroy(&load);
}

TEST(at_a_moderate_grade_a_piece_is_followed_by_a_rest_as_long)
{
    uint64_t age_ms = 250;
    struct load *load = load_of_age(&age_ms);

    EXPECT(rest_after(load, false, false) >= PIECE_NS);
    EXPECT(goes_on(load, true)); /* it was the last one */
    load_destroy(&load);
}

TEST(at_a_high_grade_it_is_one_at_a_time_with_longer_rests)
{
    uint64_t age_ms = 1000;
    struct load *load = load_of_age(&age_ms);
    struct load_rest rest;

    EXPECT(rest_after(load, false, false) >= 3 * PIECE_NS);
    load_rest_begin(&rest, load, NULL, NULL);
    EXPECT(rest.has_turn);
    EXPECT(!load_take_turn(load));
    load_rest_end(&rest, false, true);
    EXPECT(load_take_turn(load));
    load_give_turn(load);
    load_destroy(&load);
}

static bool
count_down(void *arg)
{
    int *left = arg;

    return (*left)-- == 0;
}

TEST(at_a_critical_grade_it_waits_until_it_is_told_to_end)
{
    uint64_t age_ms = 5000;
    struct load *load = load_of_age(&age_ms);
    struct load_rest rest;
    int left = 2;

    load_rest_begin(&rest, load, count_down, &left);

    EXPECT_INT(-1, left);
    EXPECT(!rest.has_turn);
    load_rest_end(&rest, false, true);
    load_destroy(&load);
}

static void *
begin_and_end(void *arg)
{
    struct load_rest rest;

    load_rest_begin(&rest, arg, NULL, NULL);
    load_rest_end(&rest, false, true);
    return NULL;
}

TEST(what_stands_still_goes_on_when_nothing_is_critical_any_more)
{
    uint64_t age_ms = 5000;
    struct load *load = load_of_age(&age_ms);
    pthread_t thread;

    EXPECT_INT(0, pthread_create(&thread, NULL, begin_and_end, load));
    age_ms = 0;
    load_read(load, 2 * CLOCK_NS_PER_S);
    EXPECT_INT(LOAD_CRITICAL, load_gate(load));
    load_read(load, 5 * CLOCK_NS_PER_S);

    EXPECT_INT(LOAD_LOW, load_gate(load));
    EXPECT_INT(0, pthread_join(thread, NULL));
    load_destroy(&load);
}
