/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a view in step with the values under a prefix of etcd: reads all of them once, then follows
 * one watch on a thread of its own, through lost connections, compactions and changes of members.
 * Opened by the driver; closed when no call of the driver is in progress.
 */
#ifndef CONTROL_ETCD_FOLLOWER_H
#define CONTROL_ETCD_FOLLOWER_H

#include "control/control_view.h"
#include "control/etcd_client.h"

struct etcd_follower;

/* prefix ends with '/' (borrowed, as are client and view).  The view holds all values when it
 * returns.  ST_UNAVAILABLE: not within timeout_ms; ST_DENIED. */
MUST_USE enum status etcd_follower_open(struct etcd_client *client, struct control_view *view,
                                        struct bytes prefix, int64_t timeout_ms,
                                        struct etcd_follower **ret_follower, struct error *err);
void etcd_follower_close(struct etcd_follower **take_follower);

/* Wait until the view has told of revision; a watch that is silent meanwhile is replaced. */
bool etcd_follower_wait(struct etcd_follower *follower, uint64_t revision, int64_t deadline_ns);

#endif
