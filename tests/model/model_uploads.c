/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on multipart uploads, on the store and on the reference. */
#include <stdio.h>

#include "base/memory.h"
#include "object/object_copy.h"
#include "object/object_put.h"
#include "tests/model/model.h"

#include "base/banned.h"

static struct bytes
type_format(uint64_t type, char out[32])
{
    return bytes_of(out, (size_t)snprintf(out, 32, "x/%llu", (unsigned long long)(type % 1000)));
}

/* An upload in that state, from a random place on; NULL: there is none. */
static struct model_upload *
upload_find(struct model *model, uint64_t dice, enum model_upload_state state)
{
    for (size_t i = 0; i < MODEL_UPLOAD_COUNT; i++) {
        struct model_upload *upload = &model->uploads[(dice + i) % MODEL_UPLOAD_COUNT];

        if (upload->state == state) {
            return upload;
        }
    }
    return NULL;
}

bool
model_do_upload_create(struct model *model, const uint64_t *dice)
{
    struct model_upload *upload = upload_find(model, dice[0], MODEL_UPLOAD_NONE);
    size_t bucket_index = dice[1] % MODEL_BUCKET_COUNT;
    struct multipart_create_options options = {.key = model_key(dice[2] % MODEL_KEY_COUNT)};
    struct upload_id id = {{0}};
    struct error err = ERROR_INIT;
    struct bucket bucket;
    char type[32];
    bool is_away;
    enum status st;

    if (upload == NULL || !model->buckets[bucket_index].exists) {
        return true;
    }
    options.attributes.content[CONTENT_TYPE] = type_format(dice[3], type);
    bucket = model_bucket_open(model, bucket_index);
    is_away = model_is_away(model, bucket.id, dice[2] % MODEL_KEY_COUNT);
    st = multipart_create(&bucket, &options, &id, &err);
    bucket_close(&bucket);
    if (!model_expect(model, "upload_create", is_away ? ST_UNAVAILABLE : ST_OK, st, &err)) {
        return false;
    }
    if (st == ST_OK) {
        upload->state = MODEL_UPLOAD_OPEN;
        upload->bucket = bucket_index;
        upload->key = dice[2] % MODEL_KEY_COUNT;
        upload->type = dice[3] % 1000;
        upload->id = id;
    }
    return true;
}

static void
part_set(struct model_upload *upload, size_t index, struct model_blob **take_blob, const char *etag)
{
    struct model_part *part = &upload->parts[index];

    model_blob_release(&part->blob);
    part->blob = *take_blob;
    *take_blob = NULL;
    snprintf(part->etag, sizeof(part->etag), "%s", etag);
}

static enum status
part_put(const struct bucket *bucket, const struct model_upload *upload, size_t index,
         struct bytes data, struct object_put_result *result, struct error *err)
{
    struct object_put *put = NULL;
    enum status st = object_put_open(bucket,
                                     &(struct object_put_options){
                                         .key = model_key(upload->key),
                                         .size = data.size,
                                         .upload = &upload->id,
                                         .part_number = model_part_number(index),
                                     },
                                     &put, err);

