/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/object/object_fixture.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "object/bucket_value.h"
#include "store/home_internal.h"
#include "store/reclaimer.h"
#include "tests/unit/test.h"

#include "base/banned.h"

void
fixture_options(const struct object_fixture *fixture, struct object_store_options *ret_options,
                const char *mountpaths[FIXTURE_HOME_MAX])
{
    memset(ret_options, 0, sizeof(*ret_options));
    store_options_init(&ret_options->store);
    for (size_t i = 0; i < fixture->home_count; i++) {
        mountpaths[i] = fixture->mountpaths[i];
    }
    ret_options->store.data_directory = fixture->data;
    ret_options->store.mountpaths = mountpaths;
    ret_options->store.mountpath_count = fixture->home_count;
    ret_options->store.cache_bytes = (size_t)8 << 20;
    ret_options->store.write_buffer_bytes = (size_t)32 << 20;
    ret_options->store.free_floor_bytes = 0;
    ret_options->store.pack_bytes = FIXTURE_PACK_BYTES;
    ret_options->store.sweep_age_s = 0;
    ret_options->store.is_background_off = !fixture->has_background;
    ret_options->part_bytes_min = FIXTURE_PART_BYTES_MIN;
    ret_options->promote_from = &fixture->promote_from;
    ret_options->promote_from_count = fixture->promote_from != NULL;
}

enum status
fixture_try_start(struct object_fixture *fixture, struct error *err)
{
    const char *mountpaths[FIXTURE_HOME_MAX];
    struct object_store_options options;

    fixture_options(fixture, &options, mountpaths);
    return object_store_open(&options, &fixture->store, err);
}

void
fixture_start(struct object_fixture *fixture)
{
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_try_start(fixture, &err), &err);
}

void
fixture_open(struct object_fixture *fixture, const char *directory, size_t home_count)
{
    CHECK(home_count <= FIXTURE_HOME_MAX);
    memset(fixture, 0, sizeof(*fixture));
    fixture->home_count = home_count;
    fixture->data = xasprintf("%s/data", directory);
    for (size_t i = 0; i < home_count; i++) {
        fixture->mountpaths[i] = xasprintf("%s/mp%zu", directory, i + 1);
    }
    fixture_start(fixture);
}

void
fixture_stop(struct object_fixture *fixture)
{
    object_store_close(&fixture->store);
}

void
fixture_close(struct object_fixture *fixture)
{
    fixture_stop(fixture);
    free(fixture->data);
    for (size_t i = 0; i < fixture->home_count; i++) {
        free(fixture->mountpaths[i]);
    }
    memset(fixture, 0, sizeof(*fixture));
}

struct bucket
fixture_bucket_open(struct object_fixture *fixture, const char *name)
{
    struct error err = ERROR_INIT;
    struct bucket bucket;

    EXPECT_OK(bucket_open(fixture->store, principal_of_root(), bytes_of_string(name),
                          ACTION_PUT_OBJECT, &bucket, &err),
              &err);
    return bucket;
}

struct bucket
fixture_bucket(struct object_fixture *fixture, const char *name)
{
    struct error err = ERROR_INIT;
    struct bucket_properties properties;
    bool is_own;

    bucket_properties_init(&properties);
    properties.chunk_bytes = FIXTURE_CHUNK_BYTES;
    EXPECT_OK(bucket_create(fixture->store, principal_of_root(), bytes_of_string(name), &properties,
                            &is_own, &err),
              &err);
    return fixture_bucket_open(fixture, name);
}

enum status
fixture_put_options(const struct bucket *bucket, const struct object_put_options *options,
                    struct bytes data, struct object_put_result *ret_result, struct error *err)
{
    struct object_put *put = NULL;
    enum status st = object_put_open(bucket, options, &put, err);

    if (st == ST_OK && data.size > 0) {
        st = sink_write(object_put_sink(put), data, err);
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), err);
    }
    if (st == ST_OK) {
        st = object_put_commit(put, ret_result, err);
    }
    object_put_release(&put);
    return st;
}

enum status
fixture_put(const struct bucket *bucket, const char *key, struct bytes data, struct error *err)
{
    struct object_put_result result;

    return fixture_put_options(
        bucket, &(struct object_put_options){.key = bytes_of_string(key), .size = data.size}, data,
        &result, err);
}

