/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/open_origin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/disk_sync.h"
#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

#define ORIGIN_NAME "OPEN-ORIGIN"
#define MANIFEST_PREFIX "MANIFEST-"
#define LOG_SUFFIX ".log"
/* A name of RocksDB's: a word, a number, a suffix. */
#define NAME_BYTES_MAX 64
/* The manifest's name and those of the logs, a line each; RocksDB has two or three logs. */
#define ORIGIN_BYTES_MAX ((size_t)64 << 10)

static enum status
open_directory(const char *directory, int *ret_fd, struct error *err)
{
    *ret_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd >= 0 ? ST_OK : fail_errno(err, ST_IO, "records in %s: cannot open", directory);
}

static enum status
read_lines(int directory_fd, const char *name, struct buffer *out, struct error *err)
{
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    buffer_reserve(out, ORIGIN_BYTES_MAX);
    size = fd < 0 ? -1 : pread(fd, out->data, ORIGIN_BYTES_MAX, 0);
    if (fd >= 0) {
        close(fd);
    }
    if (size < 0) {
        return fail_errno(err, ST_IO, "records: cannot read %s", name);
    }
    out->size = (size_t)size;
    return ST_OK;
}

/* The next line without its end, as a string; false: no whole line is left, or no name. */
static bool
take_line(struct bytes *text, char line[NAME_BYTES_MAX])
{
    const char *end = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;
    size_t size = end == NULL ? 0 : (size_t)(end - text->data);

    if (size == 0 || size >= NAME_BYTES_MAX || memchr(text->data, '/', size) != NULL) {
        return false;
    }
    memcpy(line, text->data, size);
    line[size] = '\0';
    *text = bytes_slice(*text, size + 1, text->size);
    return true;
}

static enum status
add_logs(int directory_fd, struct buffer *out, struct error *err)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (entries == NULL) {
        return fail_errno(err, ST_IO, "records: cannot list their directory");
    }
    while ((errno = 0, entry = readdir(entries)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (size > strlen(LOG_SUFFIX) &&
            strcmp(entry->d_name + size - strlen(LOG_SUFFIX), LOG_SUFFIX) == 0) {
            buffer_printf(out, "%s\n", entry->d_name);
        }
    }
    if (errno != 0) {
        enum status st = fail_errno(err, ST_IO, "records: cannot list their directory");

        closedir(entries);
        return st;
    }
    closedir(entries);
    return ST_OK;
}

bool
open_origin_is_left(const char *directory)
{
    char *path = xasprintf("%s/" ORIGIN_NAME, directory);
    bool is_left = access(path, F_OK) == 0;

    free(path);
    return is_left;
}

enum status
open_origin_write(const char *directory, struct error *err)
{
    static const struct replace_steps STEPS = {"open_origin_write", "open_origin_sync",
                                               "open_origin_rename", "open_origin_directory_sync"};
    char manifest[NAME_BYTES_MAX];
    struct buffer text = BUFFER_INIT;
    int fd = -1;
    enum status st = open_directory(directory, &fd, err);

    if (st == ST_OK) {
        st = read_lines(fd, "CURRENT", &text, err);
    }
    if (st == ST_OK) {
        struct bytes line = buffer_bytes(&text);

        if (!take_line(&line, manifest)) {
            st = fail(err, ST_CORRUPT, "records in %s: CURRENT names no manifest", directory);
        }
    }
    if (st == ST_OK) {
        buffer_clear(&text);
        buffer_printf(&text, "%s\n", manifest);
        st = add_logs(fd, &text, err);
    }
    /* What was found is to be durable before the origin that leads past it goes. */
    if (st == ST_OK && open_origin_is_left(directory) &&
        sync_directory(fd, "open_origin_found_sync") != 0) {
        st = fail_errno(err, ST_IO, "records in %s: cannot sync their directory", directory);
    }
    if (st == ST_OK && replace_file(fd, ORIGIN_NAME, buffer_bytes(&text), &STEPS) != 0) {
        st = fail_errno(err, ST_IO, "records in %s: cannot write " ORIGIN_NAME, directory);
    }
    if (fd >= 0) {
        close(fd);
    }
    buffer_release(&text);
    return st;
}

enum status
open_origin_remove(const char *directory, struct error *err)
{
    int fd = -1;
    enum status st = open_directory(directory, &fd, err);

    if (st == ST_OK && remove_file(fd, ORIGIN_NAME, "open_origin_remove") != 0) {
        st = fail_errno(err, ST_IO, "records in %s: cannot remove " ORIGIN_NAME, directory);
    }
    if (fd >= 0) {
        close(fd);
    }
    return st;
}

/* Are the manifest and all logs there?  Then *ret_current is what CURRENT has to hold. */
static enum status
check(int directory_fd, const char *directory, struct bytes text, struct bytes *ret_current,
      struct error *err)
{
    struct bytes first = text;
    char name[NAME_BYTES_MAX];

    for (size_t i = 0; i == 0 || text.size > 0; i++) {
        if (!take_line(&text, name) ||
            (i == 0 && strncmp(name, MANIFEST_PREFIX, strlen(MANIFEST_PREFIX)) != 0)) {
            return fail(err, ST_CORRUPT, "records in %s: " ORIGIN_NAME " cannot be read",
                        directory);
        }
        if (faccessat(directory_fd, name, F_OK, 0) != 0) {
            return fail(err, ST_CORRUPT, "records in %s: %s of " ORIGIN_NAME " is gone", directory,
                        name);
        }
        if (i == 0) {
            *ret_current = bytes_of(first.data, strlen(name) + 1);
        }
    }
    return ST_OK;
}

/* Does CURRENT hold that already? */
static bool
is_current(int directory_fd, struct bytes current)
{
    struct buffer text = BUFFER_INIT;
    bool is_same = read_lines(directory_fd, "CURRENT", &text, NULL) == ST_OK &&
                   bytes_equal(buffer_bytes(&text), current);

    buffer_release(&text);
    return is_same;
}

static enum status
make_current(int directory_fd, const char *directory, struct bytes current, struct error *err)
{
    static const struct replace_steps STEPS = {"current_write", "current_sync", "current_rename",
                                               "current_directory_sync"};

    if (is_current(directory_fd, current)) {
        return ST_OK;
    }
    if (replace_file(directory_fd, "CURRENT", current, &STEPS) != 0) {
        return fail_errno(err, ST_IO, "records in %s: cannot write CURRENT", directory);
    }
    log_warn(NULL, "open_origin_restored",
             "records in %s: the power was lost while they were being opened; %.*s is current "
             "again, and the log is read once more",
             directory, (int)current.size - 1, current.data);
    return ST_OK;
}

enum status
open_origin_restore(const char *directory, struct error *err)
{
    struct buffer text = BUFFER_INIT;
    struct bytes current = {NULL, 0};
    int fd = -1;
    enum status st = open_directory(directory, &fd, err);

    if (st == ST_OK) {
        st = read_lines(fd, ORIGIN_NAME, &text, err);
    }
    if (st == ST_OK) {
        st = check(fd, directory, buffer_bytes(&text), &current, err);
    }
    if (st == ST_OK) {
        st = make_current(fd, directory, current, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    buffer_release(&text);
    return st;
}
