/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_key.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

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

void
cluster_key_generate(uint64_t number, struct buffer *out)
{
    unsigned char secret[CLUSTER_KEY_BYTES];
    char text[2 * CLUSTER_KEY_BYTES + 1];

    entropy_fill(secret, sizeof(secret));
    encode_hex(bytes_of(secret, sizeof(secret)), text);
    buffer_printf(out, "{\"number\":%" PRIu64 ",\"created_s\":%" PRId64 ",\"secret\":\"%s\"}",
                  number, clock_wall_s(), text);
    memory_wipe(secret, sizeof(secret));
    memory_wipe(text, sizeof(text));
}

static bool
parse_key(struct bytes json, struct cluster_key *ret_key)
{
    json_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    struct bytes secret = BYTES_NONE;
    json_int_t number = 0;
    json_int_t created_s = 0;
    bool is_good = root != NULL &&
                   json_unpack(root, "{s:I, s:I, s:s% !}", "number", &number, "created_s",
                               &created_s, "secret", &secret.data, &secret.size) == 0 &&
                   number > 0 && secret.size == (size_t)2 * CLUSTER_KEY_BYTES;

    if (is_good) {
        ret_key->number = (uint64_t)number;
        ret_key->created_s = created_s;
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

enum status
cluster_key_current(struct control *control, struct cluster_key *ret_key, struct error *err)
{
    struct key_list list;
    enum status st = list_keys(control, &list, err);

    if (st == ST_OK && list.count == 0) {
        st = fail(err, ST_UNAVAILABLE, "This cluster has no key that peers could sign with");
    }
    if (st == ST_OK) {
        *ret_key = list.keys[list.count - 1];
    }
    memory_wipe(&list, sizeof(list));
    return st;
}

enum status
cluster_key_find(struct control *control, uint64_t number, struct cluster_key *ret_key,
                 struct error *err)
{
    struct key_list list;
    enum status st = list_keys(control, &list, err);
    size_t i = 0;

    while (st == ST_OK && i < list.count && list.keys[i].number != number) {
        i++;
    }
    if (st == ST_OK && i == list.count) {
        st = fail(err, ST_NOT_FOUND, "This cluster has no key %" PRIu64, number);
    }
    if (st == ST_OK) {
        *ret_key = list.keys[i];
    }
    memory_wipe(&list, sizeof(list));
    return st;
}

static struct bytes
name_of(uint64_t number, char *out, size_t size)
{
    return bytes_of(out, (size_t)snprintf(out, size, CLUSTER_KEY_PREFIX "%" PRIu64, number));
}

enum status
cluster_key_refresh(struct control *control, uint64_t number, struct error *err)
{
    char name[64];

    return control_refresh(control, name_of(number, name, sizeof(name)), err);
}

enum status
cluster_key_rotate(struct control *control, uint64_t *ret_number, struct error *err)
{
    struct buffer json = BUFFER_INIT;
    struct cluster_key key;
    char name[64];
    enum status st = cluster_key_current(control, &key, err);

    if (st == ST_OK) {
        cluster_key_generate(key.number + 1, &json);
        st = control_put(control, name_of(key.number + 1, name, sizeof(name)), buffer_bytes(&json),
                         CONTROL_MUST_NOT_EXIST, NULL, err);
        memory_wipe(json.data, json.size);
    }
    if (st == ST_CONFLICT) {
        st = fail(err, ST_CONFLICT, "The cluster key is being rotated by somebody else");
    }
    if (st == ST_OK) {
        *ret_number = key.number + 1;
    }
    memory_wipe(&key, sizeof(key));
    buffer_release(&json);
    return st;
}

/* An older key's grace begins when the one after it was made. */
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

        if (now_s - list.keys[i + 1].created_s >= CLUSTER_KEY_GRACE_S) {
            st = control_commit(control, &change, 1, guard, NULL, &err);
            log_info(NULL, "cluster_key_expired", "key %" PRIu64 ": %s", list.keys[i].number,
                     st == ST_OK ? "is accepted no more" : err.text);
        }
    }
    memory_wipe(&list, sizeof(list));
}
