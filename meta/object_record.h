/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an object: all that a listing, a HEAD and a GET of it need.  Encoded as
 * tag-length-value with a critical bit: an unknown critical tag is refused (ST_NOT_IMPLEMENTED, the
 * record is of a newer version), unknown plain tags are kept and written back.  Golden files in
 * tests/golden pin the format.  Uploads and parts use the same codec (meta/upload_record.h).
 */
#ifndef META_OBJECT_RECORD_H
#define META_OBJECT_RECORD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"
#include "meta/extent.h"

/* Commit order on all nodes: greater wins.  The committer stores it at a fixed place of the value.
 */
struct seq {
    uint64_t map_version;
    uint64_t counter;
};
int seq_compare(struct seq a, struct seq b);

enum checksum_algorithm {
    CHECKSUM_NONE = 0,
    CHECKSUM_CRC32 = 1,
    CHECKSUM_CRC32C = 2,
    CHECKSUM_CRC64NVME = 3,
    CHECKSUM_SHA1 = 4,
    CHECKSUM_SHA256 = 5
};
enum checksum_type { CHECKSUM_FULL_OBJECT = 0, CHECKSUM_COMPOSITE = 1 };
#define CHECKSUM_VALUE_MAX 32

struct checksum {
    enum checksum_algorithm algorithm;
    enum checksum_type type;
    unsigned char value[CHECKSUM_VALUE_MAX]; /* binary, big-endian for CRCs */
    size_t size;
};

/* What AIStore's dialect keeps to check the content with; on disk. */
enum native_checksum_type {
    NATIVE_CHECKSUM_NONE = 0,
    NATIVE_CHECKSUM_XXHASH = 1,
    NATIVE_CHECKSUM_XXHASH2 = 2, /* the same function under another name */
    NATIVE_CHECKSUM_MD5 = 3,
    NATIVE_CHECKSUM_CRC32C = 4,
    NATIVE_CHECKSUM_SHA256 = 5,
    NATIVE_CHECKSUM_TYPE_COUNT
};
struct native_checksum {
    enum native_checksum_type type;
    unsigned char value[CHECKSUM_VALUE_MAX]; /* binary, integers big-endian */
    size_t size;
};

/* Content headers, in the order in which they are encoded. */
enum content_header {
    CONTENT_TYPE,
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    EXPIRES,
    WEBSITE_REDIRECT,
    CONTENT_HEADER_COUNT
};

struct metadata_entry {
    struct bytes name; /* lower case, without x-amz-meta- */
    struct bytes value;
};

/* What a client says about an object; the same for a put, an upload, a copy with REPLACE. */
struct object_attributes {
    struct bytes content[CONTENT_HEADER_COUNT]; /* data NULL: not given */
    const struct metadata_entry *metadata;
    size_t metadata_count;
    struct bytes storage_class; /* empty: STANDARD */
};

struct object_record {
    struct seq seq;
    int64_t created_ns; /* wall clock; Last-Modified */
    uint64_t size;
    uint64_t stored_size;
    struct bytes etag; /* text without quotes: "d41d8...", or "...-3" */
    struct checksum checksum;
    uint32_t part_count; /* 0: not uploaded in parts; else a part table stands in FAMILY_LAYOUT */
    struct bytes owner;  /* user id */
    struct object_attributes attributes;
    struct native_checksum native_checksum;
    uint64_t overwrite_count; /* since the key was last created: AIStore's version less one */
    struct bytes custom;      /* AIStore's custom metadata: name NUL value NUL ...; or empty */
    struct layout layout;
    bool is_chunked;           /* decoded from the layout: in more than one chunk */
    struct bytes unknown_tags; /* encoded; written back */
};

/* The record's encoded form has its seq at this offset: map version, counter, both big-endian. */
#define RECORD_SEQ_OFFSET 4

void object_record_encode(const struct object_record *record, struct buffer *out);
/* Views point into value, arrays are in arena.  ST_CORRUPT, ST_NOT_IMPLEMENTED. */
MUST_USE enum status object_record_decode(struct bytes value, struct arena *arena,
                                          struct object_record *ret_record, struct error *err);
/* Only what a listing shows: no arena, no arrays; ret_record's layout and attributes are empty. */
MUST_USE enum status object_record_decode_summary(struct bytes value,
                                                  struct object_record *ret_record,
                                                  struct error *err);

#endif
