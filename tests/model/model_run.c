/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "object/bucket_value.h"
#include "object/fsck.h"
#include "object/upload_remove.h"
#include "store/home_internal.h"
#include "store/reclaimer.h"
#include "tests/model/model.h"

#include "base/banned.h"

static const char *const NAMES[] = {
#define MODEL_OP_NAME(name, weight) #name,
    MODEL_OP_LIST(MODEL_OP_NAME)
#undef MODEL_OP_NAME
};

static model_op_fn *const FUNCTIONS[] = {
#define MODEL_OP_FUNCTION(name, weight) model_do_##name,
    MODEL_OP_LIST(MODEL_OP_FUNCTION)
#undef MODEL_OP_FUNCTION
};

const char *
model_op_name(enum model_op_kind kind)
{
    CHECK((size_t)kind < MODEL_OP_COUNT);
    return NAMES[kind];
}

bool
model_fail(struct model *model, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(model->message, sizeof(model->message), fmt, args);
    va_end(args);
    return false;
}

bool
model_expect(struct model *model, const char *what, enum status expected, enum status got,
             const struct error *err)
{
    return expected == got ||
           model_fail(model, "%s: expected %s, got %s: %s", what, status_name(expected),
                      status_name(got), got != ST_OK && err != NULL ? err->text : "");
}

bool
model_start(struct model *model)
{
    char data[512];
    char paths[MODEL_HOME_COUNT][512];
    const char *mountpaths[MODEL_HOME_COUNT];
    struct object_store_options options = {.part_bytes_min = MODEL_PART_BYTES_MIN};
    struct error err = ERROR_INIT;

    store_options_init(&options.store);
    snprintf(data, sizeof(data), "%s/data", model->directory);
    for (size_t i = 0; i < MODEL_HOME_COUNT; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/mp%zu", model->directory, i);
        mountpaths[i] = paths[i];
    }
    options.store.data_directory = data;
    options.store.mountpaths = mountpaths;
    options.store.mountpath_count = model->is_away ? 1 : MODEL_HOME_COUNT;
    options.store.cache_bytes = (size_t)8 << 20;
    options.store.write_buffer_bytes = (size_t)32 << 20;
    options.store.free_floor_bytes = 0;
    options.store.pack_bytes = (uint64_t)1 << 20;
    options.store.sweep_age_s = 0;
    options.store.is_background_off = true;
    if (object_store_open(&options, &model->store, &err) != ST_OK) {
        return model_fail(model, "the store does not open: %s", err.text);
    }
    return true;
}

void
model_stop(struct model *model)
{
    object_store_close(&model->store);
}

bool
model_open(struct model *model, const char *directory)
{
    memset(model, 0, sizeof(*model));
    model->directory = directory;
    return model_start(model);
}

bool
model_close(struct model *model, bool is_checked)
{
    static const uint64_t NOTHING[4];
    bool is_good = true;

    if (is_checked && model->store != NULL) {
        if (model->is_away) {
            is_good = model_do_away(model, NOTHING);
        }
        for (size_t i = 0; is_good && i < MODEL_BUCKET_COUNT; i++) {
            const uint64_t dice[4] = {i};

            is_good = model_do_list_walk(model, dice);
        }
        is_good = is_good && model_do_fsck(model, NOTHING);
    }
    model_stop(model);
    for (size_t i = 0; i < MODEL_BUCKET_COUNT; i++) {
        for (size_t key = 0; key < MODEL_KEY_COUNT; key++) {
            model_object_clear(&model->buckets[i].objects[key]);
        }
    }
    for (size_t i = 0; i < MODEL_UPLOAD_COUNT; i++) {
        model_upload_clear(&model->uploads[i]);
    }
    return is_good;
}

bool
model_run(struct model *model, const struct model_op *op)
{
    return FUNCTIONS[op->kind](model, op->dice);
}

