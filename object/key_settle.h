/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner learns what counts for a key before it reads it or decides a condition: where what
 * stands here does not count alone, every former owner is asked, the greatest seq is brought here
 * and confirmed (rules 6.1 to 6.3).  What stands here afterwards is the truth as long as the claim
 * holds.  A read does not wait until a large object has come: it learns where that stands (6.2R).
 */
#ifndef OBJECT_KEY_SETTLE_H
#define OBJECT_KEY_SETTLE_H

#include "meta/upload_record.h"
#include "object/key_claim.h"

/* Nothing at once where the claim need not ask.  The caller has not entered the store.
 * ST_UNAVAILABLE: a former owner does not answer.  ST_MOVED: begin anew. */
MUST_USE ON_WORKER enum status key_settle(const struct key_claim *claim,
                                          const struct bucket *bucket, struct bytes key,
                                          struct error *err);
/* Larger records (bytes) are not brought here by a read, what is asked of them is relayed: so many
 * come within some milliseconds and lie in a pack, which is cheaper than to ask for each read. */
#define KEY_SETTLE_READ_BYTES_MAX ((uint64_t)256 << 10)

/* What counts for a key stands at a former owner, and is large. */
struct key_far {
    struct cluster_map *map;         /* a reference; NULL: what counts stands here */
    const struct cluster_node *node; /* of the map: who has it */
    struct object_record record;     /* its layout is that node's */
};
/* The same for a read; ret_far is in arena, and is the caller's to release. */
MUST_USE ON_WORKER enum status key_settle_read(const struct key_claim *claim,
                                               const struct bucket *bucket, struct bytes key,
                                               struct arena *arena, struct key_far *ret_far,
                                               struct error *err);
void key_far_release(struct key_far *far);
/* Rule 7: has a former owner a note that this upload was completed?  In arena.  ST_NO_SUCH_UPLOAD:
 * nobody has. */
MUST_USE ON_WORKER enum status key_settle_note(const struct key_claim *claim,
                                               const struct bucket *bucket, struct bytes key,
                                               struct upload_id id, struct arena *arena,
                                               struct upload_record *ret_upload, struct error *err);

#endif
