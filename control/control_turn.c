/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control_turn.h"

#include "base/lock.h"

#include "base/banned.h"

void
control_turn_init(struct control_turn *turn)
{
    CHECK(pthread_mutex_init(&turn->lock, NULL) == 0);
    CHECK(pthread_cond_init(&turn->is_free, NULL) == 0);
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

void
control_turn_give(struct control_turn *turn)
{
    WITH_LOCK (&turn->lock) {
        turn->is_taken = false;
        CHECK(pthread_cond_signal(&turn->is_free) == 0);
    }
}
