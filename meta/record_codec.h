/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all records share on disk:
 *   'L', kind, format version, 0    header
 *   seq                             16 bytes, records only (pages have none)
 *   fields                          tag (bit 7: critical), length (varint), payload
 * A field that appears at its zero value is left out by the encoder.  Nobody outside meta/ includes
 * this.
 */
#ifndef META_RECORD_CODEC_H
#define META_RECORD_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "meta/upload_record.h"

#define RECORD_FORMAT_VERSION 1
#define RECORD_HEADER_BYTES 4
#define RECORD_SEQ_BYTES 16

enum record_kind {
    RECORD_OBJECT = 'O',
    RECORD_UPLOAD = 'U',
    RECORD_PART = 'P',
    RECORD_EXTENT_PAGE = 'X',
    RECORD_PART_PAGE = 'T',
    RECORD_FORMER = 'F'
};

#define RECORD_TAG_CRITICAL 0x80
#define RECORD_TAG_NUMBER_MAX 63

/* On disk: numbers and critical bits never change.  Those without a codec yet are reserved. */
enum record_tag {
    TAG_CREATED = 1,
    TAG_SIZE = 2,
    TAG_STORED_SIZE = 3,
    TAG_ETAG = 4,
    TAG_CHECKSUM = 5,
    TAG_PART_COUNT = 6,
    TAG_OWNER = 7,
    TAG_CONTENT_HEADER = 8, /* repeated */
    TAG_METADATA = 9,       /* repeated */
    TAG_STORAGE_CLASS = 10,
    TAG_LAYOUT = 11 | RECORD_TAG_CRITICAL,
    TAG_INLINE_DATA = 12 | RECORD_TAG_CRITICAL,
    TAG_EXTENT = 13 | RECORD_TAG_CRITICAL, /* repeated */
    TAG_VERSION = 14 | RECORD_TAG_CRITICAL,
    TAG_CUSTOM_METADATA = 15,
    TAG_VERSION_COUNTER = 16,
    TAG_TAGS = 17,
    TAG_ACL = 18,
    TAG_RETENTION = 19 | RECORD_TAG_CRITICAL,
    TAG_LEGAL_HOLD = 20 | RECORD_TAG_CRITICAL,
    TAG_ENCRYPTION = 21 | RECORD_TAG_CRITICAL,
    TAG_ENCODING = 22 | RECORD_TAG_CRITICAL,
    TAG_REDUNDANCY = 23 | RECORD_TAG_CRITICAL,
    TAG_REMOTE = 24 | RECORD_TAG_CRITICAL,
    TAG_EXPIRY = 25,
    TAG_NATIVE_CHECKSUM = 26,
    TAG_UPLOAD_STATE = 32 | RECORD_TAG_CRITICAL,
    TAG_UPLOAD_CHECKSUM = 33,
    TAG_INITIATOR = 34,
    TAG_COMPLETED = 35,
    TAG_COMPLETED_ETAG = 36,
    TAG_COMPLETED_CHECKSUM = 37,
    TAG_UPLOAD_ORIGIN = 38,
    TAG_PART_NUMBER = 40 | RECORD_TAG_CRITICAL,
    TAG_PART_MD5 = 41,
    TAG_PART_ENTRY = 42 | RECORD_TAG_CRITICAL, /* repeated */
    TAG_FORMER_FLAGS = 48 | RECORD_TAG_CRITICAL,
    TAG_FORMER_GENERATION = 49 | RECORD_TAG_CRITICAL,
    TAG_FORMER_DESTINATION = 50 | RECORD_TAG_CRITICAL
};

#define RECORD_TAG_BIT(tag) (UINT64_C(1) << ((tag)&RECORD_TAG_NUMBER_MAX))

/* What one kind of record may hold. */
struct record_form {
    enum record_kind kind;
    const char *name; /* "an object record": for sentences */
    bool has_seq;
    uint64_t known;    /* RECORD_TAG_BIT of each known tag */
    uint64_t repeated; /* those of them that may appear more than once */
};

/* Encoding. */
void record_begin(enum record_kind kind, const struct seq *seq, struct buffer *out);
void record_put_varint(struct buffer *out, uint64_t value);
void record_put_field(struct buffer *out, enum record_tag tag, struct bytes payload);
void record_put_number(struct buffer *out, enum record_tag tag, uint64_t value); /* 0: left out */
void record_put_text(struct buffer *out, enum record_tag tag,
                     struct bytes text); /* empty: left out */
