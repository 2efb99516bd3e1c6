/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter for bodies in mode PAYLOAD_SIGNED: passes everything on, and at the end refuses the body
 * (ST_DIGEST_MISMATCH, XAmzContentSHA256Mismatch) if its SHA-256 is not the one that was signed,
 * before the next sink's finish.  Hashing costs the same here or in a digest_set; an operation that
 * computes SHA-256 anyway (x-amz-checksum-sha256) saves one of two hashes by leaving this filter
 * out and calling authentication_check_body() before it commits.
 */
#ifndef AUTH_PAYLOAD_SHA256_H
#define AUTH_PAYLOAD_SHA256_H

#include "auth/authenticate.h"
#include "stream/sink.h"

/* authentication is borrowed until release.  Takes next. */
struct sink *payload_sha256_create(const struct authentication *authentication,
                                   struct sink **take_next);

#endif
