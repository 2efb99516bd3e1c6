/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on objects, on the store and on the reference. */
#include <stdio.h>

#include "base/memory.h"
#include "object/object_copy.h"
#include "object/object_delete.h"
#include "object/object_get.h"
#include "object/object_put.h"
#include "tests/model/model.h"

#include "base/banned.h"

/* A bucket that exists and a key, opened; false: there is no bucket. */
struct place {
    size_t bucket_index;
    size_t key;
    struct model_object *object;
    struct bucket bucket;
    bool is_away;
};

static bool
place_find(struct model *model, uint64_t dice, struct place *place)
{
    place->bucket_index = dice % MODEL_BUCKET_COUNT;
    place->key = dice / MODEL_BUCKET_COUNT % MODEL_KEY_COUNT;
    if (!model->buckets[place->bucket_index].exists) {
        return false;
    }
    place->object = &model->buckets[place->bucket_index].objects[place->key];
    place->bucket = model_bucket_open(model, place->bucket_index);
    place->is_away = model_is_away(model, place->bucket.id, place->key);
    return true;
}

/* Content-Type carries a number that must come back. */
static struct bytes
type_format(uint64_t type, char out[32])
{
    return bytes_of(out, (size_t)snprintf(out, 32, "x/%llu", (unsigned long long)(type % 1000)));
}

static enum status
put_bytes(const struct bucket *bucket, const struct object_put_options *options, struct bytes data,
          uint64_t dice, struct object_put_result *result, struct error *err)
{
    struct object_put *put = NULL;
    size_t piece = dice % 3 == 0 ? 1 + dice / 3 % 70000 : data.size;
    enum status st = object_put_open(bucket, options, &put, err);

    for (size_t from = 0; st == ST_OK && from < data.size; from += piece) {
        size_t to = data.size - from < piece ? data.size : from + piece;

        st = sink_write(object_put_sink(put), bytes_slice(data, from, to), err);
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), err);
    }
    if (st == ST_OK) {
        st = object_put_commit(put, result, err);
    }
    object_put_release(&put);
    return st;
}

static void
object_set(struct model_object *object, struct model_blob **take_blob, const char *etag,
           uint64_t type)
{
    model_object_clear(object);
    object->blob = *take_blob;
    *take_blob = NULL;
    snprintf(object->etag, sizeof(object->etag), "%s", etag);
    object->type = type % 1000;
}

static bool
put_run(struct model *model, const uint64_t *dice, const struct object_conditions *conditions,
        enum status expected, struct place *place)
{
    struct model_blob *blob = model_blob_create(dice[1]);
    char type[32];
    struct object_put_options options = {
        .key = model_key(place->key),
        .size = dice[2] % 2 == 0 ? blob->size : OBJECT_SIZE_UNKNOWN,
        .attributes.content[CONTENT_TYPE] = type_format(dice[1], type),
        .conditions = *conditions,
    };
    struct object_put_result result;
    struct error err = ERROR_INIT;
    enum status st =
        put_bytes(&place->bucket, &options, model_blob_bytes(blob), dice[3], &result, &err);
    bool is_good = model_expect(model, "put", place->is_away ? ST_UNAVAILABLE : expected, st, &err);

    if (is_good && st == ST_OK) {
        object_set(place->object, &blob, result.etag, dice[1]);
    }
    model_blob_release(&blob);
    return is_good;
}

bool
model_do_put(struct model *model, const uint64_t *dice)
{
    static const struct object_conditions NONE;
    struct place place;
    bool is_good;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    is_good = put_run(model, dice, &NONE, ST_OK, &place);
    bucket_close(&place.bucket);
    return is_good;
}

/* One of the conditions on a write, and what it must answer. */
static enum status
condition_choose(uint64_t dice, const struct model_object *object, char etag[80],
                 struct object_conditions *ret_conditions)
{
    bool exists = object->blob != NULL;

