/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing keys that were derived before, by credential, date, region and service: a fixed number of
 * places, a newer key takes the place of an older one.  Keys are wiped when they leave.  Any
 * thread; the locks are held for the copy of one key.
 */
#ifndef AUTH_SIGNING_KEY_CACHE_H
#define AUTH_SIGNING_KEY_CACHE_H

#include "auth/hmac_sha256.h"
#include "base/bytes.h"

/* Credentials times regions in use within a day that are verified without deriving again. */
#define SIGNING_KEY_CACHE_COUNT 4096
/* Longest date, region and service together; longer ones are derived each time. */
#define SIGNING_KEY_SCOPE_BYTES_MAX 96

struct signing_key_cache;

struct signing_key_cache *signing_key_cache_create(void);
void signing_key_cache_destroy(struct signing_key_cache **take_cache);

/* serial: of the credential, never used for another one.  secret is read only if the key has to be
 * derived. */
void signing_key_cache_get(struct signing_key_cache *cache, uint64_t serial, struct bytes secret,
                           struct bytes date, struct bytes region, struct bytes service,
                           unsigned char ret_key[HMAC_SHA256_SIZE]);
/* Wipe all keys of a credential that was removed. */
void signing_key_cache_forget(struct signing_key_cache *cache, uint64_t serial);

#endif