enum status
fixture_part(const struct bucket *bucket, const char *key, struct upload_id id, uint32_t number,
             struct bytes data, struct object_put_result *ret_result, struct error *err)
{
    return fixture_put_options(
        bucket,
        &(struct object_put_options){
            .key = bytes_of_string(key), .size = data.size, .upload = &id, .part_number = number},
        data, ret_result, err);
}

enum status
fixture_get_options(const struct bucket *bucket, const struct object_get_options *options,
                    struct arena *arena, struct object_get_result *ret_result, struct buffer *out,
                    struct error *err)
{
    enum status st = object_get(bucket, options, arena, ret_result, err);
    size_t size = 1;

    if (st != ST_OK || options->is_head) {
        return st;
    }
    buffer_clear(out);
    while (st == ST_OK && size > 0) {
        st = source_read(ret_result->source, READ_MAY_WAIT, buffer_reserve(out, 100000), 100000,
                         &size, err);
        out->size += st == ST_OK ? size : 0;
    }
    source_release(&ret_result->source);
    return st;
}

enum status
fixture_get(const struct bucket *bucket, const char *key, struct buffer *out, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct object_get_result result;
    enum status st = fixture_get_options(
        bucket, &(struct object_get_options){.key = bytes_of_string(key), .mode = READ_MAY_WAIT},
        &arena, &result, out, err);

    arena_release(&arena);
    return st;
}

enum status
fixture_delete(const struct bucket *bucket, const char *key, struct error *err)
{
    struct object_delete_entry entry = {.key = bytes_of_string(key)};
    enum status st = object_delete(bucket, &entry, 1, err);

    if (st == ST_OK && entry.status != ST_OK && err != NULL) {
        *err = entry.error;
    }
    return st == ST_OK ? entry.status : st;
}

static void
list_found(struct bytes name, const struct object_record *record, void *arg)
{
    struct buffer *out = arg;

    (void)record;
    if (out->size > 0) {
        buffer_append_char(out, ' ');
    }
    buffer_append_bytes(out, name);
}

enum status
fixture_list(const struct bucket *bucket, const struct object_list_options *options,
             struct arena *arena, const char **ret_names, struct object_list_result *ret_result,
             struct error *err)
{
    struct buffer names = BUFFER_INIT;
    enum status st = object_list(bucket, options, list_found, &names, arena, ret_result, err);

    if (st == ST_OK) {
        *ret_names = arena_string(arena, buffer_bytes(&names));
    }
    buffer_release(&names);
    return st;
}

void
fixture_fill(struct buffer *out, size_t size, uint64_t seed)
{
    struct prng prng = prng_init(seed);

    buffer_clear(out);
    prng_fill(&prng, buffer_reserve(out, size), size);
    out->size = size;
}

static void
finding_print(const struct fsck_finding *finding, void *arg)
{
    printf("# %s: %s: %s\n", fsck_finding_name(finding->kind), finding->home, finding->what);
}

void
fixture_check(struct object_fixture *fixture, const struct fsck_options *options,
              struct fsck_summary *ret_summary)
{
    struct fsck_options copy = *options;
    struct error err = ERROR_INIT;

    copy.found = finding_print;
    EXPECT_OK(fsck_run(fixture->store, &copy, ret_summary, &err), &err);
}

void
fixture_free_dropped(struct object_fixture *fixture)
{
    struct store *store = object_store_store(fixture->store);

    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);

        if (home_state(home) == HOME_PRESENT && home->reclaimer != NULL) {
            /* Upkeep may be at it, and a reader may hold some. */
            for (int round = 0; round < 100 && reclaimer_waiting_count(home->reclaimer) > 0;
                 round++) {
                const struct timespec pause = {0, 2000000};

                home_drain(home, INT64_MAX);
                nanosleep(&pause, NULL);
            }
        }
    }
}

void
fixture_expect_clean(struct object_fixture *fixture)
{
    struct fsck_summary summary;

    fixture_free_dropped(fixture);
    fixture_check(fixture, &(struct fsck_options){.verifies_bytes = true}, &summary);
    for (int i = 0; i < FSCK_FINDING_COUNT; i++) {
        EXPECT_INT(0, summary.finding_counts[i]);
    }
}
