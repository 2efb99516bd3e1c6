/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No signed message is taken twice.  Each process that sends counts its messages; for each such
 * session the highest number and a window of those below it are kept, so the memory is bounded by
 * the number of nodes, whatever their rate.  A session that was silent for longer than any message
 * stays valid is forgotten.  Any thread.
 */
#ifndef CLUSTER_PEER_REPLAY_H
#define CLUSTER_PEER_REPLAY_H

#include <stdint.h>

#include "base/bytes.h"

/* Messages that may overtake one of the same sender on other connections. */
#define PEER_REPLAY_WINDOW ((uint64_t)65536)
/* Processes that sent something lately; 8 KiB each. */
#define PEER_REPLAY_SESSIONS_MAX ((size_t)1024)

struct peer_replay;

/* forget_ms: longer than a message stays valid, both clocks' skew included. */
struct peer_replay *peer_replay_create(int64_t forget_ms);
void peer_replay_destroy(struct peer_replay **take_replay);

/* Take note of message `count` of a session (16 bytes).  ST_DENIED: it came before; ST_BUSY: it is
 * too far behind, or too many sessions are alive: sign again. */
MUST_USE enum status peer_replay_take(struct peer_replay *replay, const unsigned char session[16],
                                      uint64_t count, int64_t now_ms, struct error *err);
size_t peer_replay_session_count(struct peer_replay *replay); /* for tests */

#endif