    memset(ret_conditions, 0, sizeof(*ret_conditions));
    snprintf(etag, 80, "\"%s\"", exists ? object->etag : "none");
    switch (dice % 4) {
    case 0:
        ret_conditions->if_none_match = BYTES_LITERAL("*");
        return exists ? ST_PRECONDITION : ST_OK;
    case 1:
        ret_conditions->if_match = bytes_of_string(etag);
        return exists ? ST_OK : ST_NO_SUCH_KEY;
    case 2:
        ret_conditions->if_match = BYTES_LITERAL("\"some other tag\"");
        return exists ? ST_PRECONDITION : ST_NO_SUCH_KEY;
    default:
        ret_conditions->if_none_match = bytes_of_string(etag);
        return exists ? ST_PRECONDITION : ST_OK;
    }
}

bool
model_do_put_if(struct model *model, const uint64_t *dice)
{
    struct object_conditions conditions;
    struct place place;
    enum status expected;
    char etag[80];
    bool is_good;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    expected = condition_choose(dice[2] / 2, place.object, etag, &conditions);
    is_good = put_run(model, dice, &conditions, expected, &place);
    bucket_close(&place.bucket);
    return is_good;
}

static enum status
source_compare(struct model *model, struct source *source, struct bytes expected,
               bool *ret_is_equal, struct error *err)
{
    size_t done = 0;
    size_t size = 1;
    enum status st = ST_OK;
    char *buffer = xmalloc(100000);

    *ret_is_equal = true;
    while (st == ST_OK && size > 0) {
        st = source_read(source, READ_MAY_WAIT, buffer, 100000, &size, err);
        if (st == ST_OK && size > 0 && *ret_is_equal) {
            *ret_is_equal =
                size <= expected.size - done && memcmp(buffer, expected.data + done, size) == 0;
        }
        done += st == ST_OK ? size : 0;
    }
    *ret_is_equal = *ret_is_equal && done == expected.size;
    free(buffer);
    return st;
}

static bool
record_compare(struct model *model, const struct model_object *object,
               const struct object_record *record)
{
    char type[32];

    if (!bytes_equal_string(record->etag, object->etag) || record->size != object->blob->size ||
        record->part_count != object->part_count ||
        !bytes_equal(record->attributes.content[CONTENT_TYPE], type_format(object->type, type))) {
        return model_fail(model, "record: ETag %.*s size %llu, not %s %zu",
                          BYTES_ARGS(record->etag), (unsigned long long)record->size, object->etag,
                          object->blob->size);
    }
    return true;
}

/* On the loop first, as the server does, then on a worker. */
static enum status
get_begin(const struct bucket *bucket, struct object_get_options *options, struct arena *arena,
          struct object_get_result *result, struct error *err)
{
    enum status st;

    options->mode = READ_NO_WAIT;
    st = object_get(bucket, options, arena, result, err);
    if (st == ST_WOULD_WAIT) {
        options->mode = READ_MAY_WAIT;
        st = object_get(bucket, options, arena, result, err);
    }
    return st;
}

/* Chunk files may stand on the home that is not there. */
static bool
may_be_unavailable(const struct model *model, const struct model_object *object)
{
    return model->is_away && object->blob != NULL && object->blob->size >= 65536;
}

static bool
get_run(struct model *model, struct place *place, struct object_get_options *options,
        struct bytes expected, enum status expected_status)
{
    struct arena arena = ARENA_INIT;
    struct object_get_result result = {.source = NULL};
    struct error err = ERROR_INIT;
    bool is_equal = true;
    bool is_good;
    enum status st;

    options->key = model_key(place->key);
    st = get_begin(&place->bucket, options, &arena, &result, &err);
    if (st == ST_OK && result.source != NULL) {
        st = source_compare(model, result.source, expected, &is_equal, &err);
        source_release(&result.source);
    }
    if (st == ST_UNAVAILABLE && may_be_unavailable(model, place->object)) {
        is_good = true;
    } else {
        is_good =
            model_expect(model, "get", place->is_away ? ST_UNAVAILABLE : expected_status, st, &err);
    }
    if (is_good && st == ST_OK) {
        is_good = record_compare(model, place->object, &result.record);
        if (is_good && !options->is_head && (!is_equal || result.length != expected.size)) {
            is_good = model_fail(model, "get: other bytes, %llu of %zu",
                                 (unsigned long long)result.length, expected.size);
        }
    }
    arena_release(&arena);
    bucket_close(&place->bucket);
    return is_good;
}

