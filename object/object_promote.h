/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of this machine becomes an object, as AIStore's PUT would make it: durable as its bucket
 * promises, with the bucket's checksum, taken while the bytes are read.  On any target: an object
 * that another one owns is written there.  For jobs and requests.
 */
#ifndef OBJECT_OBJECT_PROMOTE_H
#define OBJECT_OBJECT_PROMOTE_H

#include "object/bucket.h"
#include "object/promote_source.h"

enum promote_outcome {
    PROMOTE_WRITTEN, /* or the object had these bytes already */
    PROMOTE_KEPT     /* an object was there, and is not to be overwritten */
};

struct object_promote_options {
    struct bytes key;
    bool overwrites;
    bool removes_source; /* once the object is durable; not if PROMOTE_KEPT */
    /* A run before this one may have promoted it: an object with these very bytes counts as
     * written. */
    bool is_repeated;
    const atomic_bool *is_stopped; /* asked now and then: ST_CANCELLED; or NULL */
};

struct object_promote_result {
    enum promote_outcome outcome;
    uint64_t size;
};

/* source: a file, read from its beginning.  ST_CONFLICT: it was written meanwhile, and there is no
 * object of it, or the object is there and the file stays, as the error says; ST_DENIED: the file
 * cannot be removed; ST_IO; ST_NO_SPACE and what else object_put answers. */
MUST_USE ON_WORKER enum status object_promote(const struct bucket *bucket,
                                              const struct promote_source *source,
                                              const struct object_promote_options *options,
                                              struct object_promote_result *ret_result,
                                              struct error *err);

#endif
