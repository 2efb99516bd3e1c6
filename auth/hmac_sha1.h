/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-1 (RFC 2104), with which AWS Signature Version 2 signs; nothing else may use it.  Any
 * thread.
 */
#ifndef AUTH_HMAC_SHA1_H
#define AUTH_HMAC_SHA1_H

#include "base/bytes.h"

#define HMAC_SHA1_SIZE 20

void hmac_sha1(struct bytes key, struct bytes message, unsigned char ret_mac[HMAC_SHA1_SIZE]);

#endif