bool
model_do_get(struct model *model, const uint64_t *dice)
{
    struct object_get_options options = {.is_head = false};
    struct place place;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    if (place.object->blob == NULL) {
        return get_run(model, &place, &options, BYTES_NONE, ST_NO_SUCH_KEY);
    }
    return get_run(model, &place, &options, model_blob_bytes(place.object->blob), ST_OK);
}

bool
model_do_head(struct model *model, const uint64_t *dice)
{
    struct object_get_options options = {.is_head = true};
    enum status expected = ST_OK;
    struct place place;
    char etag[80];

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", place.object->etag);
    if (dice[1] % 3 == 0) {
        options.conditions.if_none_match = bytes_of_string(etag);
        expected = ST_NOT_MODIFIED;
    } else if (dice[1] % 3 == 1) {
        options.conditions.if_match = BYTES_LITERAL("\"other\"");
        expected = ST_PRECONDITION;
    }
    return get_run(model, &place, &options, BYTES_NONE,
                   place.object->blob == NULL ? ST_NO_SUCH_KEY : expected);
}

bool
model_do_get_range(struct model *model, const uint64_t *dice)
{
    struct object_get_options options = {.is_head = false};
    struct object_range *range = &options.range;
    struct place place;
    uint64_t size;
    uint64_t from;
    uint64_t length;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    if (place.object->blob == NULL) {
        return get_run(model, &place, &options, BYTES_NONE, ST_NO_SUCH_KEY);
    }
    size = place.object->blob->size;
    range->kind = (enum object_range_kind)(1 + dice[1] % 3);
    range->from = dice[2] % (size + 2);
    range->to = range->from + dice[3] % (size + 2);
    range->last = dice[2] % (size + 2);
    from = range->kind == RANGE_LAST ? (range->last > size ? 0 : size - range->last) : range->from;
    length = from >= size ? 0 : size - from;
    if (range->kind == RANGE_FROM_TO && range->to - range->from < length) {
        length = range->to - range->from + 1;
    }
    if (from >= size) {
        return get_run(model, &place, &options, BYTES_NONE, ST_INVALID_RANGE);
    }
    return get_run(model, &place, &options, bytes_of(place.object->blob->data + from, length),
                   ST_OK);
}

bool
model_do_get_part(struct model *model, const uint64_t *dice)
{
    struct object_get_options options = {.is_head = false};
    struct place place;
    uint64_t offset = 0;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    options.part_number = (uint32_t)(1 + dice[1] % (3 * MODEL_PART_MAX));
    if (place.object->blob == NULL) {
        return get_run(model, &place, &options, BYTES_NONE, ST_NO_SUCH_KEY);
    }
    if (place.object->part_count == 0 && options.part_number == 1) {
        return get_run(model, &place, &options, model_blob_bytes(place.object->blob), ST_OK);
    }
    for (size_t i = 0; i < place.object->part_count; i++) {
        if (place.object->part_numbers[i] == options.part_number) {
            return get_run(model, &place, &options,
                           bytes_of(place.object->blob->data + offset, place.object->part_sizes[i]),
                           ST_OK);
        }
        offset += place.object->part_sizes[i];
    }
    return get_run(model, &place, &options, BYTES_NONE, ST_INVALID_PART);
}

