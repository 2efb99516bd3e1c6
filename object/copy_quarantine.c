/* SPDX-License-Identifier: Apache-2.0 */
#include "object/copy_quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/disk_sync.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* One piece of a copy. */
#define COPY_BYTES ((size_t)256 << 10)
/* "ffffffffffffffff-ffffffffffffffff-ffffffffffffffff-99.json.new" */
#define NAME_SIZE 80
/* Different copies under one name: nodes whose numbers went back with a restored disk. */
#define SAME_NAME_MAX 16
/* A description: a key of 1 KiB, 2 KiB of attributes and some headers, each byte escaped. */
#define DESCRIPTION_BYTES_MAX ((size_t)256 << 10)

static const char *const HEADERS[CONTENT_HEADER_COUNT] = {
    [CONTENT_TYPE] = "content-type",
    [CACHE_CONTROL] = "cache-control",
    [CONTENT_DISPOSITION] = "content-disposition",
    [CONTENT_ENCODING] = "content-encoding",
    [CONTENT_LANGUAGE] = "content-language",
    [EXPIRES] = "expires",
    [WEBSITE_REDIRECT] = "x-amz-website-redirect-location",
};

/* ---- the description ---- */

static void
append_member(struct buffer *out, const char *name, struct bytes value)
{
    buffer_append_string(out, ",\n  ");
    log_append_json_string(out, bytes_of_string(name));
    buffer_append_string(out, ": ");
    log_append_json_string(out, value);
}

static void
append_attributes(const struct object_attributes *attributes, struct buffer *out)
{
    for (size_t i = 0; i < CONTENT_HEADER_COUNT; i++) {
        if (attributes->content[i].data != NULL) {
            append_member(out, HEADERS[i], attributes->content[i]);
        }
    }
    buffer_append_string(out, ",\n  \"metadata\": {");
    for (size_t i = 0; i < attributes->metadata_count; i++) {
        buffer_append_string(out, i > 0 ? ", " : "");
        log_append_json_string(out, attributes->metadata[i].name);
        buffer_append_string(out, ": ");
        log_append_json_string(out, attributes->metadata[i].value);
    }
    buffer_append_char(out, '}');
}

/* The same whenever it is written, so that a repeated run knows its own work. */
static void
describe(const struct copy_quarantine *copy, struct buffer *out)
{
    const struct object_record *record = copy->record;
    char key_hex[2 * OBJECT_KEY_BYTES_MAX + 1];

    encode_hex(copy->key, key_hex);
    buffer_append_string(out, "{\n  \"bucket\": ");
    log_append_json_string(out, copy->bucket->name);
    append_member(out, "key", copy->key);
    append_member(out, "key_hex", bytes_of_string(key_hex));
    append_member(out, "etag", record->etag);
    append_member(out, "owner", record->owner);
    append_member(out, "why", bytes_of_string(copy->why));
    append_attributes(&record->attributes, out);
    buffer_printf(out,
                  ",\n  \"size\": %" PRIu64 ",\n  \"stored_size\": %" PRIu64
                  ",\n  \"parts\": %u,\n  \"created_ns\": %" PRId64 ",\n  \"seq\": [%" PRIu64
                  ", %" PRIu64 "]\n}\n",
                  record->size, record->stored_size, record->part_count, record->created_ns,
                  record->seq.map_version, record->seq.counter);
}

/* ---- files ---- */

static enum status
write_failed(struct error *err)
{
    return errno == ENOSPC || errno == EDQUOT
               ? fail(err, ST_NO_SPACE, "there is no room for the quarantine")
               : fail_errno(err, ST_IO, "the quarantine cannot be written");
}

static enum status
write_piece(int fd, const char *data, size_t size, off_t offset, struct error *err)
{
    struct iovec iov = {(void *)(uintptr_t)data, size};

    return write_fully(fd, &iov, 1, offset, "quarantine_write") == 0 ? ST_OK : write_failed(err);
}

static enum status
copy_bytes(int fd, struct source *source, uint64_t size, struct error *err)
{
    char *piece = xmalloc(COPY_BYTES);
    uint64_t done = 0;
    enum status st = ST_OK;

    while (st == ST_OK && done < size) {
        size_t part = 0;

        st = source_read(source, READ_MAY_WAIT, piece, COPY_BYTES, &part, err);
        if (st == ST_OK && part == 0) {
            st = fail(err, ST_CORRUPT, "an object has fewer bytes than its record says");
        }
        if (st == ST_OK) {
            st = write_piece(fd, piece, part, (off_t)done, err);
        }
        done += part;
    }
    free(piece);
    return st;
}

