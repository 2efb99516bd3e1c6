/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs that powercut_selftest runs above the library: powercut_child PATTERN, in the
 * directory to work in.  Each changes files in a known way and then cuts its own power; what it
 * has been promised it writes to descriptor 3, which the parent holds.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define ACK_FD 3
#define BODY_SIZE 8192

static char body[BODY_SIZE];

#define MUST(expression)                                                                           \
    do {                                                                                           \
        if (!(expression)) {                                                                       \
            fprintf(stderr, "powercut_child: %s: %s\n", #expression, strerror(errno));             \
            _exit(99);                                                                             \
        }                                                                                          \
    } while (0)

static void
cut(void)
{
    void (*now)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "powercut_now");
    MUST(now != NULL);
    now();
}

static int
open_old(int flags)
{
    int fd = open("old", O_RDWR | flags);
    MUST(fd >= 0);
    return fd;
}

static int
create(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0);
    return fd;
}

static void
sync_directory(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY);
    MUST(fd >= 0 && fsync(fd) == 0);
    close(fd);
}

static void
write_body(int fd)
{
    MUST(write(fd, body, BODY_SIZE) == BODY_SIZE);
}

static void
overwrite(void)
{
    MUST(pwrite(open_old(0), body, BODY_SIZE, 0) == BODY_SIZE);
}

static void
overwrite_fsync(void)
{
    int fd = open_old(0);
    MUST(pwrite(fd, body, BODY_SIZE, 0) == BODY_SIZE);
    MUST(fsync(fd) == 0);
}

/* Past the C library, as openat2 has to be called. */
static void
overwrite_after_raw_open(void)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "old", O_RDWR, 0);
    MUST(pwrite(fd, body, BODY_SIZE, 0) == BODY_SIZE);
}

static void
append_fdatasync_append(void)
{
    int fd = open_old(O_APPEND);
    MUST(write(fd, body, 5000) == 5000);
    MUST(fdatasync(fd) == 0);
    MUST(write(fd, body, 3000) == 3000);
}

/* Descriptors are names of one open file; numbers are used again. */
static void
duplicated(void)
{
    int fd = open_old(0);
    int other = dup(fd);
    close(fd);
    int again = create("again");
    MUST(again == fd);
    write_body(again);
    write_body(other);
    MUST(dup2(other, 77) == 77);
    MUST(fsync(77) == 0);
}

static void
dsync_after_write(void)
{
    int fd = open_old(0);
    struct iovec iov = {.iov_base = body, .iov_len = 4096};
    MUST(pwrite(fd, body, 4096, 4096) == 4096);
    MUST(pwritev2(fd, &iov, 1, 0, RWF_DSYNC) == 4096);
}

static void
create_file(void)
{
    int fd = create("new");
    write_body(fd);
    MUST(fsync(fd) == 0);
}

static void
create_file_sync_directory(void)
{
    create_file();
    sync_directory(".");
}

static void
create_unsynced_sync_directory(void)
{
    write_body(create("new"));
    sync_directory(".");
}

static void
replace_by_rename(void)
{
    int fd = create("tmp");
    write_body(fd);
    MUST(fsync(fd) == 0);
    MUST(rename("tmp", "old") == 0);
}

static void
replace_by_rename_sync_directory(void)
{
    replace_by_rename();
    sync_directory(".");
}

static void
unlink_file(void)
{
    MUST(unlink("old") == 0);
    MUST(access("old", F_OK) != 0);
}

static void
unlink_sync_directory(void)
{
    unlink_file();
    sync_directory(".");
}

/* A file that is open lives on without a name, and its number may be given to another file. */
static void
unlink_open_and_reuse(void)
{
    int fd = open_old(0);
    unlink_sync_directory();
    MUST(pwrite(fd, body, BODY_SIZE, 0) == BODY_SIZE);
    close(fd);
    create_file_sync_directory();
}

static void
truncate_and_rewrite(void)
{
    int fd = open_old(O_TRUNC);
    MUST(write(fd, body, 6000) == 6000);
}

static void
extend_then_truncate(void)
{
    int fd = open_old(O_APPEND);
    write_body(fd);
    MUST(ftruncate(fd, 4096) == 0);
    MUST(fsync(fd) == 0);
}

static void
punch(void)
{
    MUST(fallocate(open_old(0), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) == 0);
}

static void
make_tree(void)
{
    MUST(mkdir("tree", 0700) == 0);
    int fd = create("tree/file");
    write_body(fd);
    MUST(fsync(fd) == 0);
    sync_directory("tree");
}

/* The source's directory is not synced: the file may have both names. */
static void
move_between_directories(void)
{
    MUST(rename("old", "room/moved") == 0);
    sync_directory("room");
}

static void
link_file(void)
{
    MUST(link("old", "second") == 0);
}

static void *
sync_slowly(void *arg)
{
    MUST(fsync(*(int *)arg) == 0);
    return NULL;
}