void record_put_time(struct buffer *out, enum record_tag tag, int64_t time_ns);
void record_put_checksum(struct buffer *out, enum record_tag tag, const struct checksum *checksum);
void record_put_attributes(struct buffer *out, const struct object_attributes *attributes);
void record_put_layout(struct buffer *out, const struct layout *layout);
void record_put_extent(struct buffer *out, const struct extent *extent);

/*
 * Decoding goes over the fields twice: record_survey checks their framing, refuses what is unknown
 * and critical, and counts; then record_next gives out the known ones.
 */
struct record_survey {
    struct seq seq;
    struct bytes fields;
    size_t metadata_count;
    size_t extent_count;
    size_t part_entry_count;
    size_t unknown_size;
};

struct record_field {
    enum record_tag tag;
    struct bytes payload;
    struct bytes whole; /* with tag and length */
};

MUST_USE enum status record_survey(struct bytes value, const struct record_form *form,
                                   struct record_survey *ret_survey, struct error *err);
/* The next field; false at the end.  fields must have passed record_survey. */
bool record_next(struct bytes *fields, struct record_field *ret_field);
/* All unknown fields, one after the other; copied to arena. */
struct bytes record_unknown(const struct record_survey *survey, const struct record_form *form,
                            struct arena *arena);

/* Cut one item off the front of *payload; false if it is not there. */
bool record_cut_varint(struct bytes *payload, uint64_t *ret_value);
bool record_cut_bytes(struct bytes *payload, size_t size, struct bytes *ret_bytes);
/* Whole payloads; false: malformed. */
bool record_get_number(struct bytes payload, uint64_t *ret_value);
bool record_get_time(struct bytes payload, int64_t *ret_time_ns);
bool record_get_checksum(struct bytes payload, struct checksum *ret_checksum);
bool record_get_extent(struct bytes payload, struct extent *ret_extent);

/* Collects the repeated fields of attributes and layout; arrays sized by the survey. */
struct record_collector {
    struct metadata_entry *metadata;
    size_t metadata_count;
    struct extent *extents;
    size_t extent_count;
};
void record_collector_init(struct record_collector *collector, const struct record_survey *survey,
                           struct arena *arena);
/* *ret_is_mine: the field belongs to attributes (to the layout); false: malformed. */
bool record_get_attribute(const struct record_field *field, struct record_collector *collector,
                          struct object_attributes *attributes, bool *ret_is_mine);
bool record_get_layout(const struct record_field *field, struct record_collector *collector,
                       struct layout *layout, bool *ret_is_mine);
/* Do kind, inline data and extents go together? */
bool record_layout_is_sane(const struct layout *layout);

/* Takes one field into the record, a known one or (to be ignored) an unknown; false: malformed. */
typedef bool record_take_fn(const struct record_field *field, struct record_collector *collector,
                            void *record);

/* A whole record: survey, then all fields, the unknown ones kept. */
struct record_decoder {
    const struct record_form *form;
    record_take_fn *take;
    void *record;
    struct arena *arena; /* NULL: neither repeated nor unknown fields are wanted */
    /* out */
    struct seq seq;
    struct bytes unknown_tags;
};
/* ST_CORRUPT, ST_NOT_IMPLEMENTED.  The record is half filled after a failure. */
MUST_USE enum status record_decode(struct record_decoder *decoder, struct bytes value,
                                   struct error *err);

#define RECORD_ATTRIBUTE_TAGS                                                                      \
    (RECORD_TAG_BIT(TAG_CONTENT_HEADER) | RECORD_TAG_BIT(TAG_METADATA) |                           \
     RECORD_TAG_BIT(TAG_STORAGE_CLASS))
#define RECORD_LAYOUT_TAGS                                                                         \
    (RECORD_TAG_BIT(TAG_LAYOUT) | RECORD_TAG_BIT(TAG_INLINE_DATA) | RECORD_TAG_BIT(TAG_EXTENT))
#define RECORD_REPEATED_TAGS                                                                       \
    (RECORD_TAG_BIT(TAG_CONTENT_HEADER) | RECORD_TAG_BIT(TAG_METADATA) |                           \
     RECORD_TAG_BIT(TAG_EXTENT) | RECORD_TAG_BIT(TAG_PART_ENTRY))

#endif
