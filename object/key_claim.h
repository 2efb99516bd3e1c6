/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation's right to a key: the placement under which it was admitted.  It goes on only as
 * long as this target has owned the key without a break since then (docs/cluster-protocol.md, rule
 * 4): asked by the committer when it takes the operation, and after a read has read its record.
 *
 *   admit -> [settle: object/key_settle.h] -> commit with key_claim_check as its admit
 *                                          -> read, key_claim_check, answer
 */
#ifndef OBJECT_KEY_CLAIM_H
#define OBJECT_KEY_CLAIM_H

#include "object/bucket.h"
#include "object/ownership.h"
#include "stream/source.h"

struct key_claim {
    struct ownership *ownership; /* NULL: this node is alone, and all of it is true */
    uint64_t digest;
    struct ownership_view view; /* when it was admitted */
};

/* READ_MAY_WAIT: waits while the target has stopped for the key.  ST_MOVED: another node's.
 * ST_WOULD_WAIT, ST_BUSY, ST_UNAVAILABLE. */
MUST_USE enum status key_claim_admit(const struct bucket *bucket, struct bytes key,
                                     enum read_mode mode, struct key_claim *ret_claim,
                                     struct error *err);
/* arg: struct key_claim.  ST_MOVED: begin anew. */
MUST_USE enum status key_claim_check(const void *arg, struct error *err);
/* May what stands here be older than what a former owner has?  Then key_settle comes first. */
static inline bool
key_claim_must_ask(const struct key_claim *claim)
{
    return claim->view.owned_since != 0;
}

/* Inside decide, for a write of the owner: while keys move, what stands here from now on counts
 * alone, and a delete leaves a tombstone. */
void key_claim_mark(const struct key_claim *claim, struct commit *commit, uint64_t bucket_id,
                    struct bytes key, bool is_delete);
/* How a commit ended: a refusal counts only if the claim still holds after it, else ST_MOVED. */
MUST_USE enum status key_claim_judge(const struct key_claim *claim, enum status st,
                                     struct error *err);
/* commit_run with the claim, judged. */
MUST_USE ON_WORKER enum status key_claim_commit(const struct key_claim *claim,
                                                struct commit_options *options, struct seq *ret_seq,
                                                struct error *err);

/* placement_digest of the bucket's key. */
uint64_t key_claim_digest(struct bytes bucket_name, struct bytes key);

#endif