bool
model_is_away(struct model *model, uint64_t bucket_id, size_t key)
{
    return home_state(store_home_of(object_store_store(model->store), bucket_id, model_key(key))) !=
           HOME_PRESENT;
}

struct bucket
model_bucket_open(struct model *model, size_t index)
{
    struct bucket bucket;

    CHECK(bucket_open(model->store, principal_of_root(), bytes_of_string(model_bucket_name(index)),
                      ACTION_PUT_OBJECT, &bucket, NULL) == ST_OK);
    return bucket;
}

bool
model_do_bucket_create(struct model *model, const uint64_t *dice)
{
    size_t index = dice[0] % MODEL_BUCKET_COUNT;
    struct bucket_properties properties;
    struct error err = ERROR_INIT;
    bool is_own = false;
    enum status st;

    bucket_properties_init(&properties);
    properties.chunk_bytes = MODEL_CHUNK_BYTES;
    properties.chunk_spread = (uint32_t)(dice[1] % 2);
    properties.durability = (enum durability)(dice[2] % 3);
    st = bucket_create(model->store, principal_of_root(), bytes_of_string(model_bucket_name(index)),
                       &properties, &is_own, &err);
    if (!model_expect(model, "bucket_create", model->buckets[index].exists ? ST_EXISTS : ST_OK, st,
                      &err)) {
        return false;
    }
    model->buckets[index].exists = true;
    return true;
}

static bool
bucket_is_empty(const struct model_bucket *bucket)
{
    for (size_t key = 0; key < MODEL_KEY_COUNT; key++) {
        if (bucket->objects[key].blob != NULL) {
            return false;
        }
    }
    return true;
}

bool
model_do_bucket_delete(struct model *model, const uint64_t *dice)
{
    size_t index = dice[0] % MODEL_BUCKET_COUNT;
    struct model_bucket *bucket = &model->buckets[index];
    enum status expected = ST_OK;
    struct error err = ERROR_INIT;
    enum status st = bucket_delete(model->store, principal_of_root(),
                                   bytes_of_string(model_bucket_name(index)), &err);

    if (!bucket->exists) {
        expected = ST_NO_SUCH_BUCKET;
    } else if (model->is_away) {
        expected = ST_UNAVAILABLE;
    } else if (!bucket_is_empty(bucket)) {
        expected = ST_BUCKET_NOT_EMPTY;
    }
    if (!model_expect(model, "bucket_delete", expected, st, &err)) {
        return false;
    }
    if (st == ST_OK) {
        bucket->exists = false;
        for (size_t i = 0; i < MODEL_UPLOAD_COUNT; i++) {
            if (model->uploads[i].bucket == index) {
                model_upload_clear(&model->uploads[i]);
            }
        }
    }
    return true;
}

bool
model_do_counters(struct model *model, const uint64_t *dice)
{
    size_t index = dice[0] % MODEL_BUCKET_COUNT;
    struct bucket_counters counters = {0};
    struct error err = ERROR_INIT;
    struct bucket bucket;
    int64_t count = 0;
    int64_t size = 0;
    enum status st;

    if (!model->buckets[index].exists) {
        return true;
    }
    for (size_t key = 0; key < MODEL_KEY_COUNT; key++) {
        const struct model_object *object = &model->buckets[index].objects[key];

        count += object->blob != NULL;
        size += object->blob != NULL ? (int64_t)object->blob->size : 0;
    }
    bucket = model_bucket_open(model, index);
    st = bucket_counters(&bucket, &counters, &err);
    bucket_close(&bucket);
    if (!model_expect(model, "counters", model->is_away ? ST_UNAVAILABLE : ST_OK, st, &err)) {
        return false;
    }
    return st != ST_OK || (counters.object_count == count && counters.logical_bytes == size) ||
           model_fail(model, "counters: %lld objects, %lld bytes, not %lld, %lld",
                      (long long)counters.object_count, (long long)counters.logical_bytes,
                      (long long)count, (long long)size);
}

