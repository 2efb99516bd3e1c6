/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the store by hand (not part of the test run):
 *     store_load DIRECTORY MODE THREADS SECONDS SIZE
 * MODE: commit (a record of SIZE bytes), put, overwrite, get, nowait, chunk (reads one big object)
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/commit.h"
#include "store/layout_reader.h"
#include "store/layout_writer.h"

#include "base/banned.h"

#define BUCKET 7
#define KEY_COUNT 5000
#define LATENCY_COUNT 1000000

static struct store *store;
static const char *mode;
static size_t value_size;
static char *value;
static atomic_bool is_over;
static _Atomic uint64_t done_count;
static _Atomic uint64_t next_key;
static _Atomic uint64_t miss_count; /* reads that would have waited */
static uint32_t *latencies_us;
static _Atomic uint64_t latency_count;

struct operation {
    struct bytes key;
    struct layout_writer *writer;
    struct layout layout;
};

static enum status
decide(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct operation *operation = arg;
    struct object_record record;
    struct bucket_counters delta = {1, 0, (int64_t)value_size, (int64_t)value_size};
    struct buffer encoded = BUFFER_INIT;
    struct bytes old;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, BUCKET, operation->key);
    st = commit_view_get(view, FAMILY_OBJECT, meta_key_bytes(&key), &old, err);
    memset(&record, 0, sizeof(record));
    if (st == ST_OK) {
        CHECK(object_record_decode(old, commit_arena(commit), &record, err) == ST_OK);
        CHECK(commit_drop_layout(commit, view, &record.layout, err) == ST_OK);
        delta = (struct bucket_counters){0};
    }
    memset(&record, 0, sizeof(record));
    record.created_ns = 1;
    record.size = value_size;
    record.etag = BYTES_LITERAL("d41d8cd98f00b204e9800998ecf8427e");
    record.owner = BYTES_LITERAL("root");
    if (operation->writer != NULL) {
        record.layout = operation->layout;
        layout_writer_put_pages(operation->writer, commit);
        CHECK(commit_name_layout(commit, view, &operation->layout, false, err) == ST_OK);
    } else {
        record.layout.kind = LAYOUT_INLINE;
        record.layout.inline_data = bytes_of(value, value_size);
    }
    object_record_encode(&record, &encoded);
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&encoded));
    commit_count(commit, BUCKET, &delta);
    buffer_release(&encoded);
    return ST_OK;
}

