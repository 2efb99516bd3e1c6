/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_key.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

#define KEYS_MAX 16

struct key_list {
    size_t count;
    struct cluster_key keys[KEYS_MAX]; /* in order of number */
    uint64_t revisions[KEYS_MAX];
};

static void
format_key(const struct cluster_key *key, struct buffer *out)
{
    char text[2 * CLUSTER_KEY_BYTES + 1];

    encode_hex(bytes_of(key->secret, sizeof(key->secret)), text);
    buffer_printf(
        out, "{\"number\":%" PRIu64 ",\"created_s\":%" PRId64 ",\"active\":%s,\"secret\":\"%s\"}",
        key->number, key->created_s, key->is_active ? "true" : "false", text);
    memory_wipe(text, sizeof(text));
}

void
cluster_key_generate(uint64_t number, bool is_active, struct buffer *out)
{
    struct cluster_key key = {
        .number = number, .created_s = clock_wall_s(), .is_active = is_active};

    entropy_fill(key.secret, sizeof(key.secret));
    format_key(&key, out);
    memory_wipe(&key, sizeof(key));
}

static bool
parse_key(struct bytes json, struct cluster_key *ret_key)
{
    json_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    struct bytes secret = BYTES_NONE;
    json_int_t number = 0;
    json_int_t created_s = 0;
    int is_active = 0;
    bool is_good =
        root != NULL &&
        json_unpack(root, "{s:I, s:I, s:b, s:s% !}", "number", &number, "created_s", &created_s,
                    "active", &is_active, "secret", &secret.data, &secret.size) == 0 &&
        number > 0 && secret.size == (size_t)2 * CLUSTER_KEY_BYTES;

    if (is_good) {
        ret_key->number = (uint64_t)number;
        ret_key->created_s = created_s;
        ret_key->is_active = is_active != 0;
        is_good = decode_hex(secret, ret_key->secret) == ST_OK;
    }
    json_decref(root);
    return is_good;
}

static enum status
collect(const struct control_value *value, void *arg, struct error *err)
{
    struct key_list *list = arg;
    struct cluster_key key;
    size_t at = list->count;

    (void)err;
    if (!parse_key(value->value, &key)) {
        log_error(NULL, "cluster_key_bad", "%.*s is no key", BYTES_ARGS(value->key));
        return ST_OK;
    }
    if (list->count == KEYS_MAX) {
        if (key.number < list->keys[0].number) {
            return ST_OK;
        }
        memmove(&list->keys[0], &list->keys[1], (KEYS_MAX - 1) * sizeof(key));
        memmove(&list->revisions[0], &list->revisions[1],
                (KEYS_MAX - 1) * sizeof(list->revisions[0]));
        list->count--;
        at--;
    }
    while (at > 0 && list->keys[at - 1].number > key.number) {
        list->keys[at] = list->keys[at - 1];
        list->revisions[at] = list->revisions[at - 1];
        at--;
    }
    list->keys[at] = key;
    list->revisions[at] = value->revision;
    list->count++;
    memory_wipe(&key, sizeof(key));
    return ST_OK;
}

static enum status
list_keys(struct control *control, struct key_list *list, struct error *err)
{
    list->count = 0;
    return control_list(control, BYTES_LITERAL(CLUSTER_KEY_PREFIX), collect, list, err);
}

/* Index of the one that signs; count: none. */
static size_t
find_active(const struct key_list *list)
{
    for (size_t i = list->count; i > 0; i--) {
        if (list->keys[i - 1].is_active) {
            return i - 1;
        }
    }
    return list->count;
}

size_t
cluster_key_list(struct control *control, struct cluster_key *ret_keys, size_t max)
{
    struct key_list list;
    enum status st = list_keys(control, &list, NULL);
    size_t active = find_active(&list);
    size_t count = 0;

    CHECK(st == ST_OK); /* what is in memory can be listed */
    if (active < list.count && max > 0) {
        ret_keys[count++] = list.keys[active];
        for (size_t i = list.count; i > 0 && count < max; i--) {
            if (i - 1 != active) {
                ret_keys[count++] = list.keys[i - 1];
            }
        }
    }
    memory_wipe(&list, sizeof(list));
    return count;
}

static struct bytes
name_of(uint64_t number, char *out, size_t size)
{
    return bytes_of(out, (size_t)snprintf(out, size, CLUSTER_KEY_PREFIX "%" PRIu64, number));
}

static enum status
put_key(struct control *control, const struct cluster_key *key, uint64_t expected_revision,
        uint64_t *ret_revision, struct error *err)
{
    struct buffer json = BUFFER_INIT;
    char name[64];
    enum status st;

    format_key(key, &json);
    st = control_put(control, name_of(key->number, name, sizeof(name)), buffer_bytes(&json),
                     expected_revision, ret_revision, err);
    memory_wipe(json.data, json.size);
    buffer_release(&json);
    if (st == ST_CONFLICT) {
        st = fail(err, ST_CONFLICT, "The cluster key is being rotated by somebody else");
    }
    return st;
}

/* The commit of the new key returns when every live node has applied it; only then it may sign. */
enum status
cluster_key_rotate(struct control *control, uint64_t *ret_number, struct error *err)
{
    struct cluster_key key = {.created_s = clock_wall_s()};
    struct key_list list;
    uint64_t revision = 0;
    enum status st = list_keys(control, &list, err);

    if (st == ST_OK && list.count == 0) {
        st = fail(err, ST_UNAVAILABLE, "This cluster has no key that could be rotated");
    } else if (st == ST_OK && list.count > 1 && list.keys[list.count - 1].is_active) {
        st = fail(err, ST_CONFLICT,
                  "The former key is still accepted, for nodes that have not heard of the last "
                  "rotation: rotate again when its %" PRId64 " minutes are over",
                  CLUSTER_KEY_GRACE_S / 60);
    } else if (st == ST_OK && list.keys[list.count - 1].is_active) {
        key.number = list.keys[list.count - 1].number + 1;
        entropy_fill(key.secret, sizeof(key.secret));
        st = put_key(control, &key, CONTROL_MUST_NOT_EXIST, &revision, err);
    } else if (st == ST_OK) {
        key = list.keys[list.count - 1];
        st = put_key(control, &key, list.revisions[list.count - 1], &revision, err);
    }
    if (st == ST_OK) {
        key.is_active = true;
        key.created_s = clock_wall_s();
        st = put_key(control, &key, revision, &revision, err);
    }
    if (st == ST_OK) {
        *ret_number = key.number;
    }
    memory_wipe(&key, sizeof(key));
    memory_wipe(&list, sizeof(list));
    return st;
}

/* An older key's grace begins when the one after it became active. */
void
cluster_key_expire(struct control *control, const struct control_guard *guard, int64_t now_s)
{
    struct key_list list;
    struct error err = ERROR_INIT;
    enum status st = list_keys(control, &list, &err);

    for (size_t i = 0; st == ST_OK && i + 1 < list.count; i++) {
        char name[64];
        struct control_change change = {.action = CONTROL_DELETE,
                                        .key = name_of(list.keys[i].number, name, sizeof(name)),
                                        .expected_revision = list.revisions[i]};

        if (list.keys[i + 1].is_active &&
            now_s - list.keys[i + 1].created_s >= CLUSTER_KEY_GRACE_S) {
            st = control_commit(control, &change, 1, guard, NULL, &err);
            log_info(NULL, "cluster_key_expired", "key %" PRIu64 ": %s", list.keys[i].number,
                     st == ST_OK ? "is accepted no more" : err.text);
        }
    }
    memory_wipe(&list, sizeof(list));
}
