/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of many keys, each made by the node that owns what it makes (rule 8): shares travel to
 * their owners at the same time.  For jobs, which run anywhere; a node alone makes them one by one.
 */
#ifndef OBJECT_OBJECT_COPY_SPLIT_H
#define OBJECT_OBJECT_COPY_SPLIT_H

#include "object/object_copy.h"

/* Of one call: an owner makes its share before it answers. */
#define OBJECT_COPY_KEYS_MAX ((size_t)64)
#define OBJECT_COPY_BODY_MAX ((size_t)1 << 20)

struct object_copy_entry {
    struct bytes source_key;
    struct bytes key;
    enum status status; /* out, like the rest */
    struct error error;
    char etag[64];
};

/* With checksum, custom metadata and attributes, as AIStore copies.  The outcome stands in each
 * entry. */
ON_WORKER void object_copy_split(const struct bucket *destination, const struct bucket *source,
                                 struct object_copy_entry *entries, size_t count);
/* At the owner of a share: the outcomes, in order. */
MUST_USE ON_WORKER enum status object_copy_serve(const struct bucket *destination,
                                                 struct bytes arguments, struct bytes body,
                                                 struct buffer *out, struct error *err);

#endif