static int
create_file(int directory, const char *name)
{
    return openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static enum status
write_data(int directory, const char *name, struct copy_quarantine *copy, struct error *err)
{
    const struct object_record *record = copy->record;
    struct source *source = NULL;
    int fd = create_file(directory, name);
    enum status st = fd >= 0 ? ST_OK : write_failed(err);

    if (st == ST_OK && record->stored_size > 0) {
        st = layout_reader_open(&(struct layout_reader_options){.layout = &record->layout,
                                                                .size = record->stored_size,
                                                                .length = record->stored_size,
                                                                .what = "a misplaced copy"},
                                READ_MAY_WAIT, &copy->pin, &source, err);
        if (st == ST_OK) {
            st = copy_bytes(fd, source, record->stored_size, err);
        }
        source_release(&source);
    }
    if (st == ST_OK && sync_file_data(fd, "quarantine_data_sync") != 0) {
        st = write_failed(err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return st;
}

static enum status
write_description(int directory, const char *name, struct bytes text, struct error *err)
{
    char fresh[NAME_SIZE + 4];
    int fd;
    enum status st;

    snprintf(fresh, sizeof(fresh), "%s.new", name);
    fd = create_file(directory, fresh);
    st = fd >= 0 ? write_piece(fd, text.data, text.size, 0, err) : write_failed(err);
    if (st == ST_OK && sync_file_data(fd, "quarantine_text_sync") != 0) {
        st = write_failed(err);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (st == ST_OK && (renameat(directory, fresh, directory, name) != 0 ||
                        sync_directory(directory, "quarantine_directory_sync") != 0)) {
        st = write_failed(err);
    }
    return st;
}

/* Is it there?  *ret_is_same: with this text. */
static bool
description_exists(int directory, const char *name, struct bytes text, bool *ret_is_same)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    char *known;
    ssize_t got;

    if (fd < 0) {
        return false;
    }
    known = xmalloc(DESCRIPTION_BYTES_MAX);
    got = pread(fd, known, DESCRIPTION_BYTES_MAX, 0);
    *ret_is_same = got >= 0 && bytes_equal(bytes_of(known, (size_t)got), text);
    free(known);
    close(fd);
    return true;
}

static enum status
put_files(int directory, struct copy_quarantine *copy, struct error *err)
{
    const struct seq seq = copy->record->seq;
    struct buffer text = BUFFER_INIT;
    char data_name[NAME_SIZE];
    char text_name[NAME_SIZE];
    bool is_same = false;
    bool is_free = false;
    enum status st = ST_OK;

    describe(copy, &text);
    for (int i = 0; i < SAME_NAME_MAX && !is_same && !is_free; i++) {
        char stem[NAME_SIZE - 16];

        snprintf(stem, sizeof(stem), "%" PRIx64 "-%" PRIx64 "-%016" PRIx64 "%s%.0d",
                 seq.map_version, seq.counter, copy->digest, i > 0 ? "-" : "", i);
        snprintf(data_name, sizeof(data_name), "%s.data", stem);
        snprintf(text_name, sizeof(text_name), "%s.json", stem);
        is_free = !description_exists(directory, text_name, buffer_bytes(&text), &is_same);
    }
    if (!is_same && !is_free) {
        st = fail(err, ST_EXISTS, "too many copies of this name are in the quarantine");
    } else if (!is_same) {
        st = write_data(directory, data_name, copy, err);
        FAULT_KILL("quarantine_before_text");
        if (st == ST_OK) {
            st = write_description(directory, text_name, buffer_bytes(&text), err);
        }
        if (st != ST_OK) {
            (void)unlinkat(directory, data_name, 0);
        }
    }
    buffer_release(&text);
    return st;
}

/* Below the mountpath; a new one is durable before anything is in it. */
static enum status
open_directory(struct home *home, int *ret_fd, struct error *err)
{
    int parent = open(home_directory(home), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;
    enum status st = ST_OK;

    if (parent < 0) {
        return fail_errno(err, ST_UNAVAILABLE, "mountpath %s cannot be opened",
                          home_directory(home));
    }
    if (mkdirat(parent, COPY_QUARANTINE_DIRECTORY, 0700) == 0) {
        if (sync_directory(parent, "quarantine_parent_sync") != 0) {
            st = write_failed(err);
        }
    } else if (errno != EEXIST) {
        st = write_failed(err);
    }
    if (st == ST_OK) {
        fd = openat(parent, COPY_QUARANTINE_DIRECTORY,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        st = fd >= 0 ? ST_OK : write_failed(err);
    }
    close(parent);
    *ret_fd = fd;
    return st;
}

enum status
copy_quarantine_put(struct copy_quarantine *copy, struct error *err)
{
    int directory = -1;
    enum status st = home_require_writable(copy->home, err);

    if (st == ST_OK) {
        st = open_directory(copy->home, &directory, err);
    }
    if (st == ST_OK) {
        st = put_files(directory, copy, err);
    }
    if (directory >= 0) {
        close(directory);
    }
    home_unpin(&copy->pin);
    return st;
}
