/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of this node one silent peer may hold up: a bounded number of waiting threads, and after
 * a timeout one try in each interval.  Kept by node id.  Any thread.
 */
#ifndef CLUSTER_PEER_PATIENCE_H
#define CLUSTER_PEER_PATIENCE_H

#include <stdint.h>

#include "base/bytes.h"

struct peer_patience;

struct peer_patience *peer_patience_create(size_t waiting_max, int64_t retry_interval_ms);
void peer_patience_destroy(struct peer_patience **take_patience);

/* May the peer be asked now?  ST_BUSY: too many wait for it (only if is_waiting); ST_UNAVAILABLE:
 * it timed out, and the next try is not due.  With ST_OK a leave must follow. */
MUST_USE enum status peer_patience_enter(struct peer_patience *patience, struct bytes node_id,
                                         bool is_waiting, struct error *err);
/* outcome: ST_TIMEOUT counts against the peer, ST_OK ends that, others say nothing. */
void peer_patience_leave(struct peer_patience *patience, struct bytes node_id, bool is_waiting,
                         enum status outcome);
/* Is it time for this line of the log about this peer?  The same again after interval_ms, or when
 * it has answered meanwhile. */
bool peer_patience_may_complain(struct peer_patience *patience, struct bytes node_id,
                                const char *sentence, int64_t interval_ms);

#endif
