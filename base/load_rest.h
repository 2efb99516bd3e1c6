/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How work in the background gives way to the load: between two pieces of it (objects, pages),
 * where it holds no lock and no pin.  By the worst grade:
 *
 *   low        rests as long as the piece took if clients came meanwhile, so they get half
 *   moderate   rests as long as the piece took
 *   high       one piece of the node at a time, and rests three times as long
 *   critical   waits until it is not critical any more
 *
 * Blocks; any thread that may wait.  load may be NULL: then it is always low.
 *
 *   begin -> the piece -> end (rests)
 */
#ifndef BASE_LOAD_REST_H
#define BASE_LOAD_REST_H

#include "base/load.h"

struct load_rest {
    struct load *load;
    int64_t began_ns;
    bool has_turn; /* the one piece at a time */
};

/* Has the work been told to end?  Then no more waiting.  NULL: it cannot be. */
typedef bool load_rest_stop_fn(void *arg);

/* Waits for a turn, or for the end of what is critical. */
void load_rest_begin(struct load_rest *rest, struct load *load, load_rest_stop_fn *is_stopped,
                     void *arg);
/* has_clients: some asked for something meanwhile.  is_over: the piece was nothing, or the work
 * ends: no rest. */
void load_rest_end(struct load_rest *rest, bool has_clients, bool is_over);
/* Both in one, for a loop that has no place of its own for the second: call it between pieces with
 * what the last one took. */
void load_rest_between(struct load *load, int64_t took_ns, load_rest_stop_fn *is_stopped,
                       void *arg);

#endif