    if (st == ST_OK && data.size > 0) {
        st = sink_write(object_put_sink(put), data, err);
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

bool
model_do_part(struct model *model, const uint64_t *dice)
{
    bool is_late = dice[3] % 16 == 0;
    struct model_upload *upload =
        upload_find(model, dice[0], is_late ? MODEL_UPLOAD_COMPLETED : MODEL_UPLOAD_OPEN);
    size_t index = dice[1] % MODEL_PART_MAX;
    struct model_blob *blob;
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    bool is_away;
    bool is_good;
    enum status st;

    if (upload == NULL) {
        return true;
    }
    blob = model_blob_create(dice[2]);
    bucket = model_bucket_open(model, upload->bucket);
    is_away = model_is_away(model, bucket.id, upload->key);
    st = part_put(&bucket, upload, index, model_blob_bytes(blob), &result, &err);
    bucket_close(&bucket);
    is_good = model_expect(model, "part",
                           is_away   ? ST_UNAVAILABLE
                           : is_late ? ST_NO_SUCH_UPLOAD
                                     : ST_OK,
                           st, &err);
    if (is_good && st == ST_OK) {
        part_set(upload, index, &blob, result.etag);
    }
    model_blob_release(&blob);
    return is_good;
}

/* A source bucket of the right kind is simply one that exists. */
bool
model_do_part_copy(struct model *model, const uint64_t *dice)
{
    struct model_upload *upload = upload_find(model, dice[0], MODEL_UPLOAD_OPEN);
    size_t source_index = dice[1] % MODEL_BUCKET_COUNT;
    size_t source_key = dice[1] / MODEL_BUCKET_COUNT % MODEL_KEY_COUNT;
    size_t index = dice[2] % MODEL_PART_MAX;
    struct model_object *source = &model->buckets[source_index].objects[source_key];
    struct object_copy_options options = {.part_number = model_part_number(index)};
    struct object_copy_result result;
    struct error err = ERROR_INIT;
    struct bucket from;
    struct bucket to;
    enum status expected = ST_OK;
    struct bytes data;
    enum status st;

    if (upload == NULL || !model->buckets[source_index].exists) {
        return true;
    }
    from = model_bucket_open(model, source_index);
    to = model_bucket_open(model, upload->bucket);
    options.source = &from;
    options.source_key = model_key(source_key);
    options.key = model_key(upload->key);
    options.upload = &upload->id;
    if (source->blob == NULL) {
        expected = ST_NO_SUCH_KEY;
    } else {
        data = model_blob_bytes(source->blob);
        if (dice[3] % 2 == 0) {
            uint64_t at = dice[3] % (data.size + 1);
            uint64_t end = at + dice[3] / 7 % (data.size - at + 1);

            options.range = (struct object_range){RANGE_FROM_TO, at, end, 0};
            expected = end >= data.size ? ST_INVALID_RANGE : ST_OK;
            data = expected == ST_OK ? bytes_slice(data, at, end + 1) : data;
        }
    }
    if (model_is_away(model, from.id, source_key) || model_is_away(model, to.id, upload->key)) {
        expected = ST_UNAVAILABLE;
    }
    st = object_copy(&to, &options, &result, &err);
    bucket_close(&from);
    bucket_close(&to);
    if (st == ST_UNAVAILABLE && model->is_away) {
        return true; /* chunk files of the source may be away */
    }
    if (st == ST_OK && expected == ST_OK) {
        struct model_blob *blob = model_blob_of(data);

        part_set(upload, index, &blob, result.etag);
    }
    return model_expect(model, "part_copy", expected, st, &err);
}

/* What the upload's object must become, and whether it can. */
static enum status
completion_expect(const struct model_upload *upload, const uint32_t *asked, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct model_part *part = &upload->parts[asked[i]];

        if (part->blob == NULL) {
            return ST_INVALID_PART;
        }
    }
    for (size_t i = 0; i + 1 < count; i++) {
        if (upload->parts[asked[i]].blob->size < MODEL_PART_BYTES_MIN) {
            return ST_PART_TOO_SMALL;
        }
    }
    return ST_OK;
}

static void
completion_apply(struct model *model, struct model_upload *upload, const char *etag)
{
    struct model_object *object = &model->buckets[upload->bucket].objects[upload->key];
    struct buffer whole = BUFFER_INIT;

    model_object_clear(object);
    for (size_t i = 0; i < upload->asked_count; i++) {
        const struct model_part *part = &upload->parts[upload->asked[i]];

        buffer_append_bytes(&whole, model_blob_bytes(part->blob));
        object->part_numbers[i] = model_part_number(upload->asked[i]);
        object->part_sizes[i] = part->blob->size;
    }
    object->part_count = upload->asked_count;
    object->blob = model_blob_of(buffer_bytes(&whole));
    object->type = upload->type;
    snprintf(object->etag, sizeof(object->etag), "%s", etag);
    snprintf(upload->etag, sizeof(upload->etag), "%s", etag);
    buffer_release(&whole);
    upload->state = MODEL_UPLOAD_COMPLETED;
    for (size_t i = 0; i < MODEL_PART_MAX; i++) {
        model_blob_release(&upload->parts[i].blob);
    }
}

static enum status
completion_send(const struct bucket *bucket, const struct model_upload *upload,
                const struct object_conditions *conditions, struct object_put_result *result,
                struct error *err)
{
    struct multipart_part parts[MODEL_PART_MAX];

