/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open upload on its way to another target: its record and what describes its parts; their bytes
 * are fetched.  Foreign bytes, so a fuzz target.  Pure.
 */
#ifndef OBJECT_UPLOAD_ITEM_H
#define OBJECT_UPLOAD_ITEM_H

#include "base/arena.h"
#include "meta/upload_record.h"

/* 10,000 parts with checksums. */
#define UPLOAD_ITEM_BYTES_MAX ((size_t)4 << 20)

struct upload_item {
    uint64_t bucket_id;
    struct bytes key;
    struct upload_id id;
    struct upload_record record;
    struct part_record *parts; /* in order of number, without layouts */
    size_t part_count;
    bool is_last; /* nothing changes at the source any more: the upload is the receiver's then */
};

void upload_item_write(const struct upload_item *item, struct buffer *out);
/* Views into text, arrays in arena.  ST_INVALID. */
MUST_USE enum status upload_item_read(struct bytes text, struct arena *arena,
                                      struct upload_item *ret_item, struct error *err);

#endif
