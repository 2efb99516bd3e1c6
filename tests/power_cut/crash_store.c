/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/power_cut/crash_exit.h"

#include "base/banned.h"

/* Small, so that few objects make chunk files with several chunks, and packs that fill up. */
#define CHUNK_BYTES ((uint64_t)1 << 20)
#define PACK_BYTES ((uint64_t)1 << 20)
#define CACHE_BYTES ((size_t)8 << 20)
#define WRITE_BUFFER_BYTES ((size_t)2 << 20)
#define LAZY_SYNC_INTERVAL_MS 100
#define READ_BUFFER_SIZE ((size_t)256 << 10)

void
crash_store_broken(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "BROKEN PROMISE: %s\n", text);
    fflush(stderr);
    _exit(CRASH_EXIT_BROKEN);
}

void
crash_store_key(unsigned number, char key[CRASH_KEY_SIZE])
{
    /* Some keys share a common prefix, some contain what other stores stumble over. */
    static const char *const forms[] = {"k%u", "d/k%u", "d/../k%u", "e//k%u/"};
    snprintf(key, CRASH_KEY_SIZE, forms[number % 4], number);
}

static void
open_bucket(struct crash_store *crash, unsigned index)
{
    static const char *const names[CRASH_BUCKETS] = {"strict-bucket", "relaxed-bucket"};
    struct error err = ERROR_INIT;
    bool is_own;
    struct bytes name = bytes_of_string(names[index]);
    struct bucket_properties properties = {
        .durability = index == CRASH_BUCKET_STRICT ? DURABILITY_STRICT : DURABILITY_RELAXED,
        .chunk_bytes = CHUNK_BYTES,
        .verify_read = true};
    if (atomic_load(&crash->model->is_bucket_made[index]) == 0) {
        enum status st =
            bucket_create(crash->store, principal_of_root(), name, &properties, &is_own, &err);
        if (st != ST_OK && st != ST_EXISTS) {
            fprintf(stderr, "bucket_create: %s\n", err.text);
            _exit(crash->has_faults ? CRASH_EXIT_REFUSED : CRASH_EXIT_BROKEN);
        }
        atomic_store(&crash->model->is_bucket_made[index], 1);
    }
    if (bucket_open(crash->store, principal_of_root(), name, ACTION_PUT_OBJECT,
                    &crash->buckets[index], &err) != ST_OK) {
        crash_store_broken("the acknowledged bucket %s does not open: %s", names[index], err.text);
    }
}

void
crash_store_open(struct crash_store *crash, const char *directory, bool is_background_off)
{
    char data[512];
    char mountpaths[2][512];
    const char *const list[2] = {mountpaths[0], mountpaths[1]};
    struct object_store_options options = {.region = "us-east-1",
                                           .part_bytes_min = CRASH_PART_BYTES_MIN};
    struct error err = ERROR_INIT;
    snprintf(data, sizeof(data), "%s/data", directory);
    snprintf(mountpaths[0], sizeof(mountpaths[0]), "%s/disk1", directory);
    snprintf(mountpaths[1], sizeof(mountpaths[1]), "%s/disk2", directory);
    store_options_init(&options.store);
    options.store.data_directory = data;
    options.store.mountpaths = list;
    options.store.mountpath_count = 2;
    options.store.cache_bytes = CACHE_BYTES;
    options.store.write_buffer_bytes = WRITE_BUFFER_BYTES;
    options.store.free_floor_bytes = 0;
    options.store.lazy_sync_interval_ms = LAZY_SYNC_INTERVAL_MS;
    options.store.pack_bytes = PACK_BYTES;
    options.store.sweep_age_s = 0; /* what is in use must not need an age to be safe */
    options.store.is_background_off = is_background_off;
    if (object_store_open(&options, &crash->store, &err) != ST_OK) {
        if (crash->has_faults) {
            fprintf(stderr, "open refused: %s\n", err.text);
            _exit(CRASH_EXIT_REFUSED);
        }
        crash_store_broken("the store does not open: %s", err.text);
    }
    for (unsigned i = 0; i < CRASH_BUCKETS; i++) {
        open_bucket(crash, i);
    }
}

void
crash_store_close(struct crash_store *crash)
{
    for (unsigned i = 0; i < CRASH_BUCKETS; i++) {
        bucket_close(&crash->buckets[i]);
    }
    object_store_close(&crash->store);
}

