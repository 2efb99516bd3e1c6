/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two limits that a durable small PUT is measured against, on the same disk in the same run:
 *   raw_put rocksdb DIR THREADS SECONDS SIZE   synced puts of SIZE bytes into a RocksDB
 *   raw_put file DIR THREADS SECONDS SIZE      create, write, fsync, rename, fsync of the directory
 * Prints one JSON line.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"

#include "base/banned.h"

static const char *directory;
static size_t size;
static int64_t end_ns;
static rocksdb_t *db;
static int directory_fd;
static _Atomic uint64_t done_count;
static _Atomic uint64_t next_number;

static void
put_record(rocksdb_writeoptions_t *options, const char *data, uint64_t number)
{
    char key[32];
    char *failure = NULL;
    int key_size =
        snprintf(key, sizeof(key), "k%016" PRIx64, number * UINT64_C(0x9E3779B97F4A7C15));

    rocksdb_put(db, options, key, (size_t)key_size, data, size, &failure);
    CHECK(failure == NULL);
}

static void
put_file(const char *data, uint64_t number)
{
    char *temporary = xasprintf("%s/t%" PRIu64, directory, number);
    char *final = xasprintf("%s/f%" PRIu64, directory, number);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);

    CHECK(fd != -1);
    CHECK(write(fd, data, size) == (ssize_t)size);
    CHECK(fsync(fd) == 0);
    CHECK(close(fd) == 0);
    CHECK(rename(temporary, final) == 0);
    CHECK(fsync(directory_fd) == 0);
    free(temporary);
    free(final);
}

static void *
producer(void *arg)
{
    rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
    struct prng prng = prng_init((uint64_t)(uintptr_t)&options);
    char *data = xmalloc(size);

    rocksdb_writeoptions_set_sync(options, 1);
    while (clock_monotonic_ns() < end_ns) {
        uint64_t number = atomic_fetch_add(&next_number, 1);

        prng_fill(&prng, data, size);
        if (db != NULL) {
            put_record(options, data, number);
        } else {
            put_file(data, number);
        }
        atomic_fetch_add(&done_count, 1);
    }
    rocksdb_writeoptions_destroy(options);
    free(data);
    return NULL;
}

static uint64_t
number_of(const char *text)
{
    uint64_t value = 0;

    if (bytes_parse_u64(bytes_of_string(text), UINT32_MAX, &value) != ST_OK) {
        fprintf(stderr, "'%s' is no number\n", text);
        exit(2);
    }
    return value;
}

static void
open_target(const char *kind)
{
    if (strcmp(kind, "rocksdb") == 0) {
        rocksdb_options_t *options = rocksdb_options_create();
        char *failure = NULL;

        rocksdb_options_set_create_if_missing(options, 1);
        db = rocksdb_open(options, directory, &failure);
        if (failure != NULL) {
            fprintf(stderr, "%s\n", failure);
            exit(2);
        }
        rocksdb_options_destroy(options);
    } else {
        CHECK(mkdir(directory, 0700) == 0);
        directory_fd = open(directory, O_RDONLY | O_DIRECTORY);
        CHECK(directory_fd != -1);
    }
}

int
main(int argc, char **argv)
{
    pthread_t threads[256];
    size_t thread_count;
    int64_t begin_ns;
    struct rusage usage;
    double elapsed_s;

    if (argc != 6) {
        fprintf(stderr, "Usage: raw_put rocksdb|file DIR THREADS SECONDS SIZE\n");
        return 2;
    }
    directory = argv[2];
    thread_count = (size_t)number_of(argv[3]);
    CHECK(thread_count > 0 && thread_count <= 256);
    size = (size_t)number_of(argv[5]);
    open_target(argv[1]);
    begin_ns = clock_monotonic_ns();
    end_ns = begin_ns + (int64_t)number_of(argv[4]) * CLOCK_NS_PER_S;
    for (size_t i = 0; i < thread_count; i++) {
        CHECK(pthread_create(&threads[i], NULL, producer, NULL) == 0);
    }
    for (size_t i = 0; i < thread_count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    elapsed_s = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"requests\":%" PRIu64 ",\"seconds\":%.3f,\"requests_per_s\":%.1f,"
           "\"client_cpu_s\":%.3f}\n",
           atomic_load(&done_count), elapsed_s, (double)atomic_load(&done_count) / elapsed_s,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    if (db != NULL) {
        rocksdb_close(db);
    }
    return 0;
}
