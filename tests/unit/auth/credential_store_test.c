/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "auth/credential_lookup.h"
#include "base/memory.h"
#include "tests/unit/control/fake_meta_db.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

struct opened {
    struct arena arena;
    struct control *control;
    struct credential_store *store;
};

static void
open_store(struct opened *opened)
{
    char *directory = xasprintf("%s/control", test_directory());

    *opened = (struct opened){.arena = ARENA_INIT};
    EXPECT_OK(control_open_local(directory, &opened->control, &err), &err);
    EXPECT_OK(credential_store_create(opened->control, BYTES_LITERAL("rootkey"),
                                      BYTES_LITERAL("rootsecret"), &opened->store, &err),
              &err);
    free(directory);
}

static void
close_store(struct opened *opened)
{
    credential_store_destroy(&opened->store);
    EXPECT(opened->store == NULL);
    control_close(&opened->control);
    arena_release(&opened->arena);
}

static bool
derive(struct credential_store *store, struct bytes access_key, const char *region,
       unsigned char ret_key[32], struct credential_owner *ret_owner)
{
    return credential_signing_key(store, access_key, BYTES_LITERAL("20261120"),
                                  bytes_of_string(region), BYTES_LITERAL("s3"), ret_key, ret_owner);
}

static void
make_user(struct opened *opened, const char *name)
{
    struct user user;

    EXPECT_OK(user_create(opened->store, bytes_of_string(name), &user, &opened->arena, &err), &err);
    EXPECT_BYTES(bytes_of_string(name), user.name);
}

static struct access_key
make_key(struct opened *opened, const char *user, struct bytes *ret_secret)
{
    struct access_key key;

    EXPECT_OK(access_key_create(opened->store, bytes_of_string(user), &opened->arena, &key,
                                ret_secret, &err),
              &err);
    EXPECT_BYTES(bytes_of_string(user), key.user);
    return key;
}

/* The signing key that the store derives is the one that the client derives from its secret. */
TEST(keys_are_found_and_survive_reopening)
{
    struct opened opened;
    struct credential_owner owner;
    struct access_key key;
    struct bytes secret;
    char key_text[64];
    char secret_text[64];
    unsigned char derived[32];
    unsigned char expected[32];

    open_store(&opened);
    make_user(&opened, "alice");
    key = make_key(&opened, "alice", &secret);
    snprintf(key_text, sizeof(key_text), "%.*s", BYTES_ARGS(key.access_key));
    snprintf(secret_text, sizeof(secret_text), "%.*s", BYTES_ARGS(secret));
    for (int i = 0; i < 3; i++) {
        EXPECT(derive(opened.store, bytes_of_string(key_text), "r1", derived, &owner));
        sigv4_signing_key(bytes_of_string(secret_text), BYTES_LITERAL("20261120"),
                          BYTES_LITERAL("r1"), BYTES_LITERAL("s3"), expected);
        EXPECT_BYTES(bytes_of(expected, 32), bytes_of(derived, 32));
        EXPECT_BYTES(BYTES_LITERAL("alice"), bytes_of(owner.user, owner.user_size));
        EXPECT(!owner.is_root);
        if (i == 1) {
            close_store(&opened);
            open_store(&opened);
        }
    }
    EXPECT(derive(opened.store, BYTES_LITERAL("rootkey"), "r1", derived, &owner));
    EXPECT(owner.is_root);
    close_store(&opened);
}

/* RUSTFS GHSA-3p3x, CVE-2026-33419: an unknown key gives a key as well, always the same for a
 * scope, by the same way through the cache; only the answer says that there is none. */
