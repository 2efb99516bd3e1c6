/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a native request's query, decoded.  Any thread. */
#ifndef NATIVE_NATIVE_QUERY_H
#define NATIVE_NATIVE_QUERY_H

#include "base/arena.h"
#include "base/bytes.h"

/* AIStore has some 60 names; set-config sends one for each setting. */
#define NATIVE_QUERY_COUNT_MAX 128

struct native_parameter {
    struct bytes name;
    struct bytes value;
};

struct native_query {
    struct native_parameter *parameters; /* in arena */
    size_t count;
};

/* ST_INVALID: a broken escape, or too many. */
MUST_USE enum status native_query_parse(struct bytes text, struct arena *arena,
                                        struct native_query *ret_query, struct error *err);
/* The first of that name; BYTES_NONE if there is none. */
struct bytes native_query_get(const struct native_query *query, const char *name);
/* SPEC: AIStore cmn/cos ParseBool: 1, t, true, y, yes, on, in any case. */
bool native_query_is_true(const struct native_query *query, const char *name);
bool native_is_true(struct bytes text);
/* Percent escapes undone; ST_INVALID. */
MUST_USE enum status native_decode(struct bytes text, bool plus_is_space, struct arena *arena,
                                   struct bytes *ret_text, struct error *err);

#endif
