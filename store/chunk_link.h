/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One more name for a chunk file, on the mountpath where it stands, in the directory of another
 * home: the object's record moves, its bytes do not.  Each home counts its own names; the file goes
 * with the last one.  The new name has a new chunk id, because an id whose count reached zero is
 * never used again; the header keeps telling the first one, so readers compare write ids.
 *
 *   create (the name is durable) -> a commit names *ret_extent -> destroy, kept
 *   destroy, not kept: the new name is removed
 */
#ifndef STORE_CHUNK_LINK_H
#define STORE_CHUNK_LINK_H

#include "base/affinity.h"
#include "meta/extent.h"
#include "store/home.h"

struct chunk_link;

/* ST_NOT_IMPLEMENTED: the file system gives no further name, copy the bytes.  ST_NOT_FOUND: the
 * file is gone.  ST_UNAVAILABLE, ST_IO. */
MUST_USE ON_WORKER enum status chunk_link_create(struct home *from, const struct extent *extent,
                                                 struct home *to, struct chunk_link **ret_link,
                                                 struct extent *ret_extent, struct error *err);
void chunk_link_destroy(struct chunk_link **take_link, bool is_kept);

#endif