static void
put_one(struct bytes key, uint64_t size, bool has_bytes)
{
    struct home *home = store_home_of(store, BUCKET, key);
    struct operation operation = {.key = key};
    struct commit_options options = {.home = home, .decide = decide, .arg = &operation};
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    if (has_bytes) {
        struct layout_writer_options writer = {
            .home = home, .bucket_id = BUCKET, .key = key, .size = size};

        CHECK(layout_writer_create(&writer, &operation.writer, &err) == ST_OK);
        for (uint64_t at = 0; at < size;) {
            uint64_t piece = size - at < 262144 ? size - at : 262144;

            CHECK(layout_writer_write(operation.writer, bytes_of(value + at % value_size, piece),
                                      &err) == ST_OK);
            at += piece;
        }
        CHECK(layout_writer_finish(operation.writer, &arena, &operation.layout, &err) == ST_OK);
        options.writer = operation.writer;
    }
    if (commit_run(&options, NULL, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    if (has_bytes) {
        layout_writer_disown(operation.writer);
        layout_writer_destroy(&operation.writer);
    }
    arena_release(&arena);
}

static void
get_one(struct bytes key, enum read_mode read_mode)
{
    static __thread char out[262144 + 4096];
    struct home *home = store_home_of(store, BUCKET, key);
    struct home_pin pin = home_pin(home);
    struct meta_value record_value = META_VALUE_INIT;
    struct meta_key record_key;
    struct object_record record;
    struct arena arena = ARENA_INIT;
    struct source *source;
    struct error err = ERROR_INIT;
    size_t size = 1;

    meta_key_object(&record_key, BUCKET, key);
    CHECK(meta_db_get(home_db(home), FAMILY_OBJECT, meta_key_bytes(&record_key),
                      read_mode == READ_MAY_WAIT, &record_value, &err) == ST_OK);
    CHECK(object_record_decode(record_value.data, &arena, &record, &err) == ST_OK);
    {
        struct layout_reader_options options = {
            .layout = &record.layout, .size = record.size, .length = record.size, .what = "k"};

        CHECK(layout_reader_open(&options, read_mode, &pin, &source, &err) == ST_OK);
    }
    while (size > 0) {
        enum status st = source_read(source, read_mode, out, 262144, &size, &err);

        if (st == ST_WOULD_WAIT) {
            atomic_fetch_add(&miss_count, 1);
            st = source_read(source, READ_MAY_WAIT, out, 262144, &size, &err);
        }
        if (st != ST_OK) {
            fprintf(stderr, "%s: %s\n", status_name(st), err.text);
            abort();
        }
    }
    source_release(&source);
    meta_value_release(&record_value);
    arena_release(&arena);
}

static void *
run(void *arg)
{
    struct prng prng = prng_init((uint64_t)(uintptr_t)arg);
    char key[64];

    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        int64_t begin = clock_monotonic_ns();
        bool is_fresh = strcmp(mode, "put") == 0 || strcmp(mode, "commit") == 0;
        uint64_t number = is_fresh ? atomic_fetch_add(&next_key, 1) : prng_below(&prng, KEY_COUNT);
        uint64_t slot;

        snprintf(key, sizeof(key), "directory/object-%012llu",
                 (unsigned long long)(is_fresh ? number * 2654435761u % 1000000007u : number));
        if (strcmp(mode, "commit") == 0) {
            put_one(bytes_of_string(key), 0, false);
        } else if (is_fresh || strcmp(mode, "overwrite") == 0) {
            put_one(bytes_of_string(key), value_size, true);
        } else if (strcmp(mode, "chunk") == 0) {
            get_one(bytes_of_string("big"), READ_MAY_WAIT);
        } else {
            get_one(bytes_of_string(key),
                    strcmp(mode, "nowait") == 0 ? READ_NO_WAIT : READ_MAY_WAIT);
        }
        slot = atomic_fetch_add(&latency_count, 1) % LATENCY_COUNT;
        latencies_us[slot] = (uint32_t)((clock_monotonic_ns() - begin) / 1000);
        atomic_fetch_add_explicit(&done_count, 1, memory_order_relaxed);
    }
    return NULL;
}

static double
cpu_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* CPU seconds of the threads with this name. */
static double
thread_cpu_s(const char *wanted)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    double sum = 0;

    CHECK(tasks != NULL);
    while ((entry = readdir(tasks)) != NULL) {
        char path[300];
        char name[32] = "";
        unsigned long long run_ns = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        file = fopen(path, "r");
        if (file == NULL || fscanf(file, "%31s", name) != 1 || strcmp(name, wanted) != 0) {
            name[0] = '\0';
        }
        if (file != NULL) {
            fclose(file);
        }
        snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", entry->d_name);
        file = name[0] != '\0' ? fopen(path, "r") : NULL;
        if (file != NULL) {
            sum += fscanf(file, "%llu", &run_ns) == 1 ? (double)run_ns / 1e9 : 0;
            fclose(file);
        }
    }
    closedir(tasks);
    return sum;
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void
prepare(void)
{
    char key[64];

    if (strcmp(mode, "chunk") == 0) {
        put_one(BYTES_LITERAL("big"), value_size, true);
    }
    for (uint64_t i = 0; i < KEY_COUNT && (strcmp(mode, "overwrite") == 0 ||
                                           strcmp(mode, "get") == 0 || strcmp(mode, "nowait") == 0);
         i++) {
        snprintf(key, sizeof(key), "directory/object-%012llu", (unsigned long long)i);
        put_one(bytes_of_string(key), value_size, true);
    }
}

int
main(int argc, char **argv)
{
    struct store_options options;
    const char *mountpath;
    pthread_t threads[256];
    struct error err = ERROR_INIT;
    double wall;
    double cpu;
    double committer;
    uint64_t count;
    int thread_count;

    CHECK(argc == 6);
    mode = argv[2];
    thread_count = (int)strtol(argv[3], NULL, 10);
    value_size = strtoull(argv[5], NULL, 10);
    value = xmalloc(value_size + 262144);
    memset(value, 'x', value_size + 262144);
    latencies_us = xcalloc(LATENCY_COUNT, sizeof(*latencies_us));
    store_options_init(&options);
    options.data_directory = argv[1];
    mountpath = xasprintf("%s/mp1", argv[1]);
    options.mountpaths = &mountpath;
    options.mountpath_count = 1;
    if (store_open(&options, &store, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    prepare();
    wall = cpu_s(CLOCK_MONOTONIC);
    cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    committer = thread_cpu_s("lode-committer");
    for (int i = 0; i < thread_count; i++) {
        CHECK(pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)(i + 1)) == 0);
    }
    nanosleep(&(struct timespec){strtol(argv[4], NULL, 10), 0}, NULL);
    atomic_store(&is_over, true);
    for (int i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
    wall = cpu_s(CLOCK_MONOTONIC) - wall;
    cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    committer = thread_cpu_s("lode-committer") - committer;
    count = atomic_load(&done_count);
    {
        uint64_t kept = count < LATENCY_COUNT ? count : LATENCY_COUNT;

        qsort(latencies_us, kept, sizeof(*latencies_us), compare);
        printf(
            "%s threads %d size %zu: %.0f/s, %.1f MB/s, CPU %.2f us each, p50 %u us, p99 %u us\n",
            mode, thread_count, value_size, (double)count / wall,
            (double)count * (double)value_size / wall / 1e6, cpu * 1e6 / (double)count,
            latencies_us[kept / 2], latencies_us[kept * 99 / 100]);
        printf("committer: %.2f us each\n", committer * 1e6 / (double)count);
        if (strcmp(mode, "nowait") == 0) {
            printf("would have waited: %llu\n", (unsigned long long)atomic_load(&miss_count));
        }
        if (strcmp(mode, "chunk") == 0) {
            printf("CPU per GiB: %.3f s\n", cpu / ((double)count * (double)value_size / (1 << 30)));
        }
    }
    store_close(&store);
    return 0;
}
