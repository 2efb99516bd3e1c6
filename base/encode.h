/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text forms of bytes: hex, base64 (RFC 4648 section 4, padded), percent-encoding (RFC 3986), and
 * big-endian integers.  Pure functions, any thread.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include <stdint.h>

#include "base/bytes.h"

/* out: 2 * data.size bytes and a NUL. */
void encode_hex(struct bytes data, char *out);
/* out: text.size / 2 bytes.  Upper and lower case; ST_INVALID on odd length or a foreign digit. */
MUST_USE enum status decode_hex(struct bytes text, void *out);

#define ENCODE_BASE64_SIZE(n) (((n) + 2) / 3 * 4)
/* out: ENCODE_BASE64_SIZE(data.size) bytes and a NUL. */
void encode_base64(struct bytes data, char *out);
/* out: capacity bytes; strict: padding required, no spaces, unused bits zero. */
MUST_USE enum status decode_base64(struct bytes text, void *out, size_t capacity, size_t *ret_size);

/* Unreserved characters stay, all others become %XX (upper case).  '/' stays if keep_slash. */
void encode_uri(struct bytes text, bool keep_slash, struct buffer *out);
/* %XX decoded; '+' becomes a space if plus_is_space.  ST_INVALID on a broken escape. */
MUST_USE enum status decode_uri(struct bytes text, bool plus_is_space, struct buffer *out);

void encode_u16_be(void *out, uint16_t value);
void encode_u32_be(void *out, uint32_t value);
void encode_u64_be(void *out, uint64_t value);
uint16_t decode_u16_be(const void *in);
uint32_t decode_u32_be(const void *in);
uint64_t decode_u64_be(const void *in);

#endif