bool
model_do_restart(struct model *model, const uint64_t *dice)
{
    model_stop(model);
    /* Dropped files that waited for their removal are left to the sweep. */
    model->may_have_orphans = true;
    return model_start(model);
}

/* The second home goes away, or comes back. */
bool
model_do_away(struct model *model, const uint64_t *dice)
{
    if (!model->is_away && !model_resilver(model, 0)) {
        return false;
    }
    model_stop(model);
    model->is_away = !model->is_away;
    /* Chunk files on it that are dropped meanwhile stay until a sweep. */
    model->may_have_orphans = true;
    return model_start(model);
}

bool
model_do_collect(struct model *model, const uint64_t *dice)
{
    bool is_work_done = true;
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    for (uint64_t i = 0; i <= dice[0] % 4 && is_work_done && st == ST_OK; i++) {
        st = store_collect_once(object_store_store(model->store), &is_work_done, &err);
    }
    return model_expect(model, "collect", ST_OK, st, &err);
}

bool
model_do_sweep(struct model *model, const uint64_t *dice)
{
    uint64_t removed_count = 0;
    struct error err = ERROR_INIT;

    return model_expect(model, "sweep", ST_OK,
                        store_sweep_once(object_store_store(model->store), &removed_count, &err),
                        &err);
}

bool
model_do_cleanup(struct model *model, const uint64_t *dice)
{
    int64_t keep_s = dice[0] % 2 == 0 ? 0 : UPLOAD_COMPLETED_KEEP_S;
    uint64_t removed_count = 0;
    struct error err = ERROR_INIT;

    if (!model_expect(model, "cleanup", ST_OK,
                      upload_remove_leftovers(model->store, keep_s, NULL, &removed_count, &err),
                      &err)) {
        return false;
    }
    for (size_t i = 0; keep_s == 0 && i < MODEL_UPLOAD_COUNT; i++) {
        struct model_upload *upload = &model->uploads[i];

        if (upload->state == MODEL_UPLOAD_COMPLETED) {
            struct bucket bucket = model_bucket_open(model, upload->bucket);

            if (!model_is_away(model, bucket.id, upload->key)) {
                model_upload_clear(upload);
            }
            bucket_close(&bucket);
        }
    }
    return true;
}

static void
finding_note(const struct fsck_finding *finding, void *arg)
{
    struct model *model = arg;

    if (finding->kind != FSCK_HOME_ABSENT &&
        (finding->kind != FSCK_FILE_ORPHAN || !model->may_have_orphans)) {
        model_fail(model, "fsck: %s: %s", fsck_finding_name(finding->kind), finding->what);
    }
}

/* Everything is where it belongs, and nothing is left over. */
bool
model_do_fsck(struct model *model, const uint64_t *dice)
{
    struct store *store = object_store_store(model->store);
    struct fsck_options options = {
        .verifies_bytes = true, .found = finding_note, .arg = model, .repairs = false};
    struct fsck_summary summary;
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);

        if (home_state(home) == HOME_PRESENT) {
            /* The sweep removes what was seen before the last synced batch. */
            if (!model_expect(model, "home_sync", ST_OK, home_sync(home, &err), &err)) {
                return false;
            }
            /* Upkeep may be at it. */
            for (int round = 0; round < 100 && reclaimer_waiting_count(home->reclaimer) > 0;
                 round++) {
                const struct timespec pause = {0, 2000000};

                home_drain(home, INT64_MAX);
                nanosleep(&pause, NULL);
            }
        }
    }
    if (model->may_have_orphans && !model->is_away) {
        /* The first meets them, the second removes them. */
        if (!model_do_sweep(model, dice) || !model_do_sweep(model, dice)) {
            return false;
        }
        model->may_have_orphans = false;
    }
    model->message[0] = '\0';
    return model_expect(model, "fsck", ST_OK, fsck_run(model->store, &options, &summary, &err),
                        &err) &&
           model->message[0] == '\0';
}
