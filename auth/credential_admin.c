/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and keys as control values.
 *
 * A key belongs to an existing user: access_key_create writes the key first and then the user's
 * value again at the revision that it read.  A concurrent user_delete either sees the key or makes
 * that second write fail, upon which the key is taken back.  A crash between the two writes leaves
 * either a key of an existing user, whose secret nobody was told, or one without a user, which
 * credential_store_create removes before anybody can use it.
 */
#include "auth/credential_document.h"
#include "auth/credential_lookup.h"
#include "auth/credential_store.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"

#include "base/banned.h"

/* How often an operation begins again when the user's value changed under it. */
#define ATTEMPTS_MAX 8

#define ACCESS_KEY_PREFIX "LODE"
#define ACCESS_KEY_SIZE 20 /* 16 characters of 32: 80 bits */
#define SECRET_SIZE 40     /* characters of 64: 240 bits */

#define USER_PREFIX "user/"
#define KEY_PREFIX "key/"

static const char BASE32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool
is_user_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("+=,.@_-", c) != NULL))) {
            return false;
        }
    }
    return name.size >= 1 && name.size <= USER_NAME_BYTES_MAX;
}

static enum status
check_user_name(struct bytes name, struct error *err)
{
    return is_user_name(name)
               ? ST_OK
               : fail(err, ST_INVALID,
                      "a user name has 1 to %d characters out of letters, digits and +=,.@_-",
                      USER_NAME_BYTES_MAX);
}

static enum status
no_such_user(struct bytes name, struct error *err)
{
    return fail(err, ST_NOT_FOUND, "The user with name %.*s cannot be found.", BYTES_ARGS(name));
}

/* Somebody else changed the user in between; the caller begins again a few times. */
static enum status
is_busy(struct error *err)
{
    return fail(err, ST_BUSY, "The user is being changed by other requests; try again.");
}

/* ---- users ---- */

enum status
user_create(struct credential_store *store, struct bytes name, struct user *ret_user,
            struct arena *arena, struct error *err)
{
    struct buffer text = BUFFER_INIT;
    int64_t now_s = clock_wall_s();
    enum status st = check_user_name(name, err);

    if (st != ST_OK) {
        return st;
    }
    if (bytes_equal_string(name, CREDENTIAL_ROOT_USER)) {
        return fail(err, ST_EXISTS, "User with name %s already exists.", CREDENTIAL_ROOT_USER);
    }
    credential_document_write(&text, now_s, BYTES_NONE, BYTES_NONE);
    st = control_put(credential_store_control(store),
                     credential_document_key(arena, USER_PREFIX, name), buffer_bytes(&text),
                     CONTROL_MUST_NOT_EXIST, NULL, err);
    buffer_release(&text);
    if (st == ST_CONFLICT) {
        return fail(err, ST_EXISTS, "User with name %.*s already exists.", BYTES_ARGS(name));
    }
    if (st == ST_OK) {
        *ret_user = (struct user){.name = arena_copy(arena, name), .created_s = now_s};
    }
    return st;
}

/* The user's control value. */
static enum status
get_user_value(struct credential_store *store, struct bytes name, struct arena *arena,
               struct control_value *ret_value, struct error *err)
{
    enum status st;

    if (!is_user_name(name)) {
        return no_such_user(name, err);
    }
    st = control_get(credential_store_control(store),
                     credential_document_key(arena, USER_PREFIX, name), arena, ret_value, err);
    return st == ST_NOT_FOUND ? no_such_user(name, err) : st;
}

struct collector {
    struct arena *arena;
    size_t count;
    size_t capacity;
    struct user *users;
    struct bytes user; /* keys of this one */
    struct access_key *keys;
};

static void *
grow(struct collector *collector, void *items, size_t item_size)
{
    void *grown;

    if (collector->count < collector->capacity) {
        return items;
    }
    collector->capacity = collector->capacity == 0 ? 16 : 2 * collector->capacity;
    grown = arena_calloc(collector->arena, collector->capacity, item_size);
    if (collector->count > 0) {
        memcpy(grown, items, collector->count * item_size);
    }
    return grown;
}