    for (size_t i = 0; i < upload->asked_count; i++) {
        parts[i] = (struct multipart_part){
            .number = model_part_number(upload->asked[i]),
            .etag = bytes_of_string(upload->parts[upload->asked[i]].etag),
        };
    }
    return multipart_complete(bucket,
                              &(struct multipart_complete_options){
                                  .key = model_key(upload->key),
                                  .id = upload->id,
                                  .parts = parts,
                                  .part_count = upload->asked_count,
                                  .conditions = *conditions,
                                  .size = OBJECT_SIZE_UNKNOWN,
                              },
                              result, err);
}

/* Mostly all parts that are there; sometimes one is left out or was never put. */
static void
completion_choose(struct model_upload *upload, uint64_t dice)
{
    upload->asked_count = 0;
    for (size_t i = 0; i < MODEL_PART_MAX; i++) {
        bool is_wanted = upload->parts[i].blob != NULL;

        if (dice % 8 == 0 && dice / 8 % MODEL_PART_MAX == i) {
            is_wanted = !is_wanted;
        }
        /* Small parts end an object: leaving them out makes completions succeed more often. */
        if (is_wanted && upload->parts[i].blob != NULL && dice / 64 % 4 != 0 &&
            upload->parts[i].blob->size < MODEL_PART_BYTES_MIN && i + 1 < MODEL_PART_MAX) {
            is_wanted = false;
        }
        if (is_wanted) {
            upload->asked[upload->asked_count++] = (uint32_t)i;
        }
    }
}

bool
model_do_complete(struct model *model, const uint64_t *dice)
{
    struct model_upload *upload = upload_find(model, dice[0], MODEL_UPLOAD_OPEN);
    struct object_conditions conditions = {.has_if_modified_since = false};
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    enum status expected;
    enum status st;

    if (upload == NULL) {
        return true;
    }
    completion_choose(upload, dice[1]);
    if (upload->asked_count == 0) {
        return true;
    }
    expected = completion_expect(upload, upload->asked, upload->asked_count);
    bucket = model_bucket_open(model, upload->bucket);
    if (dice[2] % 6 == 0) {
        conditions.if_none_match = BYTES_LITERAL("*");
        if (expected == ST_OK && model->buckets[upload->bucket].objects[upload->key].blob != NULL) {
            expected = ST_PRECONDITION;
        }
    }
    if (model_is_away(model, bucket.id, upload->key)) {
        expected = ST_UNAVAILABLE;
    }
    st = completion_send(&bucket, upload, &conditions, &result, &err);
    bucket_close(&bucket);
    if (!model_expect(model, "complete", expected, st, &err)) {
        return false;
    }
    if (st == ST_OK) {
        completion_apply(model, upload, result.etag);
    }
    return true;
}

bool
model_do_complete_again(struct model *model, const uint64_t *dice)
{
    static const struct object_conditions NONE;
    struct model_upload *upload = upload_find(model, dice[0], MODEL_UPLOAD_COMPLETED);
    struct object_put_result result;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    bool is_away;
    enum status st;

    if (upload == NULL) {
        return true;
    }
    bucket = model_bucket_open(model, upload->bucket);
    is_away = model_is_away(model, bucket.id, upload->key);
    st = completion_send(&bucket, upload, &NONE, &result, &err);
    bucket_close(&bucket);
    if (!model_expect(model, "complete_again", is_away ? ST_UNAVAILABLE : ST_OK, st, &err)) {
        return false;
    }
    return st != ST_OK || strcmp(result.etag, upload->etag) == 0 ||
           model_fail(model, "complete_again: ETag %s, not %s", result.etag, upload->etag);
}

bool
model_do_abort(struct model *model, const uint64_t *dice)
{
    bool is_late = dice[1] % 4 == 0;
    struct model_upload *upload =
        upload_find(model, dice[0], is_late ? MODEL_UPLOAD_COMPLETED : MODEL_UPLOAD_OPEN);
    struct error err = ERROR_INIT;
    struct bucket bucket;
    bool is_away;
    enum status st;

    if (upload == NULL) {
        return true;
    }
    bucket = model_bucket_open(model, upload->bucket);
    is_away = model_is_away(model, bucket.id, upload->key);
    st = multipart_abort(&bucket, model_key(upload->key), upload->id, &err);
    bucket_close(&bucket);
    if (!model_expect(model, "abort",
                      is_away   ? ST_UNAVAILABLE
                      : is_late ? ST_NO_SUCH_UPLOAD
                                : ST_OK,
                      st, &err)) {
        return false;
    }
    if (st == ST_OK) {
        model_upload_clear(upload);
    }
    return true;
}

static bool
parts_compare(struct model *model, const struct model_upload *upload,
              const struct part_record *parts, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < MODEL_PART_MAX; i++) {
        const struct model_part *part = &upload->parts[i];

        if (part->blob == NULL) {
            continue;
        }
        if (at == count || parts[at].number != model_part_number(i) ||
            parts[at].size != part->blob->size) {
            return model_fail(model, "list_parts: part %u is missing or differs",
                              model_part_number(i));
        }
        at++;
    }
    return at == count || model_fail(model, "list_parts: too many parts");
}

bool
model_do_list_parts(struct model *model, const uint64_t *dice)
{
    struct model_upload *upload = upload_find(model, dice[0], MODEL_UPLOAD_OPEN);
    struct arena arena = ARENA_INIT;
    struct part_record *parts = NULL;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    size_t count = 0;
    bool is_truncated = false;
    bool is_good;
    bool is_away;
    enum status st;

    if (upload == NULL) {
        return true;
    }
    bucket = model_bucket_open(model, upload->bucket);
    is_away = model_is_away(model, bucket.id, upload->key);
    st = multipart_list_parts(&bucket, model_key(upload->key), upload->id, 0, 1000, &arena, &parts,
                              &count, &is_truncated, &err);
    bucket_close(&bucket);
    is_good = model_expect(model, "list_parts", is_away ? ST_UNAVAILABLE : ST_OK, st, &err) &&
              (st != ST_OK || parts_compare(model, upload, parts, count));
    arena_release(&arena);
    return is_good;
}
