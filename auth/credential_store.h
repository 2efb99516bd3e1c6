/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and access keys, kept as control values "user/<name>" and "key/<access key>", with a copy
 * in memory for lookups on the loop.  The root credential is given by the program and never stored
 * here.
 */
#ifndef AUTH_CREDENTIAL_STORE_H
#define AUTH_CREDENTIAL_STORE_H

#include "base/affinity.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"
#include "control/control.h"

#define USER_NAME_BYTES_MAX 64 /* IAM: [A-Za-z0-9+=,.@_-]{1,64} */
#define KEYS_PER_USER_MAX 2    /* as IAM: one in use, one to change over to */
#define ACCESS_KEY_BYTES_MAX 128
#define SECRET_KEY_BYTES_MAX 128

struct credential_store;
struct failure_limit;

MUST_USE enum status credential_store_create(struct control *control, struct bytes root_access_key,
                                             struct bytes root_secret_key,
                                             struct credential_store **ret_store,
                                             struct error *err);
/* control, which goes on watching for the store, takes no change afterwards: destroy the store
 * right before control is closed. */
void credential_store_destroy(struct credential_store **take_store);
/* Who has failed too often to name a key of this store and sign with it; lives as long. */
struct failure_limit *credential_store_failures(struct credential_store *store);

struct user {
    struct bytes name; /* id and display name */
    int64_t created_s;
};
struct access_key {
    struct bytes access_key;
    struct bytes user;
    int64_t created_s;
};

/* ST_EXISTS, ST_INVALID. */
MUST_USE ON_WORKER enum status user_create(struct credential_store *store, struct bytes name,
                                           struct user *ret_user, struct arena *arena,
                                           struct error *err);
/* ST_NOT_FOUND; ST_CONFLICT: it still has keys. */
MUST_USE ON_WORKER enum status user_delete(struct credential_store *store, struct bytes name,
                                           struct error *err);
MUST_USE enum status user_list(struct credential_store *store, struct arena *arena,
                               struct user **ret_users, size_t *ret_count, struct error *err);
MUST_USE enum status user_get(struct credential_store *store, struct bytes name,
                              struct arena *arena, struct user *ret_user, struct error *err);
/* The secret is returned here and never again.  ST_NOT_FOUND, ST_TOO_LARGE (too many keys). */
MUST_USE ON_WORKER enum status access_key_create(struct credential_store *store, struct bytes user,
                                                 struct arena *arena, struct access_key *ret_key,
                                                 struct bytes *ret_secret, struct error *err);
MUST_USE ON_WORKER enum status access_key_delete(struct credential_store *store, struct bytes user,
                                                 struct bytes access_key, struct error *err);
MUST_USE enum status access_key_list(struct credential_store *store, struct bytes user,
                                     struct arena *arena, struct access_key **ret_keys,
                                     size_t *ret_count, struct error *err);

#endif
