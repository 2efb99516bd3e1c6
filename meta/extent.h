/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bytes of an object or part stand.  An extent names a run of stored bytes in one file, with
 * what a reader needs to verify them.  The layout of an object: bytes in the record itself, or
 * extents in the record, or extents in pages of the layout family under a write id.
 */
#ifndef META_EXTENT_H
#define META_EXTENT_H

#include "base/bytes.h"

/* Integrity is CRC32C per block of this many stored bytes. */
#define EXTENT_BLOCK_BYTES ((size_t)65536)

#define WRITE_ID_BYTES 16
struct write_id {
    unsigned char bytes[WRITE_ID_BYTES];
};

#define CHUNK_ID_BYTES 16
struct chunk_id {
    unsigned char bytes[CHUNK_ID_BYTES];
};

enum extent_kind {
    EXTENT_PACK = 1,    /* in a pack of the object's home */
    EXTENT_CHUNK = 2,   /* a chunk file on mountpath `mountpath` */
    EXTENT_INDIRECT = 3 /* the pages of `write_id` hold the extents of these bytes (a part) */
};

struct extent {
    enum extent_kind kind;
    uint64_t length;          /* stored bytes */
    struct write_id write_id; /* also in the entry's or file's header, compared on read */
    /* EXTENT_PACK */
    uint64_t pack_id;
    uint64_t offset; /* of the entry's header in the pack */
    /* EXTENT_CHUNK */
    struct chunk_id chunk_id;
    unsigned char mountpath[16]; /* UUID of the mountpath that holds the file */
    uint32_t table_crc;          /* CRC32C of the file's table of block CRCs */
};

enum layout_kind {
    LAYOUT_NONE = 0, /* no bytes */
    LAYOUT_INLINE = 1,
    LAYOUT_EXTENTS = 2, /* at most LAYOUT_RECORD_EXTENT_MAX, in the record */
    LAYOUT_PAGES = 3    /* FAMILY_LAYOUT under write_id */
};

/* More than this many extents go to pages: the record stays small for listings. */
#define LAYOUT_RECORD_EXTENT_MAX 2
/* A page holds at most this many extents (about 16 KiB, one block). */
#define LAYOUT_PAGE_EXTENT_MAX 256

struct layout {
    enum layout_kind kind;
    struct write_id write_id;
    struct bytes inline_data;
    const struct extent *extents; /* LAYOUT_EXTENTS */
    size_t extent_count;
    uint64_t page_count; /* LAYOUT_PAGES */
};

#endif
