/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One at a time, for work that may wait for a disk or another machine: a flag with a condition
 * variable, because no mutex is held across I/O or a callback.  Any thread but a loop.
 */
#ifndef CONTROL_CONTROL_TURN_H
#define CONTROL_CONTROL_TURN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct control_turn {
    pthread_mutex_t lock;
    pthread_cond_t is_free; /* monotonic clock */
    bool is_taken;          /* guarded by lock */
};

void control_turn_init(struct control_turn *turn);
void control_turn_release(struct control_turn *turn);
void control_turn_take(struct control_turn *turn);
/* False: it was not free before deadline_ns (monotonic). */
bool control_turn_take_until(struct control_turn *turn, int64_t deadline_ns);
void control_turn_give(struct control_turn *turn);

#endif
