/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PUT, COPY, CompleteMultipartUpload and DELETE have in common inside decide: the current
 * record of the key, its release, the counters.  See store/commit.h on decide.
 */
#ifndef OBJECT_OBJECT_CURRENT_H
#define OBJECT_OBJECT_CURRENT_H

#include "meta/meta_key.h"
#include "store/commit.h"

/* *ret_record is NULL if there is none; else in the commit's arena. */
MUST_USE enum status object_current_get(struct commit *commit, struct commit_view *view,
                                        const struct meta_key *key,
                                        const struct object_record **ret_record, struct error *err);
/* Stop naming its bytes and its part table. */
MUST_USE enum status object_current_drop(struct commit *commit, struct commit_view *view,
                                         const struct object_record *record, struct error *err);
/* The bucket's counters when before (NULL: none) gives way to after (NULL: none). */
void object_current_count(struct commit *commit, uint64_t bucket_id,
                          const struct object_record *before, const struct object_record *after);

/* The commit failed in a way that may still have made it durable (the home is quarantined): its
 * bytes must not be removed. */
bool object_commit_is_doubtful(enum status status);

#endif