static enum status
collect_user(const struct control_value *value, void *arg, struct error *err)
{
    struct collector *collector = arg;
    struct credential_document document;

    if (!credential_document_read(value->value, false, &document)) {
        return fail(err, ST_CORRUPT, "control value %.*s is not of a known form",
                    BYTES_ARGS(value->key));
    }
    collector->users = grow(collector, collector->users, sizeof(*collector->users));
    collector->users[collector->count++] = (struct user){
        .name = arena_copy(collector->arena,
                           bytes_slice(value->key, strlen(USER_PREFIX), value->key.size)),
        .created_s = document.created_s,
    };
    credential_document_release(&document);
    return ST_OK;
}

enum status
user_list(struct credential_store *store, struct arena *arena, struct user **ret_users,
          size_t *ret_count, struct error *err)
{
    struct collector collector = {.arena = arena};
    enum status st = control_list(credential_store_control(store), BYTES_LITERAL(USER_PREFIX),
                                  collect_user, &collector, err);

    if (st == ST_OK) {
        *ret_users = collector.users;
        *ret_count = collector.count;
    }
    return st;
}

enum status
user_get(struct credential_store *store, struct bytes name, struct arena *arena,
         struct user *ret_user, struct error *err)
{
    struct control_value value;
    struct collector collector = {.arena = arena};
    enum status st = get_user_value(store, name, arena, &value, err);

    if (st == ST_OK) {
        st = collect_user(&value, &collector, err);
    }
    if (st == ST_OK) {
        *ret_user = collector.users[0];
    }
    return st;
}

enum status
user_delete(struct credential_store *store, struct bytes name, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;
    struct access_key *keys;
    size_t key_count = 0;
    enum status st = ST_BUSY;

    for (int attempt = 0; st == ST_BUSY && attempt < ATTEMPTS_MAX; attempt++) {
        st = get_user_value(store, name, &arena, &value, err);
        if (st == ST_OK) {
            st = access_key_list(store, name, &arena, &keys, &key_count, err);
        }
        if (st == ST_OK && key_count > 0) {
            st = fail(err, ST_CONFLICT, "Cannot delete entity, must delete access keys first.");
        }
        if (st == ST_OK) {
            st = control_delete(credential_store_control(store), value.key, value.revision, err);
            st = st == ST_CONFLICT ? is_busy(err) : st;
        }
    }
    arena_release(&arena);
    return st;
}

/* ---- keys ---- */

static enum status
collect_key(const struct control_value *value, void *arg, struct error *err)
{
    struct collector *collector = arg;
    struct credential_document document;

    if (!credential_document_read(value->value, true, &document)) {
        return ST_OK; /* logged when the table met it; belongs to nobody */
    }
    if (bytes_equal(document.user, collector->user)) {
        collector->keys = grow(collector, collector->keys, sizeof(*collector->keys));
        collector->keys[collector->count++] = (struct access_key){
            .access_key = arena_copy(collector->arena,
                                     bytes_slice(value->key, strlen(KEY_PREFIX), value->key.size)),
            .user = collector->user,
            .created_s = document.created_s,
        };
    }
    credential_document_release(&document);
    return ST_OK;
}

enum status
access_key_list(struct credential_store *store, struct bytes user, struct arena *arena,
                struct access_key **ret_keys, size_t *ret_count, struct error *err)
{
    struct control_value value;
    struct collector collector = {.arena = arena, .user = arena_copy(arena, user)};
    enum status st = get_user_value(store, user, arena, &value, err);

    if (st == ST_OK) {
        st = control_list(credential_store_control(store), BYTES_LITERAL(KEY_PREFIX), collect_key,
                          &collector, err);
    }
    if (st == ST_OK) {
        *ret_keys = collector.keys;
        *ret_count = collector.count;
    }
    return st;
}

static void
fill_from(const char *alphabet, unsigned int mask, char *out, size_t size)
{
    entropy_fill(out, size);
    for (size_t i = 0; i < size; i++) {
        out[i] = alphabet[(unsigned char)out[i] & mask];
    }
}

