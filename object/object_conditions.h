/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preconditions, as pure functions of the current record (NULL: there is none) and of what the
 * request says.  Evaluated inside decide, so they hold under concurrency.
 * SPEC: RFC 9110 section 13 for reads; S3 conditional writes, deletes, copies for the rest.
 */
#ifndef OBJECT_OBJECT_CONDITIONS_H
#define OBJECT_OBJECT_CONDITIONS_H

#include "meta/object_record.h"

/* ETag lists are as sent: `"a", W/"b"`, `*`, or bare; compared weakly for reads, strongly for
 * writes. */
struct object_conditions {
    struct bytes if_match; /* data NULL: not given; likewise below */
    struct bytes if_none_match;
    bool has_if_modified_since;
    bool has_if_unmodified_since;
    int64_t if_modified_since_s;   /* wall clock */
    int64_t if_unmodified_since_s; /* wall clock */
};

/* Does a write depend on what stands there? */
static inline bool
object_conditions_are_given(const struct object_conditions *conditions)
{
    return conditions->if_match.data != NULL || conditions->if_none_match.data != NULL ||
           conditions->has_if_modified_since || conditions->has_if_unmodified_since;
}

/* ST_OK, ST_NOT_MODIFIED, ST_PRECONDITION. */
MUST_USE enum status object_conditions_check_read(const struct object_conditions *conditions,
                                                  const struct object_record *record,
                                                  struct error *err);
/* Source of a copy: as a read, but ST_PRECONDITION in place of ST_NOT_MODIFIED. */
MUST_USE enum status object_conditions_check_source(const struct object_conditions *conditions,
                                                    const struct object_record *record,
                                                    struct error *err);
/* ST_OK, ST_PRECONDITION, ST_NO_SUCH_KEY (If-Match and nothing there). */
MUST_USE enum status object_conditions_check_write(const struct object_conditions *conditions,
                                                   const struct object_record *record,
                                                   struct error *err);

#endif
