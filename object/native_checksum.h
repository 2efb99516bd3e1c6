/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksums that AIStore's dialect knows: their names, their text, and computing them from
 * bytes that pass by.  Pure but for the state of a digest, any thread.
 * SPEC: AIStore cmn/cos checksum types: lower-case hex; xxhash and xxhash2 are XXH64 with seed 0.
 */
#ifndef OBJECT_NATIVE_CHECKSUM_H
#define OBJECT_NATIVE_CHECKSUM_H

#include "base/hash.h"
#include "meta/object_record.h"
#include "stream/digest.h"

#define NATIVE_CHECKSUM_TEXT_SIZE (2 * CHECKSUM_VALUE_MAX + 1)

const char *native_checksum_name(enum native_checksum_type type); /* "xxhash2", "none" */
/* ST_NOT_IMPLEMENTED for what AIStore knows and we do not, ST_INVALID for all others. */
MUST_USE enum status native_checksum_find(struct bytes name, enum native_checksum_type *ret_type,
                                          struct error *err);
void native_checksum_format(const struct native_checksum *checksum,
                            char out[NATIVE_CHECKSUM_TEXT_SIZE]);
/* ST_INVALID: not hex of the type's length. */
MUST_USE enum status native_checksum_parse(enum native_checksum_type type, struct bytes text,
                                           struct native_checksum *ret_checksum, struct error *err);
bool native_checksum_equal(const struct native_checksum *a, const struct native_checksum *b);
/* What the record can tell AIStore's clients: the native one, or the MD5 in the ETag, or a checksum
 * of S3's of the whole that AIStore knows; else type NONE. */
void native_checksum_of_record(const struct object_record *record,
                               struct native_checksum *ret_checksum);

/* init -> update* -> final -> release; all zero bytes may be released. */
struct native_digest {
    enum native_checksum_type type;
    struct hash_stream xxhash;
    struct digest digest;
};
void native_digest_init(struct native_digest *digest, enum native_checksum_type type);
void native_digest_update(struct native_digest *digest, struct bytes data);
void native_digest_final(struct native_digest *digest, struct native_checksum *ret_checksum);
void native_digest_release(struct native_digest *digest);

#endif