/* The second write is made while the sync of the first is under way (POWERCUT_SYNC_US). */
static void
write_during_sync(void)
{
    unsigned long long (*calls)(void) =
        (unsigned long long (*)(void))dlsym(RTLD_DEFAULT, "powercut_calls");
    MUST(calls != NULL);
    int fd = open_old(0);
    MUST(pwrite(fd, body, 4096, 0) == 4096);
    unsigned long long before = calls();
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, sync_slowly, &fd) == 0);
    while (calls() == before) {
        sched_yield();
    }
    MUST(pwrite(fd, body, 4096, 4096) == 4096);
    pthread_join(thread, NULL);
}

/* Linux marks the pages of a failed sync clean: the next one succeeds and has written nothing. */
static void
sync_fails_once(void)
{
    int fd = open_old(0);
    MUST(pwrite(fd, body, BODY_SIZE, 0) == BODY_SIZE);
    MUST(fsync(fd) == -1 && errno == EIO);
    MUST(fsync(fd) == 0);
    char seen[BODY_SIZE];
    MUST(pread(fd, seen, BODY_SIZE, 0) == BODY_SIZE && memcmp(seen, body, BODY_SIZE) == 0);
}

static void
calls_fail(void)
{
    int fd = open_old(0);
    MUST(pwrite(fd, body, 512, 0) == 512);
    MUST(pwrite(fd, body, 512, 0) == -1 && errno == ENOSPC);
    MUST(pwrite(fd, body, 512, 0) == 512);
    MUST(rename("old", "new") == -1 && errno == EIO);
    MUST(open("absent", O_WRONLY | O_CREAT, 0600) == -1 && errno == EMFILE);
    MUST(write(fd, body, 512) == 256);
    MUST(fsync(fd) == 0);
}

static void
fork_and_write(void)
{
    int fd = open_old(0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)!write(fd, body, 1);
        _exit(0);
    }
    int status;
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void *
append_and_tell(void *arg)
{
    char name[16];
    snprintf(name, sizeof(name), "log%d", *(int *)arg);
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    MUST(fd >= 0);
    sync_directory(".");
    for (unsigned i = 0; i < 100000; i++) {
        unsigned record[2] = {(unsigned)*(int *)arg, i};
        MUST(write(fd, &i, sizeof(i)) == sizeof(i));
        MUST(fdatasync(fd) == 0);
        MUST(write(ACK_FD, record, sizeof(record)) == sizeof(record));
    }
    return NULL;
}

static void
append_in_threads(void)
{
    static int numbers[4] = {0, 1, 2, 3};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        MUST(pthread_create(&threads[i], NULL, append_and_tell, &numbers[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* Puts value VALUE under the keys from 0; each is told once RocksDB has taken it. */
static void
put_into_rocksdb(bool is_synced)
{
    char *error = NULL;
    const char *value = getenv("CHILD_VALUE");
    MUST(value != NULL);
    /* RocksDB makes its directory, but its entry in the parent is for the caller to sync. */
    MUST(mkdir("db", 0700) == 0 || errno == EEXIST);
    sync_directory(".");
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, 64 << 10);
    rocksdb_t *db = rocksdb_open(options, "db", &error);
    if (error != NULL) {
        fprintf(stderr, "powercut_child: open: %s\n", error);
        _exit(98);
    }
    rocksdb_writeoptions_t *write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(write_options, is_synced);
    char long_value[600];
    snprintf(long_value, sizeof(long_value), "%-590s", value);
    for (unsigned i = 0;; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%u", i % 2000);
        rocksdb_put(db, write_options, key, strlen(key), long_value, strlen(long_value), &error);
        MUST(error == NULL);
        MUST(write(ACK_FD, &i, sizeof(i)) == sizeof(i));
    }
}

static void
rocksdb_synced(void)
{
    put_into_rocksdb(true);
}

static void
rocksdb_unsynced(void)
{
    put_into_rocksdb(false);
}

#define PATTERN(function)                                                                          \
    {                                                                                              \
#function, function                                                                        \
    }
static const struct {
    const char *name;
    void (*run)(void);
} patterns[] = {
    PATTERN(overwrite),
    PATTERN(overwrite_fsync),
    PATTERN(overwrite_after_raw_open),
    PATTERN(append_fdatasync_append),
    PATTERN(duplicated),
    PATTERN(dsync_after_write),
    PATTERN(create_file),
    PATTERN(create_file_sync_directory),
    PATTERN(create_unsynced_sync_directory),
    PATTERN(replace_by_rename),
    PATTERN(replace_by_rename_sync_directory),
    PATTERN(unlink_file),
    PATTERN(unlink_sync_directory),
    PATTERN(unlink_open_and_reuse),
    PATTERN(truncate_and_rewrite),
    PATTERN(extend_then_truncate),
    PATTERN(punch),
    PATTERN(make_tree),
    PATTERN(move_between_directories),
    PATTERN(link_file),
    PATTERN(write_during_sync),
    PATTERN(sync_fails_once),
    PATTERN(calls_fail),
    PATTERN(fork_and_write),
    PATTERN(append_in_threads),
    PATTERN(rocksdb_synced),
    PATTERN(rocksdb_unsynced),
};

int
main(int count, char **arguments)
{
    MUST(count == 2);
    memset(body, 'b', sizeof(body));
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (strcmp(patterns[i].name, arguments[1]) == 0) {
            patterns[i].run();
            cut();
        }
    }
    fprintf(stderr, "powercut_child: no pattern %s\n", arguments[1]);
    return 97;
}
