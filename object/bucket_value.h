/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON document of a bucket, control value "bucket/<name>".  Members that this version does not
 * know stay in it when it is rewritten.  Pure functions, any thread.
 */
#ifndef OBJECT_BUCKET_VALUE_H
#define OBJECT_BUCKET_VALUE_H

#include "base/arena.h"
#include "object/bucket.h"

#define BUCKET_VALUE_PREFIX "bucket/"

enum bucket_state { BUCKET_ACTIVE, BUCKET_DELETING };

struct bucket_value {
    uint64_t id;
    int64_t created_ns;
    struct bytes name;
    struct bytes owner;
    enum bucket_state state;
    struct bucket_properties properties;
};

void bucket_properties_init(struct bucket_properties *properties);
/* ST_INVALID with a sentence that names the property and its bounds. */
MUST_USE enum status bucket_properties_check(const struct bucket_properties *properties,
                                             struct error *err);

/* Strings are copied to arena.  ST_CORRUPT. */
MUST_USE enum status bucket_value_parse(struct bytes json, struct arena *arena,
                                        struct bucket_value *ret_value, struct error *err);
/* previous: the document so far, or empty.  Appends to out.  ST_CORRUPT: previous is not one. */
MUST_USE enum status bucket_value_format(const struct bucket_value *value, struct bytes previous,
                                         struct buffer *out, struct error *err);

#endif
