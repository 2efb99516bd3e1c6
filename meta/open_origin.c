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
#include "meta/current_file.h"

#include "base/banned.h"

#define ORIGIN_NAME "OPEN-ORIGIN"
#define LOG_SUFFIX ".log"
/* The manifest's name and those of the logs, a line each; RocksDB has two or three logs. */
#define ORIGIN_BYTES_MAX ((size_t)64 << 10)

static enum status
open_directory(const char *directory, int *ret_fd, struct error *err)
{
    *ret_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd >= 0 ? ST_OK : fail_errno(err, ST_IO, "records in %s: cannot open", directory);
}

static enum status
read_origin(int directory_fd, struct buffer *out, struct error *err)
{
    int fd = openat(directory_fd, ORIGIN_NAME, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    buffer_reserve(out, ORIGIN_BYTES_MAX);
    size = fd < 0 ? -1 : pread(fd, out->data, ORIGIN_BYTES_MAX, 0);
    if (fd >= 0) {
        close(fd);
    }
    if (size < 0) {
        return fail_errno(err, ST_IO, "records: cannot read " ORIGIN_NAME);
    }
    out->size = (size_t)size;
    return ST_OK;
}

/* The next line without its end, as a string; false: no whole line is left, or no name. */
static bool
take_line(struct bytes *text, char line[META_FILE_NAME_SIZE])
{
    const char *end = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;
    size_t size = end == NULL ? 0 : (size_t)(end - text->data);

    if (size == 0 || size >= META_FILE_NAME_SIZE || memchr(text->data, '/', size) != NULL) {
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
    char manifest[META_FILE_NAME_SIZE];
    struct buffer text = BUFFER_INIT;
    int fd = -1;
    enum status st = open_directory(directory, &fd, err);

    if (st == ST_OK) {
        st = current_file_read(directory, manifest, err);
    }
    if (st == ST_OK) {
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

/* Are the manifest and all logs there? */
static enum status
check(int directory_fd, const char *directory, struct bytes text,
      char ret_manifest[META_FILE_NAME_SIZE], struct error *err)
{
    char log[META_FILE_NAME_SIZE];

    for (char *name = ret_manifest; name == ret_manifest || text.size > 0; name = log) {
        if (!take_line(&text, name) ||
            (name == ret_manifest && !current_file_names_manifest(name))) {
            return fail(err, ST_CORRUPT, "records in %s: " ORIGIN_NAME " cannot be read",
                        directory);
        }
        if (faccessat(directory_fd, name, F_OK, 0) != 0) {
            return fail(err, ST_CORRUPT, "records in %s: %s of " ORIGIN_NAME " is gone", directory,
                        name);
        }
    }
    return ST_OK;
}

static enum status
make_current(int directory_fd, const char *directory, const char *manifest, struct error *err)
{
    char present[META_FILE_NAME_SIZE];

    if (current_file_read(directory, present, NULL) == ST_OK && strcmp(present, manifest) == 0) {
        return ST_OK;
    }
    if (current_file_write(directory_fd, manifest) != 0) {
        return fail_errno(err, ST_IO, "records in %s: cannot write CURRENT", directory);
    }
    log_warn(NULL, "open_origin_restored",
             "records in %s: the power was lost while they were being opened; %s is current again, "
             "and the log is read once more",
             directory, manifest);
    return ST_OK;
}

enum status
open_origin_restore(const char *directory, struct error *err)
{
    struct buffer text = BUFFER_INIT;
    char manifest[META_FILE_NAME_SIZE];
    int fd = -1;
    enum status st = open_directory(directory, &fd, err);

    if (st == ST_OK) {
        st = read_origin(fd, &text, err);
    }
    if (st == ST_OK) {
        st = check(fd, directory, buffer_bytes(&text), manifest, err);
    }
    if (st == ST_OK) {
        st = make_current(fd, directory, manifest, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    buffer_release(&text);
    return st;
}