TEST(unknown_keys_do_the_same_work)
{
    struct opened opened;
    struct credential_owner owner;
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};
    unsigned char third[32] = {0};

    open_store(&opened);
    EXPECT(!derive(opened.store, BYTES_LITERAL("unknown"), "r1", first, &owner));
    EXPECT(!owner.is_root);
    EXPECT_INT(0, owner.user_size);
    EXPECT(!derive(opened.store, BYTES_LITERAL("another"), "r1", second, &owner));
    EXPECT(!derive(opened.store, BYTES_LITERAL(""), "r2", third, &owner));
    EXPECT_BYTES(bytes_of(first, 32), bytes_of(second, 32));
    EXPECT(memcmp(first, third, 32) != 0);
    close_store(&opened);
}

/* Keys of another secret under the same scope never meet in the cache. */
TEST(cached_keys_belong_to_one_credential)
{
    struct opened opened;
    struct credential_owner owner;
    struct bytes secret;
    struct access_key key;
    unsigned char derived[32];
    unsigned char expected[32];

    open_store(&opened);
    make_user(&opened, "alice");
    for (int i = 0; i < 40; i++) {
        char region[16];

        key = make_key(&opened, "alice", &secret);
        snprintf(region, sizeof(region), "r%d", i % 3);
        EXPECT(derive(opened.store, key.access_key, region, derived, &owner));
        sigv4_signing_key(secret, BYTES_LITERAL("20261120"), bytes_of_string(region),
                          BYTES_LITERAL("s3"), expected);
        EXPECT_BYTES(bytes_of(expected, 32), bytes_of(derived, 32));
        EXPECT_OK(access_key_delete(opened.store, BYTES_LITERAL("alice"), key.access_key, &err),
                  &err);
        EXPECT(!derive(opened.store, key.access_key, region, derived, &owner));
    }
    close_store(&opened);
}

TEST(many_keys_are_all_found)
{
    struct opened opened;
    struct credential_owner owner;
    struct bytes keys[200];
    unsigned char derived[32];
    size_t count = 0;

    open_store(&opened);
    for (int i = 0; i < 100; i++) {
        char name[16];

        snprintf(name, sizeof(name), "user%d", i);
        make_user(&opened, name);
        for (int j = 0; j < KEYS_PER_USER_MAX; j++) {
            struct bytes secret;

            keys[count++] = make_key(&opened, name, &secret).access_key;
        }
    }
    for (size_t i = 0; i < count; i++) {
        EXPECT(derive(opened.store, keys[i], "r", derived, &owner));
    }
    close_store(&opened);
}

TEST(root_is_no_user_and_cannot_be_replaced)
{
    struct opened opened;
    struct credential_owner owner;
    struct user user;
    uint64_t revision;
    unsigned char before[32];
    unsigned char after[32];

    open_store(&opened);
    EXPECT_STATUS(ST_EXISTS,
                  user_create(opened.store, BYTES_LITERAL("root"), &user, &opened.arena, &err));
    EXPECT(derive(opened.store, BYTES_LITERAL("rootkey"), "r", before, &owner));
    EXPECT_OK(control_put(opened.control, BYTES_LITERAL("key/rootkey"),
                          BYTES_LITERAL("{\"version\":1,\"created_s\":1,\"user\":\"eve\","
                                        "\"secret\":\"known\"}"),
                          CONTROL_ANY_REVISION, &revision, &err),
              &err);
    EXPECT(derive(opened.store, BYTES_LITERAL("rootkey"), "r", after, &owner));
    EXPECT(owner.is_root);
    EXPECT_BYTES(bytes_of(before, 32), bytes_of(after, 32));
    EXPECT_OK(
        control_delete(opened.control, BYTES_LITERAL("key/rootkey"), CONTROL_ANY_REVISION, &err),
        &err);
    EXPECT(derive(opened.store, BYTES_LITERAL("rootkey"), "r", after, &owner));
    close_store(&opened);
}

/* Default secrets: there are none, and an empty one is refused. */
TEST(empty_root_keys_are_refused)
{
    struct opened opened;
    struct credential_store *store = NULL;

    open_store(&opened);
    EXPECT_STATUS(ST_INVALID, credential_store_create(opened.control, BYTES_LITERAL(""),
                                                      BYTES_LITERAL("x"), &store, &err));
    EXPECT_STATUS(ST_INVALID, credential_store_create(opened.control, BYTES_LITERAL("x"),
                                                      BYTES_NONE, &store, &err));
    EXPECT(store == NULL);
    close_store(&opened);
}

