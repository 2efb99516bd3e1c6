/* SPDX-License-Identifier: Apache-2.0 */
/* Puts one entry into the active pack of a home. */
#ifndef STORE_PACK_WRITER_H
#define STORE_PACK_WRITER_H

#include "meta/upload_record.h"
#include "store/pack_set.h"

struct pack_writer_options {
    struct home *home;
    struct write_id write_id;
    uint64_t bucket_id;
    struct bytes key;
    const struct upload_id *upload; /* NULL: an object */
    uint32_t part_number;
};

/* One write; data.size <= PACK_DATA_BYTES_MAX.  The reservation in *ret_pack is the caller's to
 * release after the commit.  ST_NO_SPACE; ST_IO: the home was quarantined. */
MUST_USE ON_WORKER enum status pack_write(const struct pack_writer_options *options,
                                          struct bytes data, struct pack **ret_pack,
                                          struct extent *ret_extent, struct error *err);

#endif
