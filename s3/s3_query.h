/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query of a request as decoded parameters, and percent-decoding of paths.  Decoded once, never
 * normalised; bytes that are not UTF-8 and NUL are refused.  Pure functions, any thread; what has
 * no escape is not copied.
 */
#ifndef S3_S3_QUERY_H
#define S3_S3_QUERY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

/* No S3 request has more than 40 (presigned, with all overrides). */
#define S3_QUERY_PARAMETERS_MAX 128

struct s3_parameter {
    struct bytes name;
    struct bytes value; /* empty if there was none */
    bool has_value;     /* there was a '=' and something behind it */
};

struct s3_query {
    struct s3_parameter *parameters; /* in arena, in order */
    size_t count;
};

/* Decode %XX, and '+' as a space if plus_is_space.  ST_INVALID (dialect code InvalidURI): a broken
 * escape, NUL, or not UTF-8. */
MUST_USE enum status s3_decode(struct bytes text, bool plus_is_space, struct arena *arena,
                               struct bytes *ret_text, struct error *err);

/* ST_INVALID (InvalidArgument). */
MUST_USE enum status s3_query_parse(struct bytes query, struct arena *arena,
                                    struct s3_query *ret_query, struct error *err);
/* The first of that name, or NULL. */
const struct s3_parameter *s3_query_find(const struct s3_query *query, const char *name);
/* Its value; data NULL if it is absent. */
struct bytes s3_query_value(const struct s3_query *query, const char *name);
/* Absent: ret_value is left alone.  ST_INVALID (InvalidArgument): no integer of min to max. */
MUST_USE enum status s3_query_u64(const struct s3_query *query, const char *name, uint64_t min,
                                  uint64_t max, uint64_t *ret_value, struct error *err);

#endif
