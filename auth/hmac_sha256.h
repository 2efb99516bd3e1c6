/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 (RFC 2104) of short messages, and the signing key of AWS Signature Version 4 that is
 * derived with it.  Any thread; no allocation after a thread's first call.
 */
#ifndef AUTH_HMAC_SHA256_H
#define AUTH_HMAC_SHA256_H

#include "auth/hmac.h"

#define HMAC_SHA256_SIZE 32
/* Longest message: a string to sign has some 350 bytes, a scope of foreign length included. */
#define HMAC_SHA256_MESSAGE_BYTES_MAX HMAC_SHORT_BYTES_MAX

/* message.size is at most HMAC_SHA256_MESSAGE_BYTES_MAX (CHECKed). */
void hmac_sha256(struct bytes key, struct bytes message, unsigned char ret_mac[HMAC_SHA256_SIZE]);

/* SPEC: SigV4: HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request") */
void sigv4_signing_key(struct bytes secret, struct bytes date, struct bytes region,
                       struct bytes service, unsigned char ret_key[HMAC_SHA256_SIZE]);

#endif
