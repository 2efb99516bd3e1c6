/* SPDX-License-Identifier: Apache-2.0 */
#include "control/etcd_json.h"

#include <jansson.h>

#include "base/encode.h"

#include "base/banned.h"

/* A watch answer holds at most a thousand revisions; a page of a range is ours to choose. */
#define LIST_COUNT_MAX 1000000
#define GRPC_UNKNOWN 2

static enum status
parse(struct bytes text, json_t **ret_root, struct error *err)
{
    json_error_t where;
    json_t *root =
        json_loadb(text.data != NULL ? text.data : "", text.size, JSON_REJECT_DUPLICATES, &where);

    if (!json_is_object(root)) {
        json_decref(root);
        return fail(err, ST_CORRUPT, "etcd answered something that is not a JSON object");
    }
    *ret_root = root;
    return ST_OK;
}

/* Missing: 0. */
static enum status
read_u64(const json_t *object, const char *name, uint64_t *ret_number, struct error *err)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value)) {
        *ret_number = 0;
        return ST_OK;
    }
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret_number = (uint64_t)json_integer_value(value);
        return ST_OK;
    }
    if (json_is_string(value) &&
        bytes_parse_u64(bytes_of(json_string_value(value), json_string_length(value)), UINT64_MAX,
                        ret_number) == ST_OK) {
        return ST_OK;
    }
    return fail(err, ST_CORRUPT, "%s in an answer of etcd is not a number", name);
}

/* Of type int64 there, and one more must be a number too. */
static enum status
read_revision(const json_t *object, const char *name, uint64_t *ret_number, struct error *err)
{
    enum status st = read_u64(object, name, ret_number, err);

    return st == ST_OK && *ret_number >= INT64_MAX
               ? fail(err, ST_CORRUPT, "%s in an answer of etcd is too large", name)
               : st;
}

static bool
read_bool(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* Missing: empty. */
static enum status
read_bytes(const json_t *object, const char *name, struct arena *arena, struct bytes *ret_bytes,
           struct error *err)
{
    const json_t *value = json_object_get(object, name);
    struct bytes text;
    char *out;
    size_t size = 0;

    if (value == NULL || json_is_null(value)) {
        *ret_bytes = BYTES_LITERAL("");
        return ST_OK;
    }
    text =
        bytes_of(json_string_value(value), json_is_string(value) ? json_string_length(value) : 0);
    out = arena_alloc(arena, text.size + 1);
    if (!json_is_string(value) || decode_base64(text, out, text.size, &size) != ST_OK) {
        return fail(err, ST_CORRUPT, "%s in an answer of etcd is not base64", name);
    }
    *ret_bytes = bytes_of(out, size);
    return ST_OK;
}

static struct bytes
read_text(const json_t *object, const char *name, struct arena *arena)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value)
               ? arena_copy(arena, bytes_of(json_string_value(value), json_string_length(value)))
               : BYTES_LITERAL("");
}

static enum status
read_header(const json_t *object, struct etcd_header *ret_header, struct error *err)
{
    const json_t *header = json_object_get(object, "header");
    enum status st = read_u64(header, "cluster_id", &ret_header->cluster_id, err);

    return st != ST_OK ? st : read_revision(header, "revision", &ret_header->revision, err);
}

static enum status
read_kv(const json_t *object, struct arena *arena, struct etcd_kv *ret_kv, struct error *err)
{
    enum status st = read_bytes(object, "key", arena, &ret_kv->key, err);

    if (st == ST_OK) {
        st = read_bytes(object, "value", arena, &ret_kv->value, err);
    }
    if (st == ST_OK) {
        st = read_revision(object, "create_revision", &ret_kv->create_revision, err);
    }
    if (st == ST_OK) {
        st = read_revision(object, "mod_revision", &ret_kv->mod_revision, err);
    }
    if (st == ST_OK) {
        st = read_u64(object, "lease", &ret_kv->lease, err);
    }
    if (st == ST_OK && (ret_kv->key.size == 0 || ret_kv->mod_revision == 0)) {
        st = fail(err, ST_CORRUPT, "a value in an answer of etcd has no key or no revision");
    }
    return st;
}

/* Missing: an empty list. */
static enum status
read_list(const json_t *object, const char *name, json_t **ret_list, size_t *ret_count,
          struct error *err)
{
    json_t *list = json_object_get(object, name);

    *ret_count = json_array_size(list);
    *ret_list = list;
    return (list == NULL || json_is_null(list) || json_is_array(list)) &&
                   *ret_count <= LIST_COUNT_MAX
               ? ST_OK
               : fail(err, ST_CORRUPT, "%s in an answer of etcd is not a list", name);
}

static enum status
read_range(const json_t *object, struct arena *arena, struct etcd_range *ret_range,
           struct error *err)
{
    json_t *list;
    enum status st = read_header(object, &ret_range->header, err);

