/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket for each client address, from which wrong signatures and unknown keys take.  Who
 * has used his up is told to slow down instead of what was wrong; a right signature passes at any
 * time and takes nothing, so a neighbour who guesses cannot lock anybody out.  The table has a
 * fixed size: an address that is new to a full set takes the place of the one that has most tokens.
 * Any thread; only failures come here.
 */
#ifndef AUTH_FAILURE_LIMIT_H
#define AUTH_FAILURE_LIMIT_H

#include "base/bytes.h"
#include "base/status.h"

/* Failures at once: a script with an old key, or a test suite of bad requests, finishes its run. */
#define FAILURE_BURST 256
/* Tokens that come back per second: more than a person needs, little for a guesser or the log. */
#define FAILURES_PER_S 32
/* Addresses remembered: 128 KiB.  Beyond, the least troublesome are forgotten. */
#define FAILURE_SET_COUNT 512
#define FAILURE_SET_SIZE 8

struct failure_limit;

struct failure_limit *failure_limit_create(void);
void failure_limit_destroy(struct failure_limit **take_limit);
/*
 * One failure from peer, "192.0.2.1:1234" or "[2001:db8::1]:1234"; of an IPv6 address the first 64
 * bits count, which is what one subscriber has.  ST_BUSY: too many.  ST_OK also if peer is no
 * address.
 */
MUST_USE enum status failure_limit_take(struct failure_limit *limit, struct bytes peer,
                                        struct error *err);

#endif
