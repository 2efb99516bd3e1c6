/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate and the changes of buckets.  A change is a compare-and-swap of the bucket's control
 * value; the table follows through its watch before the call returns.  Ids come from the control
 * value "next/bucket", which only grows, so none is used twice.  Deletion: bucket_delete.c.
 */
#include "object/bucket.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cluster/peer_head.h"
#include "object/object_internal.h"

#include "base/banned.h"

#define NEXT_ID_KEY "next/bucket"
#define NAME_BYTES_MIN 3
#define NAME_BYTES_MAX 63

static bool
name_byte_is_allowed(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* Four groups of digits. */
static bool
name_is_address(struct bytes name)
{
    size_t groups = 0;

    while (name.size > 0) {
        uint64_t number;
        struct bytes group = bytes_cut(&name, '.');

        if (bytes_parse_u64(group, UINT64_MAX, &number) != ST_OK) {
            return false;
        }
        groups++;
    }
    return groups == 4;
}

static enum status
name_check_reserved(struct bytes name, struct error *err)
{
    static const char *const PREFIXES[] = {"xn--", "sthree-", "amzn-s3-demo-"};
    static const char *const SUFFIXES[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};

    for (size_t i = 0; i < ARRAY_COUNT(PREFIXES); i++) {
        if (bytes_has_prefix(name, bytes_of_string(PREFIXES[i]))) {
            return fail(err, ST_INVALID, "a bucket name must not begin with \"%s\"", PREFIXES[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(SUFFIXES); i++) {
        if (bytes_has_suffix(name, bytes_of_string(SUFFIXES[i]))) {
            return fail(err, ST_INVALID, "a bucket name must not end with \"%s\"", SUFFIXES[i]);
        }
    }
    return ST_OK;
}

enum status
bucket_name_check(struct bytes name, struct error *err)
{
    if (name.size < NAME_BYTES_MIN || name.size > NAME_BYTES_MAX) {
        return fail(err, ST_INVALID, "a bucket name must have %d to %d characters", NAME_BYTES_MIN,
                    NAME_BYTES_MAX);
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!name_byte_is_allowed(name.data[i])) {
            return fail(err, ST_INVALID,
                        "a bucket name may hold lower-case letters, digits, hyphens and dots only");
        }
        if (i > 0 && name.data[i] == '.' && name.data[i - 1] == '.') {
            return fail(err, ST_INVALID, "a bucket name must not hold two dots in a row");
        }
    }
    if (strchr("-.", name.data[0]) != NULL || strchr("-.", name.data[name.size - 1]) != NULL) {
        return fail(err, ST_INVALID, "a bucket name must begin and end with a letter or a digit");
    }
    if (name_is_address(name)) {
        return fail(err, ST_INVALID, "a bucket name must not look like an IP address");
    }
    return name_check_reserved(name, err);
}

#define NATIVE_NAME_BYTES_MAX 64

static bool
is_native_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (!name_byte_is_allowed(name.data[i]) && name.data[i] != '_' &&
            !(name.data[i] >= 'A' && name.data[i] <= 'Z')) {
            return false;
        }
    }
    return name.size > 0 && name.size <= NATIVE_NAME_BYTES_MAX && name.data[0] != '.' &&
           bytes_find(name, 0, BYTES_LITERAL("..")) == SIZE_MAX;
}

enum status
bucket_name_check_native(struct bytes name, struct error *err)
{
    struct bytes rest = name;

    if (bytes_has_prefix(name, BYTES_LITERAL("@#"))) {
        rest = bytes_slice(name, 2, name.size);
        if (!is_native_name(bytes_cut(&rest, '/'))) {
            return fail(err, ST_INVALID, "the name of a namespace is not valid");
        }
    }
    return is_native_name(rest) ? ST_OK
                                : fail(err, ST_INVALID,
                                       "a bucket name may hold 1 to %d letters, digits, hyphens, "
                                       "underscores and single dots, and not begin with a dot",
                                       NATIVE_NAME_BYTES_MAX);
}

static enum status
bucket_authorize(const struct principal *principal, enum action action, struct bytes name,
                 struct bytes owner, struct error *err)
{
    struct authorize_facts facts = {
        .principal = principal,
        .action = action,
        .bucket = name,
        .bucket_owner = owner,
    };

    return authorize(&facts, err);
}

static enum status
no_such_bucket(struct error *err)
{
    return fail(err, ST_NO_SUCH_BUCKET, "the bucket does not exist");
}

enum status
bucket_open(struct object_store *store, const struct principal *principal, struct bytes name,
            enum action action, struct bucket *ret_bucket, struct error *err)
{
    struct bucket_properties properties;
    enum bucket_state state;
    struct bucket_entry *entry = bucket_table_find(store->buckets, name, &properties, &state);
    enum status st;

    if (entry == NULL) {
        return no_such_bucket(err);
    }
    st = bucket_authorize(principal, action, name, entry->owner, err);
    if (st != ST_OK) {
        bucket_entry_release(&entry);
        return st;
    }
    *ret_bucket = (struct bucket){
        .store = store,
        .principal = principal,
        .id = entry->id,
        .revision = atomic_load(&entry->revision),
        .name = entry->name,
        .owner = entry->owner,
        .created_ns = entry->created_ns,
        .properties = properties,
        .is_refusing_writes = &entry->is_refusing_writes,
        .entry = entry,
    };
    return ST_OK;
}

enum status
bucket_open_id(struct object_store *store, uint64_t id, struct bucket *ret_bucket,
               struct error *err)
{
    struct bucket_entry *entry = bucket_table_next(store->buckets, BYTES_NONE);
    enum status st;

    while (entry != NULL && entry->id != id) {
        struct bucket_entry *next = bucket_table_next(store->buckets, entry->name);

        bucket_entry_release(&entry);
        entry = next;
    }
    if (entry == NULL) {
        return no_such_bucket(err);
    }
    st = bucket_open(store, principal_of_root(), entry->name, ACTION_LIST_BUCKET, ret_bucket, err);
    bucket_entry_release(&entry);
    if (st == ST_OK && ret_bucket->id != id) {
        bucket_close(ret_bucket); /* another one of that name by now */
        st = no_such_bucket(err);
    }
    return st;
}

void
bucket_close(struct bucket *bucket)
{
    struct bucket_entry *entry = bucket->entry;

    bucket_entry_release(&entry);
    *bucket = (struct bucket){0};
}

enum status
bucket_check_id(const struct bucket *bucket, uint64_t id, struct error *err)
{
    return id == bucket->id
               ? ST_OK
               : fail(err, ST_NO_SUCH_BUCKET, "the bucket is another one of that name");
}

uint64_t
bucket_revision(const struct bucket *bucket)
{
    _Static_assert(BUCKET_REVISION_GONE == PEER_BUCKET_GONE, "one word for it");

    return atomic_load(&((struct bucket_entry *)bucket->entry)->revision);
}

enum status
bucket_refresh(struct object_store *store, struct bytes name, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct bytes key = arena_printf_bytes(&arena, BUCKET_VALUE_PREFIX "%.*s", BYTES_ARGS(name));
    enum status st = key.size <= CONTROL_KEY_BYTES_MAX ? control_refresh(store->control, key, err)
                                                       : ST_OK; /* no bucket has such a name */

    arena_release(&arena);
    return st;
}

enum status
bucket_open_refreshed(struct object_store *store, const struct principal *principal,
                      struct bytes name, enum action action, struct bucket *ret_bucket,
                      struct error *err)
{
    enum status st = bucket_open(store, principal, name, action, ret_bucket, err);

    if (st == ST_NO_SUCH_BUCKET) {
        st = bucket_refresh(store, name, err);
        if (st == ST_OK) {
            st = bucket_open(store, principal, name, action, ret_bucket, err);
        }
    }
    return st;
}

static enum status
next_id_get(struct control *control, uint64_t *ret_id, uint64_t *ret_revision, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;
    enum status st = control_get(control, BYTES_LITERAL(NEXT_ID_KEY), &arena, &value, err);

    if (st == ST_NOT_FOUND) {
        *ret_id = 1;
        *ret_revision = CONTROL_MUST_NOT_EXIST;
        st = ST_OK;
    } else if (st == ST_OK) {
        if (bytes_parse_u64(value.value, INT64_MAX, ret_id) != ST_OK || *ret_id == 0) {
            st = fail(err, ST_CORRUPT, "the control value " NEXT_ID_KEY " is not a number");
        }
        *ret_revision = value.revision;
    }
    arena_release(&arena);
    return st;
}

/* An id that was never given before. */
static enum status
id_take(struct control *control, uint64_t *ret_id, struct error *err)
{
    enum status st;

    do {
        uint64_t id;
        uint64_t revision;
        char text[24];

        st = next_id_get(control, &id, &revision, err);
        if (st == ST_OK) {
            int size = snprintf(text, sizeof(text), "%llu", (unsigned long long)(id + 1));

            st = control_put(control, BYTES_LITERAL(NEXT_ID_KEY), bytes_of(text, (size_t)size),
                             revision, &revision, err);
        }
        if (st == ST_OK) {
            *ret_id = id;
        }
    } while (st == ST_CONFLICT);
    return st;
}

static enum status
bucket_put_new(struct object_store *store, const struct bucket_value *value, struct error *err)
{
    struct buffer json = BUFFER_INIT;
    struct buffer key = BUFFER_INIT;
    uint64_t revision;
    enum status st = bucket_value_format(value, BYTES_NONE, &json, err);

    if (st == ST_OK) {
        buffer_append_string(&key, BUCKET_VALUE_PREFIX);
        buffer_append_bytes(&key, value->name);
        st = control_put(store->control, buffer_bytes(&key), buffer_bytes(&json),
                         CONTROL_MUST_NOT_EXIST, &revision, err);
    }
    buffer_release(&key);
    buffer_release(&json);
    return st;
}

/* ST_EXISTS if the name is taken. */
static enum status
name_require_free(struct object_store *store, const struct principal *principal, struct bytes name,
                  bool *ret_is_own, struct error *err)
{
    struct bucket_properties properties;
    enum bucket_state state;
    struct bucket_entry *entry = bucket_table_find(store->buckets, name, &properties, &state);

    if (entry == NULL) {
        return ST_OK;
    }
    *ret_is_own = bytes_equal(entry->owner, principal_user(principal));
    bucket_entry_release(&entry);
    return fail(err, ST_EXISTS, "the bucket name is taken");
}

static enum status
create_checked(struct object_store *store, const struct principal *principal, struct bytes name,
               const struct bucket_properties *properties, bool *ret_is_own, struct error *err)
{
    struct bucket_value value = {
        .created_ns = clock_wall_ns(),
        .name = name,
        .owner = principal_user(principal),
        .state = BUCKET_ACTIVE,
    };
    enum status st;

    assert_on_worker();
    bucket_properties_init(&value.properties);
    if (properties != NULL) {
        value.properties = *properties;
    }
    st = bucket_authorize(principal, ACTION_CREATE_BUCKET, name, BYTES_NONE, err);
    if (st != ST_OK) {
        return st;
    }
    st = bucket_properties_check(&value.properties, err);
    if (st != ST_OK) {
        return st;
    }
    st = name_require_free(store, principal, name, ret_is_own, err);
    if (st != ST_OK) {
        return st;
    }
    if (bucket_table_count(store->buckets, value.owner) >= BUCKET_COUNT_MAX) {
        return fail_as(err, ST_TOO_LARGE, "TooManyBuckets", "a user may have %d buckets",
                       BUCKET_COUNT_MAX);
    }
    st = id_take(store->control, &value.id, err);
    if (st != ST_OK) {
        return st;
    }
    st = bucket_put_new(store, &value, err);
    if (st == ST_CONFLICT) {
        st = name_require_free(store, principal, name, ret_is_own, err);
        return st != ST_OK ? st : fail(err, ST_CONFLICT, "the bucket was just deleted; try again");
    }
    return st;
}

enum status
bucket_create(struct object_store *store, const struct principal *principal, struct bytes name,
              const struct bucket_properties *properties, bool *ret_is_own, struct error *err)
{
    enum status st = bucket_authorize(principal, ACTION_CREATE_BUCKET, name, BYTES_NONE, err);

    if (st == ST_OK) {
        st = bucket_name_check(name, err);
    }
    return st == ST_OK ? create_checked(store, principal, name, properties, ret_is_own, err) : st;
}

enum status
bucket_create_native(struct object_store *store, const struct principal *principal,
                     struct bytes name, const struct bucket_properties *properties,
                     bool *ret_is_own, struct error *err)
{
    enum status st = bucket_name_check_native(name, err);

    return st == ST_OK ? create_checked(store, principal, name, properties, ret_is_own, err) : st;
}

static enum status
properties_put(struct object_store *store, struct bytes name,
               const struct bucket_properties *properties, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct buffer json = BUFFER_INIT;
    struct bytes key = arena_printf_bytes(&arena, BUCKET_VALUE_PREFIX "%.*s", BYTES_ARGS(name));
    struct control_value old;
    struct bucket_value value;
    uint64_t revision;
    enum status st = control_get(store->control, key, &arena, &old, err);

    if (st == ST_NOT_FOUND) {
        st = no_such_bucket(err);
    }
    if (st == ST_OK) {
        st = bucket_value_parse(old.value, &arena, &value, err);
    }
    if (st == ST_OK) {
        value.properties = *properties;
        st = bucket_value_format(&value, old.value, &json, err);
    }
    if (st == ST_OK) {
        st = control_put(store->control, key, buffer_bytes(&json), old.revision, &revision, err);
    }
    buffer_release(&json);
    arena_release(&arena);
    return st;
}

enum status
bucket_set_properties(struct object_store *store, const struct principal *principal,
                      struct bytes name, const struct bucket_properties *properties,
                      struct error *err)
{
    struct bucket bucket;
    enum status st = bucket_properties_check(properties, err);

    assert_on_worker();
    if (st != ST_OK) {
        return st;
    }
    st = bucket_open(store, principal, name, ACTION_PUT_BUCKET_CONFIGURATION, &bucket, err);
    if (st != ST_OK) {
        return st;
    }
    do {
        st = properties_put(store, name, properties, err);
    } while (st == ST_CONFLICT);
    bucket_close(&bucket);
    return st;
}

static bool
principal_sees(const struct principal *principal, const struct bucket_entry *entry)
{
    return principal_is_root(principal) || bytes_equal(entry->owner, principal_user(principal));
}

enum status
bucket_list(struct object_store *store, const struct principal *principal,
            const struct bucket_list_options *options, struct arena *arena,
            struct bucket_info **ret_buckets, size_t *ret_count, bool *ret_is_truncated,
            struct error *err)
{
    struct bytes after = options->after;
    struct bucket_info *buckets = NULL;
    struct bucket_entry *entry;
    size_t count = 0;
    size_t capacity = 0;
    bool is_truncated = false;
    enum status st =
        bucket_authorize(principal, ACTION_LIST_ALL_MY_BUCKETS, BYTES_NONE, BYTES_NONE, err);

    if (st != ST_OK) {
        return st;
    }
    while ((entry = bucket_table_next(store->buckets, after)) != NULL) {
        after = arena_copy(arena, entry->name);
        if (principal_sees(principal, entry) && bytes_has_prefix(after, options->prefix)) {
            if (count == options->count_max) {
                is_truncated = true;
                bucket_entry_release(&entry);
                break;
            }
            if (count == capacity) {
                capacity = capacity == 0 ? 16 : capacity * 2;
                buckets = xrealloc_array(buckets, capacity, sizeof(*buckets));
            }
            buckets[count++] = (struct bucket_info){.name = after, .created_ns = entry->created_ns};
        }
        bucket_entry_release(&entry);
    }
    *ret_buckets = arena_alloc(arena, count * sizeof(*buckets));
    if (count > 0) {
        memcpy(*ret_buckets, buckets, count * sizeof(*buckets));
    }
    free(buckets);
    *ret_count = count;
    *ret_is_truncated = is_truncated;
    return ST_OK;
}

enum status
bucket_counters(const struct bucket *bucket, struct bucket_counters *ret_counters,
                struct error *err)
{
    struct bucket_counters sum = {0};

    for (size_t i = 0; i < store_home_count(bucket->store->store); i++) {
        struct home *home = store_home_at(bucket->store->store, i);
        struct bucket_counters one;
        enum status st;

        if (!home_is_holder(home)) {
            continue;
        }
        st = home_hold(home) ? ST_OK : home_require_readable(home, err);
        if (st == ST_OK) {
            st = home_bucket_counters(home, bucket->id, &one, err);
            home_unhold(home);
        }
        if (st != ST_OK) {
            return st;
        }
        sum.object_count += one.object_count;
        sum.version_count += one.version_count;
        sum.logical_bytes += one.logical_bytes;
        sum.stored_bytes += one.stored_bytes;
    }
    *ret_counters = sum;
    return ST_OK;
}
