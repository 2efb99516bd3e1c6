/* SPDX-License-Identifier: Apache-2.0 */
/* Listings, on the store and on the reference. */
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "object/object_list.h"
#include "tests/model/model.h"

#include "base/banned.h"

#define NAME_MAX_COUNT (MODEL_KEY_COUNT + 1)

struct names {
    struct bytes names[NAME_MAX_COUNT];
    size_t count;
    bool is_truncated;
};

/* What a page must hold, the plain way: all keys in order, one after the other. */
static void
reference_list(const struct model_bucket *bucket, const struct object_list_options *options,
               struct names *names)
{
    const size_t *order = model_key_order();
    struct bytes previous = BYTES_NONE;

    memset(names, 0, sizeof(*names));
    for (size_t i = 0; i < MODEL_KEY_COUNT; i++) {
        struct bytes name = model_key(order[i]);
        size_t at;

        if (bucket->objects[order[i]].blob == NULL || !bytes_has_prefix(name, options->prefix)) {
            continue;
        }
        at = options->delimiter.size == 0
                 ? SIZE_MAX
                 : bytes_find(name, options->prefix.size, options->delimiter);
        if (at != SIZE_MAX) {
            name = bytes_slice(name, 0, at + options->delimiter.size);
        }
        if (bytes_compare(name, options->after) <= 0 ||
            (previous.data != NULL && bytes_equal(name, previous))) {
            continue;
        }
        previous = name;
        if (names->count == options->count_max) {
            names->is_truncated = true;
            return;
        }
        names->names[names->count++] = name;
    }
}

struct listing {
    struct model *model;
    const struct model_bucket *bucket;
    const struct names *expected;
    size_t count;
    bool is_good;
};

static const struct model_object *
object_of(const struct model_bucket *bucket, struct bytes name)
{
    for (size_t key = 0; key < MODEL_KEY_COUNT; key++) {
        if (bytes_equal(model_key(key), name)) {
            return &bucket->objects[key];
        }
    }
    return NULL;
}

static void
found(struct bytes name, const struct object_record *record, void *arg)
{
    struct listing *listing = arg;
    const struct model_object *object = record == NULL ? NULL : object_of(listing->bucket, name);

    if (!listing->is_good) {
        return;
    }
    if (listing->count >= listing->expected->count ||
        !bytes_equal(name, listing->expected->names[listing->count])) {
        listing->is_good = model_fail(listing->model, "list: \"%.*s\" at place %zu",
                                      BYTES_ARGS(name), listing->count);
    } else if (record != NULL &&
               (object == NULL || object->blob == NULL || record->size != object->blob->size ||
                !bytes_equal_string(record->etag, object->etag))) {
        listing->is_good = model_fail(listing->model, "list: \"%.*s\" differs", BYTES_ARGS(name));
    }
    listing->count++;
}

static bool
list_run(struct model *model, size_t index, const struct object_list_options *options,
         struct arena *arena, struct object_list_result *result)
{
    struct names expected;
    struct listing listing = {
        .model = model, .bucket = &model->buckets[index], .expected = &expected, .is_good = true};
    struct error err = ERROR_INIT;
    struct bucket bucket = model_bucket_open(model, index);
    enum status st;

    reference_list(listing.bucket, options, &expected);
    memset(result, 0, sizeof(*result));
    st = object_list(&bucket, options, found, &listing, arena, result, &err);
    bucket_close(&bucket);
    if (!model_expect(model, "list", model->is_away ? ST_UNAVAILABLE : ST_OK, st, &err)) {
        return false;
    }
    if (st != ST_OK || !listing.is_good) {
        return listing.is_good;
    }
    if (listing.count != expected.count || result->count != expected.count ||
        result->is_truncated != expected.is_truncated) {
        return model_fail(model, "list: %zu names%s, not %zu%s", listing.count,
                          result->is_truncated ? " and more" : "", expected.count,
                          expected.is_truncated ? " and more" : "");
    }
    return expected.count == 0 || bytes_equal(result->last, expected.names[expected.count - 1]) ||
           model_fail(model, "list: the last name is another");
}

static struct bytes
prefix_choose(uint64_t dice)
{
    struct bytes key = model_key(dice / 4 % MODEL_KEY_COUNT);

    return dice % 4 < 2 ? BYTES_NONE : bytes_slice(key, 0, dice / 400 % (key.size + 1));
}

