/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksums of S3's clients: names, text form, and which of them a request carries.
 * SPEC: S3 checking object integrity: CRC32, CRC32C, CRC64NVME, SHA1, SHA256.  Any thread.
 */
#ifndef S3_S3_CHECKSUM_H
#define S3_S3_CHECKSUM_H

#include "object/object_put.h"
#include "s3/s3_headers.h"
#include "stream/digest.h"

/* Base64 of the longest value, "-10000" and a NUL. */
#define S3_CHECKSUM_TEXT_SIZE (ENCODED_CHECKSUM_BYTES + 7)
#define ENCODED_CHECKSUM_BYTES 44

enum digest_kind s3_checksum_digest(enum checksum_algorithm algorithm);
const char *s3_checksum_name(enum checksum_algorithm algorithm);        /* "CRC32" */
const char *s3_checksum_header_name(enum checksum_algorithm algorithm); /* response header */
const char *s3_checksum_xml_name(enum checksum_algorithm algorithm);    /* "ChecksumCRC32" */
const char *s3_checksum_type_name(enum checksum_type type);             /* "FULL_OBJECT" */

/* "CRC32" and so on, in any case.  ST_INVALID (InvalidRequest); ST_NOT_IMPLEMENTED for those of S3
 * that are not kept here. */
MUST_USE enum status s3_checksum_parse_algorithm(struct bytes text, const char *header_name,
                                                 enum checksum_algorithm *ret_algorithm,
                                                 struct error *err);
MUST_USE enum status s3_checksum_parse_type(struct bytes text, enum checksum_type *ret_type,
                                            struct error *err);
/* Base64 of exactly the algorithm's size; a "-N" behind it makes it COMPOSITE where
 * may_be_composite. ST_INVALID (InvalidRequest). */
MUST_USE enum status s3_checksum_parse_value(enum checksum_algorithm algorithm, struct bytes text,
                                             bool may_be_composite, struct checksum *ret_checksum,
                                             struct error *err);
/* part_count: shown behind a COMPOSITE value; 0: not. */
struct bytes s3_checksum_format(const struct checksum *checksum, uint32_t part_count,
                                char out[S3_CHECKSUM_TEXT_SIZE]);

/* The one checksum of a request: x-amz-checksum-*, or announced in x-amz-trailer where has_trailer
 * (size 0 then); algorithm NONE if there is none.  ST_INVALID (InvalidRequest),
 * ST_NOT_IMPLEMENTED. */
MUST_USE enum status s3_checksum_of_request(const struct s3_headers *headers, bool has_trailer,
                                            bool may_be_composite, struct checksum *ret_checksum,
                                            struct error *err);
/* Content-MD5; *ret_has false if there is none.  ST_INVALID (InvalidDigest). */
MUST_USE enum status s3_checksum_of_md5(const struct s3_headers *headers, bool *ret_has,
                                        unsigned char ret_md5[16], struct error *err);

#endif
