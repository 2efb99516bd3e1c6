/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one entry of a pack, verified.  Holds the pack open while it lives. */
#ifndef STORE_PACK_READER_H
#define STORE_PACK_READER_H

#include "store/home.h"
#include "stream/source.h"

struct pack_reader;

/* Does not read yet. */
MUST_USE enum status pack_reader_open(struct home *home, const struct extent *extent,
                                      enum read_mode mode, struct pack_reader **ret_reader,
                                      struct error *err);
/* size bytes from offset; offset at a block, size whole blocks or up to the end.  The first read
 * also takes the entry's header and compares it with the extent. */
MUST_USE enum status pack_reader_read(struct pack_reader *reader, uint64_t offset, char *out,
                                      size_t size, enum read_mode mode, struct error *err);
void pack_reader_close(struct pack_reader **take_reader);

#endif