/* A value that is not of the known form gives no key, whatever it says. */
TEST(unreadable_documents_give_no_key)
{
    static const char *const BAD[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"version\":2,\"created_s\":1,\"user\":\"u\",\"secret\":\"s\"}",
        "{\"version\":1,\"created_s\":1,\"user\":\"u\"}",
        "{\"version\":1,\"created_s\":1,\"user\":\"\",\"secret\":\"s\"}",
        "{\"version\":1,\"created_s\":1,\"user\":\"u\",\"secret\":\"\"}",
        "{\"version\":1,\"created_s\":1,\"user\":\"u\",\"secret\":5}",
        "{\"version\":1,\"created_s\":1,\"user\":\"u\",\"secret\":\"s\",\"secret\":\"t\"}",
        "{\"version\":1,\"user\":\"u\",\"secret\":\"s\"}",
    };
    struct opened opened;
    struct credential_owner owner;
    unsigned char derived[32];
    uint64_t revision;

    open_store(&opened);
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        EXPECT_OK(control_put(opened.control, BYTES_LITERAL("key/k"), bytes_of_string(BAD[i]),
                              CONTROL_ANY_REVISION, &revision, &err),
                  &err);
        EXPECT(!derive(opened.store, BYTES_LITERAL("k"), "r", derived, &owner));
    }
    close_store(&opened);
}

/* A key whose user is gone (a crash between the two writes) is removed before it can be used. */
TEST(keys_without_a_user_are_removed_at_start)
{
    struct opened opened;
    struct credential_owner owner;
    struct control_value value;
    struct bytes secret;
    struct access_key key;
    char key_text[64];
    unsigned char derived[32];

    open_store(&opened);
    make_user(&opened, "alice");
    make_user(&opened, "bob");
    key = make_key(&opened, "alice", &secret);
    snprintf(key_text, sizeof(key_text), "key/%.*s", BYTES_ARGS(key.access_key));
    make_key(&opened, "bob", &secret);
    EXPECT_OK(
        control_delete(opened.control, BYTES_LITERAL("user/alice"), CONTROL_ANY_REVISION, &err),
        &err);
    close_store(&opened);
    open_store(&opened);
    EXPECT_STATUS(ST_NOT_FOUND, control_get(opened.control, bytes_of_string(key_text),
                                            &opened.arena, &value, &err));
    EXPECT(!derive(opened.store, bytes_of_string(key_text + 4), "r", derived, &owner));
    close_store(&opened);
}

TEST(users_with_keys_are_not_deleted)
{
    struct opened opened;
    struct bytes secret;
    struct access_key key;

    open_store(&opened);
    make_user(&opened, "alice");
    key = make_key(&opened, "alice", &secret);
    EXPECT_STATUS(ST_CONFLICT, user_delete(opened.store, BYTES_LITERAL("alice"), &err));
    EXPECT_OK(access_key_delete(opened.store, BYTES_LITERAL("alice"), key.access_key, &err), &err);
    EXPECT_STATUS(ST_NOT_FOUND,
                  access_key_delete(opened.store, BYTES_LITERAL("alice"), key.access_key, &err));
    EXPECT_OK(user_delete(opened.store, BYTES_LITERAL("alice"), &err), &err);
    EXPECT_STATUS(ST_NOT_FOUND, user_delete(opened.store, BYTES_LITERAL("alice"), &err));
    close_store(&opened);
}

