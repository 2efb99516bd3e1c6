/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's custom metadata of an object, changed in place: neither bytes nor version change.
 * In a record it is one field: name NUL value NUL name NUL value NUL ...
 */
#ifndef OBJECT_OBJECT_CUSTOM_H
#define OBJECT_OBJECT_CUSTOM_H

#include "object/bucket.h"

/* SPEC: AIStore: names and values together. */
#define OBJECT_CUSTOM_BYTES_MAX 2048

struct object_custom_options {
    struct bytes key;
    const struct metadata_entry *entries; /* an empty value is kept as such */
    size_t count;
    bool replaces; /* what is there goes; else names that are given are overwritten */
};

/* ST_NO_SUCH_KEY, ST_TOO_LARGE, ST_INVALID (an empty name, or a NUL), ST_MOVED: nothing was done.
 */
MUST_USE ON_WORKER enum status object_custom_set(const struct bucket *bucket,
                                                 const struct object_custom_options *options,
                                                 struct error *err);
/* Cut the next pair off the front; false: none is left. */
bool object_custom_next(struct bytes *custom, struct metadata_entry *ret_entry);

#endif
