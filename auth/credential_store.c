/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of access keys follows the control values by a watch: control calls one watcher at a
 * time, so there is one writer, and readers hold the lock for one comparison and copy.
 *
 * The signing key cache and the table are wiped entry by entry when a key goes.
 */
#include "auth/credential_store.h"

#include <pthread.h>

#include "auth/auth_metrics.h"
#include "auth/credential_document.h"
#include "auth/credential_lookup.h"
#include "auth/failure_limit.h"
#include "auth/signing_key_cache.h"
#include "base/check.h"
#include "base/entropy.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

#define TABLE_COUNT_MIN 64
#define NOBODY_SECRET_SIZE 40 /* as long as those that we make */

struct credential {
    struct credential *next; /* in its chain of the table */
    uint64_t serial;         /* never used twice in a process; not 0 */
    bool is_root;
    char access_key[ACCESS_KEY_BYTES_MAX];
    size_t access_key_size;
    char secret[SECRET_KEY_BYTES_MAX];
    size_t secret_size;
    char user[USER_NAME_BYTES_MAX];
    size_t user_size;
};

struct credential_store {
    struct control *control;
    struct signing_key_cache *signing_keys;
    struct failure_limit *failures;
    uint64_t hash_seed;
    uint64_t last_serial;     /* the watcher */
    struct credential nobody; /* whose work is done for unknown keys */
    size_t credential_count;  /* the watcher */
    pthread_mutex_t lock;
    struct credential **table; /* guarded by lock */
    size_t table_count;        /* power of two; guarded by lock */
};

/* ---- the table ---- */

static struct credential *
credential_create(struct credential_store *store, struct bytes access_key, struct bytes secret,
                  struct bytes user)
{
    struct credential *credential = xcalloc(1, sizeof(*credential));

    CHECK(access_key.size <= ACCESS_KEY_BYTES_MAX && secret.size <= SECRET_KEY_BYTES_MAX &&
          user.size <= USER_NAME_BYTES_MAX);
    credential->serial = ++store->last_serial;
    credential->access_key_size = access_key.size;
    memcpy(credential->access_key, access_key.data, access_key.size);
    credential->secret_size = secret.size;
    memcpy(credential->secret, secret.data, secret.size);
    credential->user_size = user.size;
    memcpy(credential->user, user.data, user.size);
    return credential;
}

static struct credential **
table_place(struct credential_store *store, struct credential **table, size_t count,
            struct bytes access_key)
{
    struct credential **place = &table[hash_bytes(access_key, store->hash_seed) & (count - 1)];

    while (*place != NULL &&
           !bytes_equal(bytes_of((*place)->access_key, (*place)->access_key_size), access_key)) {
        place = &(*place)->next;
    }
    return place;
}

static void
table_grow(struct credential_store *store)
{
    size_t count = store->table_count * 2;
    struct credential **table = xcalloc(count, sizeof(*table));
    struct credential **old = NULL;

    WITH_LOCK (&store->lock) {
        old = store->table;
        for (size_t i = 0; i < store->table_count; i++) {
            while (old[i] != NULL) {
                struct credential *credential = old[i];
                struct credential **place =
                    table_place(store, table, count,
                                bytes_of(credential->access_key, credential->access_key_size));

                old[i] = credential->next;
                credential->next = NULL;
                *place = credential;
            }
        }
        store->table = table;
        store->table_count = count;
    }
    free(old);
}

static void
credential_free(struct credential_store *store, struct credential *credential)
{
    if (credential != NULL) {
        signing_key_cache_forget(store->signing_keys, credential->serial);
        memory_wipe(credential, sizeof(*credential));
        free(credential);
    }
}

/* Put, replace, or with credential NULL remove; root's entry stays as it is. */
static void
table_set(struct credential_store *store, struct bytes access_key, struct credential *credential)
{
    struct credential *old = NULL;

    if (credential != NULL && store->credential_count == store->table_count) {
        table_grow(store);
    }
    WITH_LOCK (&store->lock) {
        struct credential **place =
            table_place(store, store->table, store->table_count, access_key);

        old = *place;
        if (old != NULL && old->is_root) {
            old = credential;
        } else {
            if (old != NULL) {
                *place = old->next;
                store->credential_count--;
            }
            if (credential != NULL) {
                struct credential **chain =
                    table_place(store, store->table, store->table_count, access_key);

                credential->next = NULL;
                *chain = credential;
                store->credential_count++;
            }
        }
    }
    credential_free(store, old);
}

struct control *
credential_store_control(struct credential_store *store)
{
    return store->control;
}

/* False: no such key; ret_copy is then nobody's.  The caller wipes it. */
static bool
copy_credential(struct credential_store *store, struct bytes access_key,
                struct credential *ret_copy)
{
    bool is_found = false;

    *ret_copy = store->nobody;
    WITH_LOCK (&store->lock) {
        const struct credential *credential =
            *table_place(store, store->table, store->table_count, access_key);

        is_found = credential != NULL;
        *ret_copy = is_found ? *credential : *ret_copy;
    }
    return is_found;
}

/* What leaves the store of a copy; the rest is wiped. */
static void
give_owner(struct credential *take_copy, struct credential_owner *ret_owner)
{
    ret_owner->is_root = take_copy->is_root;
    ret_owner->user_size = take_copy->user_size;
    memcpy(ret_owner->user, take_copy->user, sizeof(ret_owner->user));
    memory_wipe(take_copy, sizeof(*take_copy));
}

