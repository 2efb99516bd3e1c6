/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of JSON values, as contracts of routes write them down:
 *
 *   text  digits (a number as text)  int  number  bool  null  any   one value
 *   'word'                            this text
 *   [X]   {*: X}                      a list, a map from names to values
 *   {a: X, b?: Y}  {a: X, ...}        an object; b may be missing; others may be there too
 *   X | Y                             either
 *   Name                              a shape that a table of routes defines
 *
 * The router refuses messages that do not fit, the reference shows them as JSON Schema.  In what
 * clients send, keys are found in any case, unknown members are ignored, and what may be missing
 * may be null, as AIStore's servers have it.  Pure, any thread.
 */
#ifndef NATIVE_NATIVE_SHAPE_H
#define NATIVE_NATIVE_SHAPE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Lists and objects in one another, in a notation. */
#define NATIVE_SHAPE_DEPTH_MAX 16

enum native_shape_kind {
    NATIVE_SHAPE_ANY,
    NATIVE_SHAPE_TEXT,
    NATIVE_SHAPE_DIGITS,
    NATIVE_SHAPE_INT,
    NATIVE_SHAPE_NUMBER,
    NATIVE_SHAPE_BOOL,
    NATIVE_SHAPE_NULL,
    NATIVE_SHAPE_WORD,
    NATIVE_SHAPE_LIST,
    NATIVE_SHAPE_MAP,
    NATIVE_SHAPE_OBJECT,
    NATIVE_SHAPE_UNION,
    NATIVE_SHAPE_NAMED
};

struct native_shape {
    enum native_shape_kind kind;
    struct bytes text;          /* the word, or the name */
    struct native_shape *first; /* item, members, or alternatives */
    struct native_shape *next;  /* in the same object or union */
    struct bytes member;        /* its name in the object */
    bool is_optional;           /* the member */
    bool is_open;               /* object: "..." */
};

/* In arena.  The notation is ours: what does not parse is CHECKed. */
const struct native_shape *native_shape_parse(const char *notation, struct arena *arena);
/* Does what a client sent fit?  value NULL counts as null.  ST_INVALID names the place. */
MUST_USE enum status native_shape_check(const struct native_shape *shape, const json_t *value,
                                        struct arena *arena, struct error *err);
/* JSON Schema (2020-12), of what is sent or of what is answered. */
void native_shape_append_schema(const struct native_shape *shape, bool is_sent, struct arena *arena,
                                struct buffer *out);

#endif
