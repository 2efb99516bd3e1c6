/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine does with large files when nothing but the kernel is in the way:
 *   raw_move disk DIR THREADS COUNT SIZE    files of SIZE bytes, each synced
 *   raw_move copy FROM TO THREADS SYNC      all files below FROM into TO by copy_file_range; SYNC
 * 1: each synced raw_move loopback THREADS COUNT SIZE    SIZE bytes COUNT times, through TCP
 * connections Prints one JSON line.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"

#include "base/banned.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define THREAD_MAX 64
#define OPEN_DIRECTORIES_MAX 64

static const char *target;
static char **files;
static size_t file_count;
static uint64_t count;
static size_t size;
static bool is_synced;
static struct sockaddr_in address;
static _Atomic uint64_t next_number;
static _Atomic uint64_t byte_count;

static int
create_file(uint64_t number)
{
    char *path = xasprintf("%s/f%" PRIu64, target, number);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    CHECK(fd != -1);
    free(path);
    return fd;
}

static void
write_piece(int fd, const char *piece, size_t piece_size)
{
    size_t at = 0;

    while (at < piece_size) {
        ssize_t part = write(fd, piece + at, piece_size - at);

        CHECK(part > 0);
        at += (size_t)part;
    }
}

static void
write_all(int fd, const char *piece)
{
    for (size_t at = 0; at < size; at += PIECE_BYTES) {
        write_piece(fd, piece, size - at < PIECE_BYTES ? size - at : PIECE_BYTES);
    }
    atomic_fetch_add(&byte_count, size);
}

static void *
disk_main(void *arg)
{
    char *piece = xmalloc(PIECE_BYTES);
    uint64_t number;

    entropy_fill(piece, PIECE_BYTES);
    while ((number = atomic_fetch_add(&next_number, 1)) < count) {
        int fd = create_file(number);

        write_all(fd, piece);
        CHECK(fdatasync(fd) == 0);
        CHECK(close(fd) == 0);
    }
    free(piece);
    return NULL;
}

static void *
copy_main(void *arg)
{
    uint64_t number;

    while ((number = atomic_fetch_add(&next_number, 1)) < file_count) {
        int from = open(files[number], O_RDONLY);
        int to = create_file(number);
        ssize_t part;

        CHECK(from != -1);
        while ((part = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0)) > 0) {
            atomic_fetch_add(&byte_count, (uint64_t)part);
        }
        CHECK(part == 0);
        CHECK(!is_synced || fdatasync(to) == 0);
        CHECK(close(to) == 0 && close(from) == 0);
    }
    return NULL;
}

static void *
send_main(void *arg)
{
    char *piece = xmalloc(PIECE_BYTES);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    entropy_fill(piece, PIECE_BYTES);
    CHECK(fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    while (atomic_fetch_add(&next_number, 1) < count) {
        write_all(fd, piece);
    }
    CHECK(close(fd) == 0);
    free(piece);
    return NULL;
}

static void *
receive_main(void *arg)
{
    int fd = accept4(*(const int *)arg, NULL, NULL, SOCK_CLOEXEC);
    char *piece = xmalloc(PIECE_BYTES);
    ssize_t part;

    CHECK(fd != -1);
    while ((part = read(fd, piece, PIECE_BYTES)) > 0) {
    }
    CHECK(part == 0 && close(fd) == 0);
    free(piece);
    return NULL;
}

static int
add_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    if (kind == FTW_F) {
        files = xrealloc_array(files, file_count + 1, sizeof(*files));
        files[file_count++] = xstrdup(path);
    }
    return 0;
}

static uint64_t
number_of(const char *text)
{
    uint64_t value = 0;

    CHECK(bytes_parse_u64(bytes_of_string(text), UINT64_MAX, &value) == ST_OK);
    return value;
}

static void
run(size_t thread_count, void *(*work)(void *), int listener)
{
    pthread_t threads[2 * THREAD_MAX];
    size_t started = 0;

    CHECK(thread_count > 0 && thread_count <= THREAD_MAX);
    for (size_t i = 0; i < thread_count; i++) {
        if (work == send_main) {
            CHECK(pthread_create(&threads[started++], NULL, receive_main, &listener) == 0);
        }
        CHECK(pthread_create(&threads[started++], NULL, work, NULL) == 0);
    }
    for (size_t i = 0; i < started; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void
run_loopback(size_t thread_count)
{
    socklen_t address_size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(listener != -1 && bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(listener, THREAD_MAX) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &address_size) == 0);
    run(thread_count, send_main, listener);
    CHECK(close(listener) == 0);
}

static void
print_result(int64_t elapsed_ns)
{
    struct rusage usage;
    double elapsed_s = (double)elapsed_ns / 1e9;
    uint64_t bytes = atomic_load(&byte_count);

    getrusage(RUSAGE_SELF, &usage);
    printf("{\"seconds\":%.3f,\"files\":%zu,\"bytes\":%" PRIu64 ",\"bytes_per_s\":%.0f,"
           "\"cpu_s\":%.3f}\n",
           elapsed_s, file_count > 0 ? file_count : (size_t)count, bytes, (double)bytes / elapsed_s,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

int
main(int argc, char **argv)
{
    int64_t begin_ns = clock_monotonic_ns();

    if (argc == 6 && strcmp(argv[1], "disk") == 0) {
        target = argv[2];
        count = number_of(argv[4]);
        size = (size_t)number_of(argv[5]);
        CHECK(mkdir(target, 0700) == 0);
        run((size_t)number_of(argv[3]), disk_main, -1);
    } else if (argc == 6 && strcmp(argv[1], "copy") == 0) {
        target = argv[3];
        is_synced = number_of(argv[5]) == 1;
        CHECK(nftw(argv[2], add_file, OPEN_DIRECTORIES_MAX, FTW_PHYS) == 0);
        CHECK(mkdir(target, 0700) == 0);
        begin_ns = clock_monotonic_ns();
        run((size_t)number_of(argv[4]), copy_main, -1);
    } else if (argc == 5 && strcmp(argv[1], "loopback") == 0) {
        count = number_of(argv[3]);
        size = (size_t)number_of(argv[4]);
        run_loopback((size_t)number_of(argv[2]));
    } else {
        fprintf(stderr, "Usage: raw_move disk DIR THREADS COUNT SIZE | copy FROM TO THREADS SYNC | "
                        "loopback THREADS COUNT SIZE\n");
        return 2;
    }
    print_result(clock_monotonic_ns() - begin_ns);
    return 0;
}
