/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetObject, HeadObject, GetObjectAttributes.  First tried on the loop with READ_NO_WAIT; the first
 * layer that would wait answers ST_WOULD_WAIT and the same call is made again on a worker.
 */
#ifndef OBJECT_OBJECT_GET_H
#define OBJECT_OBJECT_GET_H

#include "meta/upload_record.h"
#include "object/bucket.h"
#include "object/object_conditions.h"
#include "stream/source.h"

/* What the Range header asks, before the size is known.  SPEC: RFC 9110 section 14.1.2. */
enum object_range_kind { RANGE_NONE, RANGE_FROM_TO, RANGE_FROM, RANGE_LAST };
struct object_range {
    enum object_range_kind kind;
    uint64_t from; /* RANGE_FROM_TO, RANGE_FROM */
    uint64_t to;   /* RANGE_FROM_TO: last byte, inclusive */
    uint64_t last; /* RANGE_LAST: so many bytes at the end */
};

struct object_get_options {
    struct bytes key;
    struct object_conditions conditions;
    struct object_range range;
    uint32_t part_number; /* 0: not asked; with range: ST_INVALID */
    bool is_head;         /* no source is opened */
    bool counts_chunks;   /* of HEAD */
    bool needs_parts;     /* object_get_parts follows */
    enum read_mode mode;
};

/* Everything lives in arena, except source. */
struct object_get_result {
    struct object_record record;
    uint64_t offset; /* what is to be sent */
    uint64_t length;
    bool is_partial;       /* 206 and Content-Range; a part number also makes it partial */
    uint64_t chunk_count;  /* 0: one piece, not asked, or it stands at a former owner */
    uint64_t chunk_bytes;  /* of the largest */
    struct source *source; /* the caller's; NULL for HEAD */
    /* With needs_parts, of an object that stands at a former owner: all of record.part_count. */
    const struct part_entry *far_parts;
};

/* ST_WOULD_WAIT, ST_NO_SUCH_KEY, ST_NOT_MODIFIED and ST_PRECONDITION (ret_result->record is filled
 * for both: the answer shows its ETag), ST_INVALID_RANGE (record is filled), ST_INVALID_PART (no
 * such part number), ST_UNAVAILABLE, ST_CORRUPT. */
MUST_USE enum status object_get(const struct bucket *bucket,
                                const struct object_get_options *options, struct arena *arena,
                                struct object_get_result *ret_result, struct error *err);

/* Part table of a completed upload, in pages: entries with number > after, at most count_max. */
MUST_USE ON_WORKER enum status
object_get_parts(const struct bucket *bucket, const struct object_get_result *found, uint32_t after,
                 size_t count_max, struct arena *arena, struct part_entry **ret_entries,
                 size_t *ret_count, bool *ret_is_truncated, struct error *err);

#endif
