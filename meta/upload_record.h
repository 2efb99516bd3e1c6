/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of multipart uploads and their parts, in FAMILY_UPLOAD of the final key's home.
 *   bucket id, key, 0x00, upload id (16)               -> upload_record
 *   bucket id, key, 0x00, upload id (16), number (BE32) -> part_record
 * So uploads of a bucket scan in order of key, then upload id, and parts follow their upload.
 */
#ifndef META_UPLOAD_RECORD_H
#define META_UPLOAD_RECORD_H

#include "meta/object_record.h"

struct upload_id {
    unsigned char bytes[16];
};

enum upload_state {
    UPLOAD_OPEN = 0,
    UPLOAD_COMPLETED = 1,
    UPLOAD_ABORTED = 2, /* its parts are being removed, the record follows */
    /* Handed over from one target to another (docs/cluster-protocol.md, rule 7): */
    UPLOAD_LEAVING = 3, /* nothing changes here any more; the destination may have it already */
    UPLOAD_MOVED = 4,   /* the destination has it; its parts are being removed */
    UPLOAD_ARRIVING = 5 /* at the destination: its parts come, and it is not this target's yet */
};

struct upload_record {
    struct seq seq; /* changes with every part that is committed or replaced */
    int64_t created_ns;
    enum upload_state state;
    enum checksum_algorithm checksum_algorithm;
    enum checksum_type checksum_type;
    struct bytes owner;
    struct bytes initiator;
    struct object_attributes attributes;
    struct bytes origin;      /* node id of the target that began it; empty: the one that has it */
    struct bytes destination; /* UPLOAD_LEAVING, UPLOAD_MOVED: node id */
    /* UPLOAD_LEAVING, UPLOAD_MOVED: the placement under which it began to leave; UPLOAD_ARRIVING:
     * under which it left this target before, 0: never. */
    uint64_t generation;
    /* UPLOAD_COMPLETED: a repeated Complete answers from here, for 24 hours */
    int64_t completed_ns;
    struct bytes completed_etag;
    struct checksum completed_checksum;
    struct bytes unknown_tags;
};

struct part_record {
    struct seq seq;
    uint32_t number;
    int64_t created_ns;
    uint64_t size;
    unsigned char md5[16];
    struct checksum checksum;
    struct layout layout;
    struct bytes unknown_tags;
};

/* One entry of a completed object's part table (FAMILY_LAYOUT, see meta/meta_key.h). */
struct part_entry {
    uint32_t number;
    uint64_t offset; /* of its first byte in the object */
    uint64_t size;
    struct checksum checksum;
};

void upload_record_encode(const struct upload_record *record, struct buffer *out);
MUST_USE enum status upload_record_decode(struct bytes value, struct arena *arena,
                                          struct upload_record *ret_record, struct error *err);
void part_record_encode(const struct part_record *record, struct buffer *out);
MUST_USE enum status part_record_decode(struct bytes value, struct arena *arena,
                                        struct part_record *ret_record, struct error *err);

/* Pages of the layout family: arrays of extents and of part entries. */
void extent_page_encode(const struct extent *extents, size_t count, struct buffer *out);
MUST_USE enum status extent_page_decode(struct bytes value, struct arena *arena,
                                        const struct extent **ret_extents, size_t *ret_count,
                                        struct error *err);
void part_page_encode(const struct part_entry *entries, size_t count, struct buffer *out);
MUST_USE enum status part_page_decode(struct bytes value, struct arena *arena,
                                      const struct part_entry **ret_entries, size_t *ret_count,
                                      struct error *err);

#endif
