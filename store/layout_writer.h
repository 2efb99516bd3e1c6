/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the bytes of one object or part and ends with a layout that a record can name.  Chooses
 * the place by size: the record, a pack of the home, chunk files.  After finish the bytes are as
 * durable as asked (packs: when the commit that names them is), but belong to nobody until a commit
 * names them; destroy without such a commit makes them garbage and removes chunk files at once. One
 * thread at a time, ON_WORKER.
 */
#ifndef STORE_LAYOUT_WRITER_H
#define STORE_LAYOUT_WRITER_H

#include "base/affinity.h"
#include "base/arena.h"
#include "meta/extent.h"
#include "meta/upload_record.h"
#include "store/commit.h"
#include "store/home.h"

#define LAYOUT_SIZE_UNKNOWN UINT64_MAX

struct layout_writer;

struct layout_writer_options {
    struct home *home;
    uint64_t bucket_id; /* with key (and upload): who will name the bytes, kept in their headers */
    struct bytes key;
    const struct upload_id *upload; /* NULL: an object */
    uint32_t part_number;
    /* The bytes become one of several extents: never put them into the record.  So for parts. */
    bool is_piece;
    uint64_t chunk_bytes;  /* bucket property: size of a full chunk file */
    uint32_t chunk_spread; /* bucket property: over how many mountpaths; 0 = all */
    enum durability durability;
    uint64_t size; /* if known in advance, else LAYOUT_SIZE_UNKNOWN */
};

/* ST_NO_SPACE, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status layout_writer_create(const struct layout_writer_options *options,
                                                    struct layout_writer **ret_writer,
                                                    struct error *err);
/* ST_NO_SPACE: nothing is left behind.  ST_IO: the mountpath may have been quarantined. */
MUST_USE ON_WORKER enum status layout_writer_write(struct layout_writer *writer, struct bytes data,
                                                   struct error *err);
/* The layout's arrays live in arena; with LAYOUT_PAGES the pages are put by
 * layout_writer_put_pages. */
MUST_USE ON_WORKER enum status layout_writer_finish(struct layout_writer *writer,
                                                    struct arena *arena, struct layout *ret_layout,
                                                    struct error *err);
/* Inside decide: the pages of a layout that has them. */
void layout_writer_put_pages(const struct layout_writer *writer, struct commit *commit);
/* What the finished layout names, also where that will stand in pages; lives as long as the writer.
 */
void layout_writer_extents(const struct layout_writer *writer, const struct extent **ret_extents,
                           size_t *ret_count);
/* The commit that names the bytes succeeded (or may have): they are no longer the writer's. */
void layout_writer_disown(struct layout_writer *writer);
void layout_writer_destroy(struct layout_writer **take_writer);

/* The extents of a range of a layout with pages, for copies and moves: in order, INDIRECT resolved.
 */
MUST_USE ON_WORKER enum status layout_extents(struct home *home, const struct layout *layout,
                                              struct arena *arena,
                                              const struct extent **ret_extents, size_t *ret_count,
                                              struct error *err);

#endif