static struct bytes
delimiter_choose(uint64_t dice)
{
    static const struct bytes CHOICES[] = {{NULL, 0}, {"/", 1}, {"/", 1}, {"//", 2}, {"b", 1}};

    return CHOICES[dice % ARRAY_COUNT(CHOICES)];
}

bool
model_do_list(struct model *model, const uint64_t *dice)
{
    size_t index = dice[0] % MODEL_BUCKET_COUNT;
    struct object_list_options options = {
        .prefix = prefix_choose(dice[1]),
        .delimiter = delimiter_choose(dice[2]),
        .after = prefix_choose(dice[3]),
        .count_max = dice[2] / 8 % 12,
    };
    struct object_list_result result;
    struct arena arena = ARENA_INIT;
    bool is_good;

    if (!model->buckets[index].exists) {
        return true;
    }
    if (options.count_max == 11) {
        options.count_max = 1000;
    }
    /* SPEC: S3: max-keys 0 gives an empty page that is not truncated. */
    is_good = options.count_max == 0 || list_run(model, index, &options, &arena, &result);
    arena_release(&arena);
    return is_good;
}

/* Page after page to the end. */
bool
model_do_list_walk(struct model *model, const uint64_t *dice)
{
    size_t index = dice[0] % MODEL_BUCKET_COUNT;
    struct object_list_options options = {
        .prefix = BYTES_NONE,
        .delimiter = delimiter_choose(dice[2]),
        .count_max = 1 + dice[2] / 8 % 9,
    };
    struct object_list_result result = {.is_truncated = true};
    struct arena arena = ARENA_INIT;
    bool is_good = true;

    while (is_good && result.is_truncated && model->buckets[index].exists) {
        is_good = list_run(model, index, &options, &arena, &result);
        options.after = result.last;
    }
    arena_release(&arena);
    return is_good;
}

static bool
uploads_compare(struct model *model, size_t index, const struct multipart_upload_entry *entries,
                size_t count)
{
    size_t expected = 0;

    for (size_t i = 0; i < MODEL_UPLOAD_COUNT; i++) {
        const struct model_upload *upload = &model->uploads[i];
        bool is_found = false;

        if (upload->state != MODEL_UPLOAD_OPEN || upload->bucket != index) {
            continue;
        }
        expected++;
        for (size_t j = 0; j < count && !is_found; j++) {
            is_found = memcmp(&entries[j].id, &upload->id, sizeof(upload->id)) == 0 &&
                       bytes_equal(entries[j].key, model_key(upload->key));
        }
        if (!is_found) {
            return model_fail(model, "list_uploads: an upload is missing");
        }
    }
    for (size_t i = 1; i < count; i++) {
        int order = bytes_compare(entries[i - 1].key, entries[i].key);

        if (order > 0 || (order == 0 &&
                          memcmp(&entries[i - 1].id, &entries[i].id, sizeof(entries[i].id)) >= 0)) {
            return model_fail(model, "list_uploads: out of order");
        }
    }
    return expected == count || model_fail(model, "list_uploads: %zu, not %zu", count, expected);
}

bool
model_do_list_uploads(struct model *model, const uint64_t *dice)
{
    size_t index = dice[0] % MODEL_BUCKET_COUNT;
    struct multipart_list_options options = {.count_max = 1 + dice[1] % 4};
    struct multipart_upload_entry all[MODEL_UPLOAD_COUNT + 1];
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct bucket bucket;
    bool is_truncated = true;
    bool is_good = true;
    size_t total = 0;
    enum status st = ST_OK;

    if (!model->buckets[index].exists) {
        return true;
    }
    bucket = model_bucket_open(model, index);
    while (is_truncated && st == ST_OK && total <= MODEL_UPLOAD_COUNT) {
        struct multipart_upload_entry *entries;
        size_t count;

        st = multipart_list(&bucket, &options, &arena, &entries, &count, &is_truncated, &err);
        for (size_t i = 0; st == ST_OK && i < count && total <= MODEL_UPLOAD_COUNT; i++) {
            all[total++] = entries[i];
            options.key_marker = entries[i].key;
            options.has_upload_id_marker = true;
            options.upload_id_marker = entries[i].id;
        }
    }
    bucket_close(&bucket);
    is_good =
        model_expect(model, "list_uploads", model->is_away ? ST_UNAVAILABLE : ST_OK, st, &err);
    if (is_good && st == ST_OK) {
        is_good = uploads_compare(model, index, all, total);
    }
    arena_release(&arena);
    return is_good;
}
