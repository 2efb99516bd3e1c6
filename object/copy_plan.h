/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a copy will publish, and the bytes that it had to write for it.  One worker, one try of one
 * copy: init -> build or write_part -> release.  Holds a pin on the source's home throughout.
 */
#ifndef OBJECT_COPY_PLAN_H
#define OBJECT_COPY_PLAN_H

#include "meta/meta_key.h"
#include "object/extent_pages.h"
#include "object/key_claim.h"
#include "object/object_copy.h"
#include "store/layout_writer.h"

struct copy_plan {
    const struct bucket *destination;
    const struct object_copy_options *options;
    struct arena arena;
    uint64_t generation; /* under which the homes were found */
    struct home *source_home;
    struct home *home;
    struct home_pin pin; /* on source_home */
    struct key_claim source_claim;
    struct key_claim claim; /* on the destination; a part has none */
    struct meta_key source_key;
    struct meta_key key;
    struct object_record source;
    bool is_in_place;
    bool is_stale; /* the source changed: try again */

    struct object_record record; /* of the copy */
    struct buffer encoded;
    struct layout_writer *writer; /* NULL: no bytes were written */
    struct layout written;        /* what the writer made */
    struct layout shared;         /* LAYOUT_EXTENTS: chunk files that get one more reference */
    const struct extent *extents; /* of record.layout where that was put together here */
    size_t extent_count;
};

/* Finds the source and checks what can be checked.  Release it also when it failed. */
MUST_USE ON_WORKER enum status copy_plan_init(struct copy_plan *plan,
                                              const struct bucket *destination,
                                              const struct object_copy_options *options,
                                              struct error *err);
void copy_plan_release(struct copy_plan *plan);

MUST_USE ON_WORKER enum status copy_plan_build(struct copy_plan *plan, struct error *err);
/* UploadPartCopy: the bytes are in *ret_put, which waits for its commit. */
MUST_USE ON_WORKER enum status copy_plan_write_part(struct copy_plan *plan,
                                                    struct object_put **ret_put,
                                                    int64_t *ret_created_ns, struct error *err);

/* Before the commit; the caller has entered.  ST_CONFLICT, is_stale: the homes may be others now.
 */
MUST_USE ON_WORKER enum status copy_plan_check_homes(struct copy_plan *plan, struct error *err);

/* The source's record now, in the plan's arena.  ST_NO_SUCH_KEY. */
MUST_USE ON_WORKER enum status
copy_plan_read_source(struct copy_plan *plan, struct object_record *ret_record, struct error *err);

#endif
