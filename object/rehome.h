/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one object or part, made ready to be named at another home of the node: chunk files
 * get a second name where they stand, pack bytes are written again.  All of it is durable when the
 * commit is.
 *
 *   build -> (inside decide) put -> release, kept if the commit succeeded or may have
 */
#ifndef OBJECT_REHOME_H
#define OBJECT_REHOME_H

#include "meta/upload_record.h"
#include "store/chunk_link.h"
#include "store/commit.h"
#include "store/layout_writer.h"

struct rehome {
    struct home *to;
    struct arena arena;
    struct extent *extents; /* of layout, in order */
    size_t extent_count;
    struct layout layout;   /* for the record; its arrays are in arena */
    struct layout *written; /* what each writer made */
    struct layout_writer **writers;
    size_t writer_count;
    struct chunk_link **links;
    struct extent *linked;
    size_t link_count;
    uint64_t copied_bytes;
};

struct rehome_options {
    struct home *from;
    struct home *to;
    uint64_t bucket_id;
    struct bytes key;
    const struct upload_id *upload; /* NULL: an object */
    uint32_t part_number;
    const struct layout *layout;
    /* What the layout names, if that is in no page yet (a body that waits for its commit). */
    const struct extent *extents;
    size_t extent_count;
};

/* One extent's bytes once more, as one extent of a layout at options->to; the writer keeps them
 * until the commit. */
MUST_USE ON_WORKER enum status rehome_copy_extent(const struct rehome_options *options,
                                                  const struct extent *extent, struct arena *arena,
                                                  struct layout_writer **ret_writer,
                                                  struct layout *ret_layout, struct error *err);
/* Holds a pin on from while it reads.  Release it also when it failed.  ST_UNAVAILABLE: bytes stand
 * on a mountpath that is not there; ST_NO_SPACE, ST_IO, ST_CORRUPT. */
MUST_USE ON_WORKER enum status
rehome_build(struct rehome *rehome, const struct rehome_options *options, struct error *err);
/* Inside decide at `to`: its pages, and the bytes are named. */
MUST_USE enum status rehome_put(const struct rehome *rehome, struct commit *commit,
                                struct commit_view *view, struct error *err);
/* is_kept: a commit names the bytes, or may; else they are removed. */
void rehome_release(struct rehome *rehome, bool is_kept);

#endif