/* Write the key, then the user's value again; take the key back if that fails. */
static enum status
put_key(struct credential_store *store, const struct control_value *user_value, struct bytes key,
        struct bytes document, struct error *err)
{
    struct control *control = credential_store_control(store);
    uint64_t key_revision = 0;
    enum status st =
        control_put(control, key, document, CONTROL_MUST_NOT_EXIST, &key_revision, err);

    if (st == ST_OK) {
        st = control_put(control, user_value->key, user_value->value, user_value->revision, NULL,
                         err);
        if (st != ST_OK && control_delete(control, key, key_revision, NULL) != ST_OK) {
            return fail(err, ST_IO, "an access key could not be made, nor taken back");
        }
    }
    return st == ST_CONFLICT ? is_busy(err) : st;
}

/* One attempt; ST_BUSY: begin again. */
static enum status
try_access_key_create(struct credential_store *store, struct bytes user, struct arena *arena,
                      struct access_key *ret_key, struct bytes *ret_secret, struct error *err)
{
    struct control_value value;
    struct access_key *keys;
    struct buffer document = BUFFER_INIT;
    size_t key_count = 0;
    int64_t now_s = clock_wall_s();
    char access_key[ACCESS_KEY_SIZE] = ACCESS_KEY_PREFIX;
    char secret[SECRET_SIZE];
    enum status st = get_user_value(store, user, arena, &value, err);

    if (st == ST_OK) {
        st = access_key_list(store, user, arena, &keys, &key_count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (key_count >= KEYS_PER_USER_MAX) {
        return fail(err, ST_TOO_LARGE, "Cannot exceed quota for AccessKeysPerUser: %d",
                    KEYS_PER_USER_MAX);
    }
    fill_from(BASE32, 31, access_key + strlen(ACCESS_KEY_PREFIX),
              ACCESS_KEY_SIZE - strlen(ACCESS_KEY_PREFIX));
    fill_from(BASE64, 63, secret, SECRET_SIZE);
    credential_document_write(&document, now_s, user, bytes_of(secret, SECRET_SIZE));
    st = put_key(store, &value,
                 credential_document_key(arena, KEY_PREFIX, bytes_of(access_key, ACCESS_KEY_SIZE)),
                 buffer_bytes(&document), err);
    if (st == ST_OK) {
        *ret_key = (struct access_key){
            .access_key = arena_copy(arena, bytes_of(access_key, ACCESS_KEY_SIZE)),
            .user = arena_copy(arena, user),
            .created_s = now_s,
        };
        *ret_secret = arena_copy(arena, bytes_of(secret, SECRET_SIZE));
    }
    memory_wipe(secret, sizeof(secret));
    memory_wipe(document.data, document.size);
    buffer_release(&document);
    return st;
}

enum status
access_key_create(struct credential_store *store, struct bytes user, struct arena *arena,
                  struct access_key *ret_key, struct bytes *ret_secret, struct error *err)
{
    enum status st = ST_BUSY;

    for (int attempt = 0; st == ST_BUSY && attempt < ATTEMPTS_MAX; attempt++) {
        st = try_access_key_create(store, user, arena, ret_key, ret_secret, err);
    }
    return st;
}

enum status
access_key_delete(struct credential_store *store, struct bytes user, struct bytes access_key,
                  struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;
    struct credential_document document;
    struct bytes key = credential_document_key(&arena, KEY_PREFIX, access_key);
    bool is_owned = false;
    enum status st = control_get(credential_store_control(store), key, &arena, &value, NULL);

    if (st == ST_OK && credential_document_read(value.value, true, &document)) {
        is_owned = bytes_equal(document.user, user);
        credential_document_release(&document);
    }
    if (is_owned) {
        st = control_delete(credential_store_control(store), key, value.revision, err);
    }
    if (!is_owned || st == ST_CONFLICT) { /* in conflict: it was deleted a moment ago */
        st = fail(err, ST_NOT_FOUND, "The Access Key with id %.*s cannot be found.",
                  BYTES_ARGS(access_key));
    }
    arena_release(&arena);
    return st;
}
