/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control_turn.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

void
control_turn_init(struct control_turn *turn)
{
    pthread_condattr_t attributes;

    CHECK(pthread_mutex_init(&turn->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&turn->is_free, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    turn->is_taken = false;
}

void
control_turn_release(struct control_turn *turn)
{
    CHECK(!turn->is_taken);
    CHECK(pthread_mutex_destroy(&turn->lock) == 0);
    CHECK(pthread_cond_destroy(&turn->is_free) == 0);
}

void
control_turn_take(struct control_turn *turn)
{
    WITH_LOCK (&turn->lock) {
        while (turn->is_taken) {
            CHECK(pthread_cond_wait(&turn->is_free, &turn->lock) == 0);
        }
        turn->is_taken = true;
    }
}

bool
control_turn_take_until(struct control_turn *turn, int64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = deadline_ns / CLOCK_NS_PER_S,
                                .tv_nsec = deadline_ns % CLOCK_NS_PER_S};
    bool is_mine = false;

    WITH_LOCK (&turn->lock) {
        int result = 0;

        while (turn->is_taken && result == 0) {
            result = pthread_cond_timedwait(&turn->is_free, &turn->lock, &deadline);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        is_mine = !turn->is_taken;
        turn->is_taken = true;
    }
    return is_mine;
}

void
control_turn_give(struct control_turn *turn)
{
    WITH_LOCK (&turn->lock) {
        turn->is_taken = false;
        CHECK(pthread_cond_signal(&turn->is_free) == 0);
    }
}
