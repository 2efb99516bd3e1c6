/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule 11: may a misplaced copy go?  A pure function of the copy and of what the key's owner holds,
 * both under the same map whose placement is finished.
 */
#ifndef OBJECT_CLEANUP_RULES_H
#define OBJECT_CLEANUP_RULES_H

#include "object/key_holding.h"

enum cleanup_verdict {
    CLEANUP_SAME,      /* the owner has a record of equal or greater seq and the same identity */
    CLEANUP_OUTDATED,  /* the owner has a newer record, or a tombstone of equal or greater seq */
    CLEANUP_UNKNOWN,   /* the owner knows nothing of the key: it never had it, or it was deleted */
    CLEANUP_AHEAD,     /* what the owner has is older */
    CLEANUP_DIFFERENT, /* the same seq and another content: one of both was restored or damaged */
    CLEANUP_VERDICT_COUNT
};

/* Size, ETag, version and the checksums that both have. */
bool cleanup_is_same(const struct object_record *a, const struct object_record *b);
/* copy has a record. */
enum cleanup_verdict cleanup_judge(const struct key_holding *copy, const struct key_holding *owner);
/* SAME and OUTDATED: it holds nothing that would be missed. */
bool cleanup_may_remove(enum cleanup_verdict verdict);
/* As the rest of a sentence about the copy. */
const char *cleanup_verdict_text(enum cleanup_verdict verdict);

#endif
