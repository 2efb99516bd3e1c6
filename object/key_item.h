/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one target tells another of a key: record, mark, part table, notes of completed uploads, and
 * where they are small the object's bytes.  Foreign bytes, so a fuzz target.  Pure.
 */
#ifndef OBJECT_KEY_ITEM_H
#define OBJECT_KEY_ITEM_H

#include "base/arena.h"
#include "meta/former_record.h"
#include "meta/upload_record.h"

struct key_note {
    struct upload_id id;
    struct bytes value; /* an encoded upload_record, UPLOAD_COMPLETED */
};

struct key_item {
    uint64_t bucket_id;
    struct bytes key;
    struct bytes record; /* encoded, with its seq; empty: none */
    struct bytes mark;   /* encoded, with its seq; empty: none */
    const struct part_entry *parts;
    size_t part_count;
    const struct key_note *notes;
    size_t note_count;
    bool has_bytes;     /* else they are fetched, if there is a record */
    struct bytes bytes; /* of the object */
};

void key_item_write(const struct key_item *item, struct buffer *out);
/* Views into text, arrays in arena; records and marks are not decoded.  ST_INVALID. */
MUST_USE enum status key_item_read(struct bytes text, struct arena *arena,
                                   struct key_item *ret_item, struct error *err);

#endif
