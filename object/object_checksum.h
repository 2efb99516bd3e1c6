/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's checksums of objects and parts, on top of stream/digest.h.  Pure, any thread.
 */
#ifndef OBJECT_OBJECT_CHECKSUM_H
#define OBJECT_OBJECT_CHECKSUM_H

#include "meta/object_record.h"
#include "stream/digest.h"

/* algorithm must not be CHECKSUM_NONE. */
enum digest_kind object_checksum_digest(enum checksum_algorithm algorithm);
const char *object_checksum_name(enum checksum_algorithm algorithm); /* "CRC32C" */
bool object_checksum_is_crc(enum checksum_algorithm algorithm);
void object_checksum_set(struct checksum *checksum, enum checksum_algorithm algorithm,
                         enum checksum_type type, const struct digest_value *value);
/* Algorithm and value; the type is not compared. */
bool object_checksum_equal(const struct checksum *a, const struct checksum *b);

/* The checksum of an object from those of its parts, in order. */
struct object_checksum {
    enum checksum_algorithm algorithm;
    enum checksum_type type;
    struct digest composite;
    struct digest_value full;
    bool is_empty;
};
void object_checksum_init(struct object_checksum *sum, enum checksum_algorithm algorithm,
                          enum checksum_type type);
void object_checksum_add(struct object_checksum *sum, const struct checksum *part, uint64_t size);
void object_checksum_finish(struct object_checksum *sum, struct checksum *ret_checksum);

#endif
