/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of a batch, each worked on by the node that owns it: shares travel to their owners as
 * the peer verb "job-work" and are worked on at the same time, a share on several threads.  Who
 * runs the job calls walk_split, who owns a share walk_serve.
 */
#ifndef JOBS_WALK_SPLIT_H
#define JOBS_WALK_SPLIT_H

#include "jobs/walk_message.h"

#define WALK_VERB "job-work"
/* A batch of the longest names and the message around it. */
#define WALK_BODY_MAX ((size_t)2 << 20)
/* Threads of one share: the committers of the homes take what all of them have ready in one sync,
 * so small objects need many. */
#define WALK_THREADS 48
/* Where each may wait for a worker of another node. */
#define WALK_THREADS_CLUSTERED 12
/* Of all shares of a node; a share gets what is left of them, and one at least. */
#define WALK_THREADS_ALL 128

enum walk_step {
    WALK_LOOK, /* is it there, and how large? */
    WALK_WORK
};

struct walk_batch {
    struct walk_share *share;
    const char *job_id;
    enum walk_step step;
    struct walk_item **items;
    size_t count;
    struct bytes *nodes; /* out, of each item: who did it; in arena */
    struct arena *arena;
};

/* The outcome stands in each item. */
ON_WORKER void walk_split(struct walk_batch *batch);

/* At the owner of a share: the outcomes, in order.  ST_INVALID, ST_NO_SUCH_BUCKET. */
MUST_USE ON_WORKER enum status walk_serve(struct object_store *store, struct bytes arguments,
                                          struct bytes body, struct buffer *out, struct error *err);
/* Shares of that job that this node works on end soon.  False: there is none. */
bool walk_stop_shares(const char *job_id);

/* The process is about to end: shares for other nodes end soon, and are theirs to ask for again. */
void walk_close_shares(void);

/* Both buckets of a message, for the program itself.  ST_NO_SUCH_BUCKET: gone, or others of those
 * names. */
MUST_USE ON_WORKER enum status walk_share_open(struct walk_share *share, struct object_store *store,
                                               const struct walk_kind *kind,
                                               const struct walk_message *message,
                                               struct error *err);
void walk_share_close(struct walk_share *share);

#endif