bool
credential_signing_key(struct credential_store *store, struct bytes access_key, struct bytes date,
                       struct bytes region, struct bytes service,
                       unsigned char ret_key[HMAC_SHA256_SIZE], struct credential_owner *ret_owner)
{
    struct credential copy;
    bool is_found = copy_credential(store, access_key, &copy);

    signing_key_cache_get(store->signing_keys, copy.serial, bytes_of(copy.secret, copy.secret_size),
                          date, region, service, ret_key);
    give_owner(&copy, ret_owner);
    return is_found;
}

bool
credential_hmac_sha1(struct credential_store *store, struct bytes access_key, struct bytes message,
                     unsigned char ret_mac[HMAC_SHA1_SIZE], struct credential_owner *ret_owner)
{
    struct credential copy;
    bool is_found = copy_credential(store, access_key, &copy);

    hmac_sha1(bytes_of(copy.secret, copy.secret_size), message, ret_mac);
    give_owner(&copy, ret_owner);
    return is_found;
}

bool
credential_find_owner(struct credential_store *store, struct bytes access_key,
                      struct credential_owner *ret_owner)
{
    struct credential copy;
    bool is_found = copy_credential(store, access_key, &copy);

    give_owner(&copy, ret_owner);
    return is_found;
}

/* ---- creation ---- */

static void
key_changed(const struct control_value *value, void *arg)
{
    struct credential_store *store = arg;
    struct bytes access_key = bytes_slice(value->key, strlen("key/"), value->key.size);
    struct credential *credential = NULL;
    struct credential_document document;

    if (access_key.size > ACCESS_KEY_BYTES_MAX) {
        return;
    }
    if (value->value.data != NULL && credential_document_read(value->value, true, &document)) {
        credential = credential_create(store, access_key, document.secret, document.user);
        credential_document_release(&document);
    } else if (value->value.data != NULL) {
        log_error(NULL, "access_key_unreadable",
                  "an access key of control revision %llu is not of a known form and is refused",
                  (unsigned long long)value->revision);
    }
    table_set(store, access_key, credential);
}

struct orphans {
    struct credential_store *store;
    struct arena arena;
};

/* Remove a key whose user is gone: see auth/credential_admin.c. */
static enum status
remove_orphan(const struct control_value *value, void *arg, struct error *err)
{
    struct orphans *orphans = arg;
    struct credential_document document;
    struct control_value user;
    enum status st;

    if (!credential_document_read(value->value, true, &document)) {
        return ST_OK;
    }
    st = control_get(orphans->store->control,
                     credential_document_key(&orphans->arena, "user/", document.user),
                     &orphans->arena, &user, NULL);
    credential_document_release(&document);
    if (st != ST_NOT_FOUND) {
        return ST_OK;
    }
    log_info(NULL, "access_key_orphan_removed", "an access key whose user is gone was removed");
    return control_delete(orphans->store->control, value->key, value->revision, err);
}

enum status
credential_store_create(struct control *control, struct bytes root_access_key,
                        struct bytes root_secret_key, struct credential_store **ret_store,
                        struct error *err)
{
    struct orphans orphans = {.arena = ARENA_INIT};
    struct credential_store *store;
    struct credential *root;
    enum status st;

    if (root_access_key.size == 0 || root_access_key.size > ACCESS_KEY_BYTES_MAX ||
        root_secret_key.size == 0 || root_secret_key.size > SECRET_KEY_BYTES_MAX) {
        return fail(err, ST_INVALID, "the root keys must have 1 to %d and 1 to %d bytes",
                    ACCESS_KEY_BYTES_MAX, SECRET_KEY_BYTES_MAX);
    }
    auth_metrics_register();
    store = xcalloc(1, sizeof(*store));
    store->control = control;
    store->signing_keys = signing_key_cache_create();
    store->failures = failure_limit_create();
    store->hash_seed = entropy_u64();
    store->table_count = TABLE_COUNT_MIN;
    store->table = xcalloc(store->table_count, sizeof(struct credential *));
    CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
    store->nobody.serial = ++store->last_serial;
    store->nobody.secret_size = NOBODY_SECRET_SIZE;
    entropy_fill(store->nobody.secret, NOBODY_SECRET_SIZE);
    root = credential_create(store, root_access_key, root_secret_key,
                             BYTES_LITERAL(CREDENTIAL_ROOT_USER));
    root->is_root = true;
    table_set(store, root_access_key, root);
    orphans.store = store;
    st = control_list(control, BYTES_LITERAL("key/"), remove_orphan, &orphans, err);
    arena_release(&orphans.arena);
    if (st == ST_OK) {
        st = control_watch(control, BYTES_LITERAL("key/"), key_changed, store, err);
    }
    if (st != ST_OK) {
        credential_store_destroy(&store);
        return st;
    }
    *ret_store = store;
    return ST_OK;
}

void
credential_store_destroy(struct credential_store **take_store)
{
    struct credential_store *store = *take_store;

    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < store->table_count; i++) {
        while (store->table[i] != NULL) {
            struct credential *credential = store->table[i];

            store->table[i] = credential->next;
            memory_wipe(credential, sizeof(*credential));
            free(credential);
        }
    }
    free(store->table);
    signing_key_cache_destroy(&store->signing_keys);
    failure_limit_destroy(&store->failures);
    CHECK(pthread_mutex_destroy(&store->lock) == 0);
    memory_wipe(store, sizeof(*store));
    free(store);
    *take_store = NULL;
}

struct failure_limit *
credential_store_failures(struct credential_store *store)
{
    return store->failures;
}
