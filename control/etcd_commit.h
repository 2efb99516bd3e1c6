/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits as etcd transactions that take effect exactly once, although answers get lost: each
 * writes, beside its changes, the token of this process (one key, no other's), and compares the
 * token's revision.  A repeated transaction whose first copy arrived fails on that comparison and
 * finds its own number in the token.  Opened and closed by the driver.
 */
#ifndef CONTROL_ETCD_COMMIT_H
#define CONTROL_ETCD_COMMIT_H

#include "control/etcd_client.h"

/* Threads that wait for commits at a time; each may hold a worker for as long as etcd is away. */
#define ETCD_COMMIT_WAITING_MAX 16

struct etcd_committer;

/* prefix and token_key are borrowed. */
struct etcd_committer *etcd_committer_create(struct etcd_client *client, struct bytes prefix,
                                             struct bytes token_key);
/* Also removes the token, where asked to. */
void etcd_committer_destroy(struct etcd_committer **take_committer, bool must_remove_token);

/* As control_commit; does not wait for the watch.  ST_BUSY above ETCD_COMMIT_WAITING_MAX.
 * ret_revision is also written when something differed (0: it was not there): the revision that
 * this node has to see before trying again can end otherwise. */
MUST_USE enum status etcd_committer_run(struct etcd_committer *committer,
                                        const struct control_change *changes, size_t count,
                                        const struct control_guard *guard, int64_t deadline_ns,
                                        uint64_t *ret_revision, struct error *err);

#endif