    if (st == ST_OK) {
        st = read_list(object, "kvs", &list, &ret_range->count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    ret_range->has_more = read_bool(object, "more");
    ret_range->kvs = arena_calloc(arena, ret_range->count + 1, sizeof(*ret_range->kvs));
    for (size_t i = 0; st == ST_OK && i < ret_range->count; i++) {
        st = read_kv(json_array_get(list, i), arena, &ret_range->kvs[i], err);
    }
    return st;
}

enum status
etcd_json_range(struct bytes text, struct arena *arena, struct etcd_range *ret_range,
                struct error *err)
{
    json_t *root = NULL;
    enum status st = parse(text, &root, err);

    if (st == ST_OK) {
        st = read_range(root, arena, ret_range, err);
    }
    json_decref(root);
    return st;
}

static enum status
read_responses(const json_t *root, struct arena *arena, struct etcd_txn *txn, struct error *err)
{
    json_t *list;
    size_t count;
    enum status st = read_list(root, "responses", &list, &count, err);

    if (st != ST_OK) {
        return st;
    }
    txn->range_count = 0;
    txn->ranges = arena_calloc(arena, count + 1, sizeof(*txn->ranges));
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        const json_t *range = json_object_get(json_array_get(list, i), "response_range");

        if (range != NULL) {
            st = read_range(range, arena, &txn->ranges[txn->range_count++], err);
        }
    }
    return st;
}

enum status
etcd_json_txn(struct bytes text, struct arena *arena, struct etcd_txn *ret_txn, struct error *err)
{
    json_t *root = NULL;
    enum status st = parse(text, &root, err);

    if (st == ST_OK) {
        st = read_header(root, &ret_txn->header, err);
    }
    if (st == ST_OK) {
        ret_txn->has_succeeded = read_bool(root, "succeeded");
        st = read_responses(root, arena, ret_txn, err);
    }
    json_decref(root);
    return st;
}

static enum status
read_events(const json_t *result, struct arena *arena, struct etcd_watch_frame *frame,
            struct error *err)
{
    json_t *list;
    enum status st = read_list(result, "events", &list, &frame->count, err);

    if (st != ST_OK) {
        return st;
    }
    frame->events = arena_calloc(arena, frame->count + 1, sizeof(*frame->events));
    for (size_t i = 0; st == ST_OK && i < frame->count; i++) {
        const json_t *event = json_array_get(list, i);
        const json_t *type = json_object_get(event, "type");

        /* PUT is the default; a number where enumerations are printed so. */
        frame->events[i].is_delete =
            (json_is_string(type) && strcmp(json_string_value(type), "DELETE") == 0) ||
            json_integer_value(type) == 1;
        st = read_kv(json_object_get(event, "kv"), arena, &frame->events[i].kv, err);
    }
    return st;
}

static enum status
read_frame(const json_t *root, struct arena *arena, struct etcd_watch_frame *frame,
           struct error *err)
{
    const json_t *result = json_object_get(root, "result");
    const json_t *error = json_object_get(root, "error");
    enum status st;

    memset(frame, 0, sizeof(*frame));
    if (error != NULL) {
        frame->is_canceled = true;
        frame->reason = read_text(error, "message", arena);
        return ST_OK;
    }
    if (!json_is_object(result)) {
        return fail(err, ST_CORRUPT, "a watch answer of etcd has neither result nor error");
    }
    frame->is_created = read_bool(result, "created");
    frame->is_canceled = read_bool(result, "canceled");
    frame->reason = read_text(result, "cancel_reason", arena);
    st = read_header(result, &frame->header, err);
    if (st == ST_OK) {
        st = read_revision(result, "compact_revision", &frame->compact_revision, err);
    }
    return st != ST_OK ? st : read_events(result, arena, frame, err);
}

enum status
etcd_json_watch(struct bytes text, struct arena *arena, struct etcd_watch_frame *ret_frame,
                struct error *err)
{
    json_t *root = NULL;
    enum status st = parse(text, &root, err);

    if (st == ST_OK) {
        st = read_frame(root, arena, ret_frame, err);
    }
    json_decref(root);
    return st;
}

enum status
etcd_json_lease(struct bytes text, struct arena *arena, struct etcd_lease *ret_lease,
                struct error *err)
{
    json_t *root = NULL;
    const json_t *object;
    enum status st = parse(text, &root, err);

    if (st != ST_OK) {
        return st;
    }
    object = json_object_get(root, "result");
    if (object == NULL) {
        object = root;
    }
    st = read_header(object, &ret_lease->header, err);
    if (st == ST_OK) {
        st = read_u64(object, "ID", &ret_lease->id, err);
    }
    if (st == ST_OK) {
        st = read_u64(object, "TTL", &ret_lease->ttl_s, err);
    }
    if (st == ST_OK && ret_lease->id == 0) {
        st = fail(err, ST_CORRUPT, "a lease of etcd has no number");
    }
    json_decref(root);
    return st;
}

void
etcd_json_error(struct bytes text, struct arena *arena, struct etcd_error *ret_error)
{
    json_t *root = NULL;
    const json_t *code;

    *ret_error = (struct etcd_error){GRPC_UNKNOWN, BYTES_LITERAL("no reason given")};
    if (parse(text, &root, NULL) != ST_OK) {
        return;
    }
    code = json_object_get(root, "code");
    if (json_is_integer(code) && json_integer_value(code) >= 0 && json_integer_value(code) <= 16) {
        ret_error->code = (int)json_integer_value(code);
    }
    ret_error->message = read_text(root, "message", arena);
    if (ret_error->message.size == 0) {
        ret_error->message = read_text(root, "error", arena);
    }
    json_decref(root);
}
