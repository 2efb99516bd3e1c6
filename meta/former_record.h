/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark that a holder keeps of a key while a placement is unfinished: FAMILY_FORMER, under the
 * key of the object (meta_key_object).  What the marks mean stands in object/placement_rules.h.
 * Pure functions, any thread.
 */
#ifndef META_FORMER_RECORD_H
#define META_FORMER_RECORD_H

#include "meta/object_record.h"

/* Bits; on disk, so numbers never change.  At least one is set. */
enum former_flag {
    FORMER_CONFIRMED = 1, /* what stands here counts alone since `generation` */
    FORMER_TOMBSTONE = 2, /* the key was deleted here under seq */
    FORMER_MOVED = 4      /* the record of seq went to `destination`; its bytes are freed here */
};
#define FORMER_FLAGS_ALL ((unsigned int)7)
/* A node id or the UUID of a mountpath in hex. */
#define FORMER_DESTINATION_BYTES_MAX 128

struct former_record {
    struct seq seq; /* filled in by the committer if it is put by commit_put_record */
    unsigned int flags;
    uint64_t generation;      /* under which it was written; greater than 0 */
    struct bytes destination; /* FORMER_MOVED, else empty */
    struct bytes unknown_tags;
};

void former_record_encode(const struct former_record *record, struct buffer *out);
/* Views point into value, unknown tags are in arena.  ST_CORRUPT, ST_NOT_IMPLEMENTED. */
MUST_USE enum status former_record_decode(struct bytes value, struct arena *arena,
                                          struct former_record *ret_record, struct error *err);

#endif
