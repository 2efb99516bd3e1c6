/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the families.  Integers are big-endian, so that byte order is the order of scans.
 * Names (bucket keys) hold no NUL in any dialect.
 */
#ifndef META_META_KEY_H
#define META_META_KEY_H

#include "base/bytes.h"
#include "meta/upload_record.h"

/* A key under construction: callers keep it on their stack. */
#define META_KEY_NAME_MAX 1024
#define META_KEY_SIZE_MAX (8 + META_KEY_NAME_MAX + 1 + 16 + 4)

struct meta_key {
    unsigned char data[META_KEY_SIZE_MAX];
    size_t size;
};

static inline struct bytes
meta_key_bytes(const struct meta_key *key)
{
    return (struct bytes){(const char *)key->data, key->size};
}

/* FAMILY_OBJECT: bucket id, name. */
void meta_key_object(struct meta_key *out, uint64_t bucket_id, struct bytes name);
/* FAMILY_VERSION: bucket id, name, 0x00: what the keys of all versions of the name begin with. */
void meta_key_versions(struct meta_key *out, uint64_t bucket_id, struct bytes name);
/* FAMILY_UPLOAD. */
void meta_key_upload(struct meta_key *out, uint64_t bucket_id, struct bytes name,
                     struct upload_id id);
void meta_key_part(struct meta_key *out, uint64_t bucket_id, struct bytes name, struct upload_id id,
                   uint32_t number);
/* FAMILY_LAYOUT: write id, 'x', offset of the page's first byte; write id, 'p', first number. */
void meta_key_extent_page(struct meta_key *out, struct write_id id, uint64_t offset);
void meta_key_part_page(struct meta_key *out, struct write_id id, uint32_t first_number);
void meta_key_chunk(struct meta_key *out, struct chunk_id id);
void meta_key_pack(struct meta_key *out, uint64_t pack_id);
/* FAMILY_NODE: counters of a bucket in this home: int64 objects, versions, logical, stored bytes.
 */
void meta_key_counters(struct meta_key *out, uint64_t bucket_id);
/* FAMILY_NODE: the pages of this write id are named by no record; readers may still want them. */
void meta_key_dropped_pages(struct meta_key *out, struct write_id id);
MUST_USE enum status meta_key_parse_dropped_pages(struct bytes key, struct write_id *ret_id);
/* FAMILY_NODE: a value of the node that every home keeps a copy of; key.size <= META_KEY_NAME_MAX.
 */
void meta_key_mirror(struct meta_key *out, struct bytes key);
/* FAMILY_NODE: other values by name, e.g. "seq", "open". */
void meta_key_node(struct meta_key *out, const char *name);

/* Parse; ST_CORRUPT if it is not of that family's form.  Views into key. */
MUST_USE enum status meta_key_parse_object(struct bytes key, uint64_t *ret_bucket_id,
                                           struct bytes *ret_name);
/* *ret_number is 0 for the upload itself. */
MUST_USE enum status meta_key_parse_upload(struct bytes key, uint64_t *ret_bucket_id,
                                           struct bytes *ret_name, struct upload_id *ret_id,
                                           uint32_t *ret_number);
/* The smallest key greater than all keys that begin with this one, in place; false: there is none.
 */
bool meta_key_successor(struct meta_key *key);

#endif