static uint64_t
version_of(const struct object_record *record)
{
    for (size_t i = 0; i < record->attributes.metadata_count; i++) {
        uint64_t version;
        if (bytes_equal_string(record->attributes.metadata[i].name, "version") &&
            bytes_parse_u64(record->attributes.metadata[i].value, UINT64_MAX, &version) == ST_OK) {
            return version;
        }
    }
    return 0;
}

/* ST_OK only if the stream gave exactly these bytes. */
static enum status
compare(struct source *source, struct bytes expected, bool *ret_is_equal, struct error *err)
{
    static __thread char buffer[READ_BUFFER_SIZE];
    size_t done = 0;
    *ret_is_equal = true;
    for (;;) {
        size_t size = 0;
        enum status st = source_read(source, READ_MAY_WAIT, buffer, sizeof(buffer), &size, err);
        if (st != ST_OK) {
            return st;
        }
        if (size == 0) {
            *ret_is_equal = *ret_is_equal && done == expected.size;
            return ST_OK;
        }
        if (size > expected.size - done || memcmp(buffer, expected.data + done, size) != 0) {
            *ret_is_equal = false;
            return ST_OK;
        }
        done += size;
    }
}

/* What the record says must be what the value stands for. */
static void
check_record(const char *key, const struct object_record *record, const struct crash_value *value,
             struct crash_content *content)
{
    char etag[CRASH_ETAG_SIZE];
    uint64_t size = value->pieces[0].size;
    for (uint32_t i = 1; i < value->part_count; i++) {
        size += value->pieces[i].size;
    }
    if (record->size != size) {
        crash_store_broken("%s: size %" PRIu64 " instead of %" PRIu64, key, record->size, size);
    }
    crash_content_etag(content, value, etag);
    if (!bytes_equal_string(record->etag, etag)) {
        crash_store_broken("%s: ETag %.*s instead of %s", key, BYTES_ARGS(record->etag), etag);
    }
}

static enum crash_read
check_bytes(struct crash_store *crash, const char *key, struct object_get_result *got,
            const struct crash_value *value, struct crash_content *content)
{
    struct error err = ERROR_INIT;
    bool is_equal = false;
    check_record(key, &got->record, value, content);
    enum status st = compare(got->source, crash_content_value(content, value), &is_equal, &err);
    source_release(&got->source);
    if (st == ST_CORRUPT) {
        fprintf(stderr, "%s: %s\n", key, err.text);
        return CRASH_READ_CORRUPT;
    }
    if (st != ST_OK) {
        fprintf(stderr, "%s: %s\n", key, err.text);
        return CRASH_READ_FAILED;
    }
    if (!is_equal) {
        crash_store_broken("%s: wrong bytes without an error, version %" PRIu64, key,
                           value->version);
    }
    atomic_fetch_add(&crash->model->read_count, 1);
    return CRASH_READ_WHOLE;
}

enum crash_read
crash_store_read(struct crash_store *crash, unsigned bucket, unsigned key_number,
                 int64_t settled_ns, struct crash_content *content,
                 struct crash_read_result *ret_result)
{
    char key[CRASH_KEY_SIZE];
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct object_get_result got = {.source = NULL};
    enum crash_read result = CRASH_READ_ABSENT;
    crash_store_key(key_number, key);
    struct object_get_options options = {.key = bytes_of_string(key), .mode = READ_MAY_WAIT};
    enum status st = object_get(&crash->buckets[bucket], &options, &arena, &got, &err);

    *ret_result = (struct crash_read_result){0};
    if (st == ST_OK) {
        ret_result->version = version_of(&got.record);
        ret_result->size = got.record.size;
        snprintf(ret_result->etag, sizeof(ret_result->etag), "%.*s", BYTES_ARGS(got.record.etag));
    } else if (st != ST_NO_SUCH_KEY) {
        fprintf(stderr, "%s: %s\n", key, err.text);
        arena_release(&arena);
        return st == ST_CORRUPT ? CRASH_READ_CORRUPT : CRASH_READ_FAILED;
    }
    const struct crash_change *change = crash_model_explain(&crash->model->keys[bucket][key_number],
                                                            ret_result->version, settled_ns);
    if (change == NULL) {
        crash_store_broken("bucket %u, %s: version %" PRIu64 " is not what was promised", bucket,
                           key, ret_result->version);
    }
    if (st == ST_OK) {
        result = check_bytes(crash, key, &got, &change->value, content);
    }
    arena_release(&arena);
    return result;
}
