/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC (RFC 2104) over the digests with blocks of 64 bytes; auth/hmac_sha256.h and auth/hmac_sha1.h
 * say who may use which.  Any thread.
 */
#ifndef AUTH_HMAC_H
#define AUTH_HMAC_H

#include "stream/digest.h"

/* Messages of up to this size are hashed without an allocation after a thread's first call. */
#define HMAC_SHORT_BYTES_MAX 1024

/* kind: DIGEST_SHA1 or DIGEST_SHA256 (CHECKed).  ret_mac has room for digest_size(kind) bytes. */
void hmac(enum digest_kind kind, struct bytes key, struct bytes message, unsigned char *ret_mac);

#endif