/* A write that fails leaves neither key nor user, and says so. */
TEST(failed_writes_leave_nothing)
{
    struct opened opened;
    struct user user;
    struct access_key key;
    struct bytes secret;

    open_store(&opened);
    fake_meta_fail_next_write();
    EXPECT_STATUS(ST_IO,
                  user_create(opened.store, BYTES_LITERAL("alice"), &user, &opened.arena, &err));
    EXPECT_STATUS(ST_NOT_FOUND,
                  user_get(opened.store, BYTES_LITERAL("alice"), &opened.arena, &user, &err));
    EXPECT_STATUS(ST_NOT_FOUND, access_key_create(opened.store, BYTES_LITERAL("alice"),
                                                  &opened.arena, &key, &secret, &err));
    close_store(&opened);
}

struct racer {
    struct opened *opened;
    int created_count;
};

static void *
create_keys(void *arg)
{
    struct racer *racer = arg;

    for (int i = 0; i < 12; i++) {
        struct arena arena = ARENA_INIT;
        struct access_key key;
        struct bytes secret;
        enum status st = access_key_create(racer->opened->store, BYTES_LITERAL("alice"), &arena,
                                           &key, &secret, NULL);

        racer->created_count += st == ST_OK;
        EXPECT(st == ST_OK || st == ST_TOO_LARGE || st == ST_BUSY);
        arena_release(&arena);
    }
    return NULL;
}

/* Racing creations neither pass the limit nor lose or leave a key. */
TEST(racing_creations_keep_the_limit)
{
    struct opened opened;
    struct racer racers[4];
    pthread_t threads[4];
    struct access_key *keys;
    size_t count = 0;
    int created_count = 0;

    open_store(&opened);
    make_user(&opened, "alice");
    for (int i = 0; i < 4; i++) {
        racers[i] = (struct racer){&opened, 0};
        EXPECT_INT(0, pthread_create(&threads[i], NULL, create_keys, &racers[i]));
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
        created_count += racers[i].created_count;
    }
    EXPECT_OK(
        access_key_list(opened.store, BYTES_LITERAL("alice"), &opened.arena, &keys, &count, &err),
        &err);
    EXPECT_INT(created_count, count);
    EXPECT(count <= KEYS_PER_USER_MAX);
    close_store(&opened);
}

struct reader {
    struct credential_store *store;
    _Atomic bool *must_stop;
    const unsigned char *root_key;
    uint64_t found_count;
};

static void *
look_up(void *arg)
{
    struct reader *reader = arg;

    while (!atomic_load(reader->must_stop)) {
        struct credential_owner owner;
        unsigned char derived[32];

        EXPECT(derive(reader->store, BYTES_LITERAL("rootkey"), "r", derived, &owner));
        EXPECT(owner.is_root && memcmp(derived, reader->root_key, 32) == 0);
        EXPECT(!derive(reader->store, BYTES_LITERAL("unknown"), "r", derived, &owner));
        reader->found_count++;
    }
    return NULL;
}

/* Lookups on the loops go on while the table grows and keys come and go. */
TEST(lookups_run_beside_changes)
{
    struct opened opened;
    struct credential_owner owner;
    unsigned char root_key[32];
    _Atomic bool must_stop = false;
    struct reader readers[3];
    pthread_t threads[3];

    open_store(&opened);
    EXPECT(derive(opened.store, BYTES_LITERAL("rootkey"), "r", root_key, &owner));
    for (int i = 0; i < 3; i++) {
        readers[i] = (struct reader){opened.store, &must_stop, root_key, 0};
        EXPECT_INT(0, pthread_create(&threads[i], NULL, look_up, &readers[i]));
    }
    for (int i = 0; i < 100; i++) {
        char name[16];
        struct bytes secret;
        struct access_key key;
        unsigned char derived[32];

        snprintf(name, sizeof(name), "user%d", i);
        make_user(&opened, name);
        make_key(&opened, name, &secret);
        key = make_key(&opened, name, &secret);
        EXPECT(derive(opened.store, key.access_key, "r", derived, &owner));
        EXPECT_OK(access_key_delete(opened.store, bytes_of_string(name), key.access_key, &err),
                  &err);
    }
    atomic_store(&must_stop, true);
    for (int i = 0; i < 3; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
    }
    close_store(&opened);
}
