/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object's bytes written again in chunks of another size, or in one piece, while readers and
 * writers go on.  Nothing that a client can ask for changes: neither version, ETag, checksums,
 * attributes and time, nor the parts that it was uploaded in.  For jobs, at the key's owner.
 *
 *   read and verify -> write, synced -> one commit: the record names the new bytes, the old ones go
 *
 * Who overwrites or deletes the object meanwhile wins.  A stop at any point leaves the old bytes or
 * the new ones named, and the others to the sweep.
 */
#ifndef OBJECT_OBJECT_RECHUNK_H
#define OBJECT_OBJECT_RECHUNK_H

#include "object/bucket.h"
#include "object/chunk_policy.h"

enum rechunk_outcome {
    RECHUNK_WRITTEN,  /* it has the chunks that were asked for now */
    RECHUNK_KEPT,     /* it had them already */
    RECHUNK_GONE,     /* there is no object of that key */
    RECHUNK_OVERTAKEN /* others wrote it again and again: it stays as they left it */
};

struct object_rechunk_options {
    struct bytes key;
    struct chunk_policy policy;    /* checked: chunk_policy_check */
    const atomic_bool *is_stopped; /* asked now and then: ST_CANCELLED; or NULL */
};

struct object_rechunk_result {
    enum rechunk_outcome outcome;
    uint64_t size; /* of the object, if there is one */
};

/* ST_MOVED: the key is
 * another node's; ST_NO_SPACE, ST_UNAVAILABLE, ST_CORRUPT (its bytes: nothing was changed). */
MUST_USE ON_WORKER enum status object_rechunk(const struct bucket *bucket,
                                              const struct object_rechunk_options *options,
                                              struct object_rechunk_result *ret_result,
                                              struct error *err);

#endif
