/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to auth/: who an access key belongs to, and the signing key or MAC that its secret gives.
 * The secret itself does not leave the store.
 */
#ifndef AUTH_CREDENTIAL_LOOKUP_H
#define AUTH_CREDENTIAL_LOOKUP_H

#include "auth/credential_store.h"
#include "auth/hmac_sha1.h"
#include "auth/hmac_sha256.h"

#define CREDENTIAL_ROOT_USER "root"

struct credential_owner {
    bool is_root;
    size_t user_size;
    char user[USER_NAME_BYTES_MAX];
};

/*
 * False: no such key.  ret_key is then derived in the same way from a secret that nobody knows, so
 * that the time until the answer does not tell.  Any thread; nanoseconds under a lock.
 */
bool credential_signing_key(struct credential_store *store, struct bytes access_key,
                            struct bytes date, struct bytes region, struct bytes service,
                            unsigned char ret_key[HMAC_SHA256_SIZE],
                            struct credential_owner *ret_owner);

/* The same for version 2, which signs with the secret itself: the MAC of message. */
bool credential_hmac_sha1(struct credential_store *store, struct bytes access_key,
                          struct bytes message, unsigned char ret_mac[HMAC_SHA1_SIZE],
                          struct credential_owner *ret_owner);

/* Who the key belongs to, for a request that was authenticated elsewhere.  False: no such key. */
bool credential_find_owner(struct credential_store *store, struct bytes access_key,
                           struct credential_owner *ret_owner);

struct control *credential_store_control(struct credential_store *store);

#endif
