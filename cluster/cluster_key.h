/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that peers sign with: control values "cluster/key/<number>".  The active one of the
 * greatest number signs, all that are there are accepted: a rotation adds one, makes it active when
 * every live node knows it, and the leader deletes older ones after the grace.  Read from memory,
 * any thread.
 */
#ifndef CLUSTER_CLUSTER_KEY_H
#define CLUSTER_CLUSTER_KEY_H

#include "cluster/cluster.h"

#define CLUSTER_KEY_PREFIX "cluster/key/"
#define CLUSTER_KEY_BYTES 32
/* A node that cannot reach etcd goes on signing with the old key for this long after a rotation
 * (s); it answers 503 by itself then, see CLUSTER_CONFIRMATION_S. */
#define CLUSTER_KEY_GRACE_S INT64_C(900)

struct cluster_key {
    uint64_t number;
    int64_t created_s;
    bool is_active;
    unsigned char secret[CLUSTER_KEY_BYTES]; /* memory_wipe when done */
};

/* What signs first, then others that are accepted, the newest first.  Returns their number. */
size_t cluster_key_list(struct control *control, struct cluster_key *ret_keys, size_t max);
/* A new key that signs from now on, known to every live node (see cluster_settle).  What an
 * interrupted rotation left is finished. */
MUST_USE ON_WORKER enum status cluster_key_rotate(struct control *control, uint64_t *ret_number,
                                                  struct error *err);
/* The leader's task: keys whose grace has ended go. */
ON_WORKER void cluster_key_expire(struct control *control, const struct control_guard *guard,
                                  int64_t now_s);
/* A random key as a document. */
void cluster_key_generate(uint64_t number, bool is_active, struct buffer *out);

#endif