bool
model_do_delete(struct model *model, const uint64_t *dice)
{
    struct object_delete_entry entry = {.status = ST_OK};
    struct error err = ERROR_INIT;
    enum status expected = ST_OK;
    struct place place;
    char etag[80];
    bool is_good;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    entry.key = model_key(place.key);
    if (dice[1] % 4 == 0) {
        expected = condition_choose(1 + dice[2] % 2, place.object, etag, &entry.conditions);
    }
    is_good =
        model_expect(model, "delete", ST_OK, object_delete(&place.bucket, &entry, 1, &err), &err) &&
        model_expect(model, "delete", place.is_away ? ST_UNAVAILABLE : expected, entry.status,
                     &entry.error);
    if (is_good && entry.status == ST_OK) {
        model_object_clear(place.object);
    }
    bucket_close(&place.bucket);
    return is_good;
}

bool
model_do_delete_many(struct model *model, const uint64_t *dice)
{
    struct object_delete_entry entries[8];
    struct error err = ERROR_INIT;
    size_t count = 1 + dice[1] % 8;
    struct place place;
    bool is_good;

    if (!place_find(model, dice[0], &place)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct object_delete_entry){
            .key = model_key((place.key + i * (1 + dice[2] % 5)) % MODEL_KEY_COUNT)};
    }
    is_good = model_expect(model, "delete_many", ST_OK,
                           object_delete(&place.bucket, entries, count, &err), &err);
    for (size_t i = 0; i < count && is_good; i++) {
        size_t key = (place.key + i * (1 + dice[2] % 5)) % MODEL_KEY_COUNT;
        bool is_away = model_is_away(model, place.bucket.id, key);

        is_good = model_expect(model, "delete_many", is_away ? ST_UNAVAILABLE : ST_OK,
                               entries[i].status, &entries[i].error);
        if (entries[i].status == ST_OK) {
            model_object_clear(&model->buckets[place.bucket_index].objects[key]);
        }
    }
    bucket_close(&place.bucket);
    return is_good;
}

static bool
copy_run(struct model *model, struct place *from, struct place *to, const uint64_t *dice,
         bool is_self)
{
    struct object_copy_options options = {
        .source = &from->bucket, .source_key = model_key(from->key), .key = model_key(to->key)};
    struct object_copy_result result;
    struct error err = ERROR_INIT;
    enum status expected = ST_OK;
    char type[32];
    char etag[80];
    enum status st;

    if (dice[2] % 4 == 0 || (is_self && dice[2] % 8 != 1)) {
        options.replaces_attributes = true;
        options.attributes.content[CONTENT_TYPE] = type_format(dice[3], type);
    }
    if (dice[2] % 5 == 0) {
        expected = condition_choose(dice[3], to->object, etag, &options.conditions);
    }
    if (from->object->blob == NULL) {
        expected = ST_NO_SUCH_KEY;
    } else if (is_self && !options.replaces_attributes) {
        expected = ST_INVALID;
    }
    if (from->is_away || to->is_away) {
        expected = ST_UNAVAILABLE;
    }
    st = object_copy(&to->bucket, &options, &result, &err);
    if (st == ST_UNAVAILABLE && may_be_unavailable(model, from->object)) {
        return true;
    }
    if (!model_expect(model, "copy", expected, st, &err)) {
        return false;
    }
    if (st == ST_OK) {
        uint64_t type_number = options.replaces_attributes ? dice[3] % 1000 : from->object->type;

        if (!is_self) {
            model_object_copy(to->object, from->object);
        }
        model_object_join_parts(to->object);
        to->object->type = type_number;
        if (strcmp(result.etag, to->object->etag) != 0) {
            return model_fail(model, "copy: ETag %s, not %s", result.etag, to->object->etag);
        }
    }
    return true;
}

bool
model_do_copy(struct model *model, const uint64_t *dice)
{
    struct place from;
    struct place to;
    bool is_good = true;

    if (!place_find(model, dice[0], &from)) {
        return true;
    }
    if (place_find(model, dice[1], &to)) {
        is_good = copy_run(model, &from, &to, dice, from.object == to.object);
        bucket_close(&to.bucket);
    }
    bucket_close(&from.bucket);
    return is_good;
}

bool
model_do_copy_self(struct model *model, const uint64_t *dice)
{
    const uint64_t same[4] = {dice[0], dice[0], dice[2], dice[3]};

    return model_do_copy(model, same);
}
