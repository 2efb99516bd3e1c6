/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three CRCs that S3 knows, each reflected, with initial value and final XOR all ones, in the
 * usual running form: start with 0, feed the result of one call to the next.  Also their
 * combination: the CRC of a concatenation from the CRCs of its pieces, which is how a FULL_OBJECT
 * checksum of a multipart upload is made without reading the parts again.  Any thread.
 */
#ifndef STREAM_CRC_H
#define STREAM_CRC_H

#include <stdint.h>

#include "base/bytes.h"

uint32_t crc32_zlib(uint32_t crc, struct bytes data);       /* zlib, gzip, "crc32" of S3 */
uint32_t crc32_castagnoli(uint32_t crc, struct bytes data); /* iSCSI, "crc32c" of S3 */
uint64_t crc64_nvme(uint64_t crc, struct bytes data); /* SPEC: NVMe NVM Command Set, 64b CRC */

/* CRC of first followed by second_size bytes whose CRC is second. */
uint32_t crc32_zlib_combine(uint32_t first, uint32_t second, uint64_t second_size);
uint32_t crc32_castagnoli_combine(uint32_t first, uint32_t second, uint64_t second_size);
uint64_t crc64_nvme_combine(uint64_t first, uint64_t second, uint64_t second_size);

/* The implementation for processors without carry-less multiplication; tests compare the two. */
uint64_t crc64_nvme_portable(uint64_t crc, struct bytes data);

#endif
