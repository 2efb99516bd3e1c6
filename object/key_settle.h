/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner learns what counts for a key before it reads it or decides a condition: where what
 * stands here does not count alone, every former owner is asked, the greatest seq is brought here
 * and confirmed (rules 6.1 to 6.3).  What stands here afterwards is the truth as long as the claim
 * holds.
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
/* Rule 7: has a former owner a note that this upload was completed?  In arena.  ST_NO_SUCH_UPLOAD:
 * nobody has. */
MUST_USE ON_WORKER enum status key_settle_note(const struct key_claim *claim,
                                               const struct bucket *bucket, struct bytes key,
                                               struct upload_id id, struct arena *arena,
                                               struct upload_record *ret_upload, struct error *err);

#endif
