/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/field_codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "stream/crc.h"

#include "base/banned.h"

/* An entry: length of its payload (4 bytes), CRC32C of what follows (4), what it is (1), payload.
 * Numbers never change. */
#define FRAME_BYTES 9
enum entry { ENTRY_HEAD = 1, ENTRY_STATE = 2, ENTRY_END = 3 };

enum field_tag {
    HEAD_ID = 1 | FIELD_CRITICAL,
    HEAD_KIND = 2 | FIELD_CRITICAL,
    HEAD_STARTED = 3,
    HEAD_OPTIONS = 4 | FIELD_CRITICAL,
    STATE_OBJECTS = 1 | FIELD_CRITICAL,
    STATE_BYTES = 2 | FIELD_CRITICAL,
    STATE_TOTAL = 3,
    STATE_CURSOR = 4 | FIELD_CRITICAL
};

/* What a power cut may cost. */
#define SYNC_INTERVAL_NS CLOCK_NS_PER_S

struct job_record {
    char *path;
    int fd;
    struct buffer head; /* its entry, for the next file */
    size_t size;
    int64_t synced_ns; /* monotonic */
};

/* ---- entries ---- */

static void
append_entry(struct buffer *out, enum entry kind, struct bytes payload)
{
    size_t at = out->size;

    (void)buffer_reserve(out, FRAME_BYTES);
    out->size += FRAME_BYTES;
    buffer_append_bytes(out, payload);
    out->data[at + 8] = (char)kind;
    encode_u32_be(out->data + at, (uint32_t)payload.size);
    encode_u32_be(out->data + at + 4,
                  crc32_castagnoli(0, bytes_of(out->data + at + 8, payload.size + 1)));
}

/* The next entry of *rest; false: none that is whole. */
static bool
cut_entry(struct bytes *rest, enum entry *ret_kind, struct bytes *ret_payload)
{
    size_t size;

    if (rest->size < FRAME_BYTES) {
        return false;
    }
    size = decode_u32_be(rest->data);
    if (size > rest->size - FRAME_BYTES ||
        crc32_castagnoli(0, bytes_of(rest->data + 8, size + 1)) != decode_u32_be(rest->data + 4)) {
        return false;
    }
    *ret_kind = (enum entry)(unsigned char)rest->data[8];
    *ret_payload = bytes_slice(*rest, FRAME_BYTES, FRAME_BYTES + size);
    *rest = bytes_slice(*rest, FRAME_BYTES + size, rest->size);
    return true;
}

static void
append_head(struct buffer *out, const struct job_record_head *head)
{
    struct buffer fields = BUFFER_INIT;

    field_put_text(&fields, HEAD_ID, head->id);
    field_put_text(&fields, HEAD_KIND, head->kind);
    field_put_number(&fields, HEAD_STARTED, (uint64_t)head->started_ns);
    field_put_text(&fields, HEAD_OPTIONS, head->options);
    append_entry(out, ENTRY_HEAD, buffer_bytes(&fields));
    buffer_release(&fields);
}

static void
append_state(struct buffer *out, const struct job_record_state *state)
{
    struct buffer fields = BUFFER_INIT;

    field_put_number(&fields, STATE_OBJECTS, state->counters.object_count);
    field_put_number(&fields, STATE_BYTES, state->counters.byte_count);
    field_put_number(&fields, STATE_TOTAL, state->counters.total_count);
    field_put_text(&fields, STATE_CURSOR, state->cursor);
    append_entry(out, ENTRY_STATE, buffer_bytes(&fields));
    buffer_release(&fields);
}

static bool
read_head(struct bytes rest, struct job_record_head *head)
{
    struct field field;
    uint64_t number = 0;
    enum status st;

    while ((st = field_next(&rest, &field)) == ST_OK) {
        switch (field.tag) {
        case HEAD_ID:
            head->id = field.payload;
            break;
        case HEAD_KIND:
            head->kind = field.payload;
            break;
        case HEAD_OPTIONS:
            head->options = field.payload;
            break;
        case HEAD_STARTED:
            if (!field_number(field.payload, INT64_MAX, &number)) {
                return false;
            }
            head->started_ns = (int64_t)number;
            break;
        default:
            if ((field.tag & FIELD_CRITICAL) != 0) {
                return false;
            }
        }
    }
    return st == ST_NOT_FOUND && head->id.size > 0 && head->id.size < JOB_ID_SIZE &&
           head->kind.size > 0;
}

static bool
read_state(struct bytes rest, struct job_record_state *state)
{
    struct job_counters *counters = &state->counters;
    struct field field;
    enum status st;

    while ((st = field_next(&rest, &field)) == ST_OK) {
        bool is_good = (field.tag & FIELD_CRITICAL) == 0;

        switch (field.tag) {
        case STATE_OBJECTS:
            is_good = field_number(field.payload, INT64_MAX, &counters->object_count);
            break;
        case STATE_BYTES:
            is_good = field_number(field.payload, INT64_MAX, &counters->byte_count);
            break;
        case STATE_TOTAL:
            is_good = field_number(field.payload, INT64_MAX, &counters->total_count);
            break;
        case STATE_CURSOR:
            state->cursor = field.payload;
            is_good = true;
            break;
        default:
            break;
        }
        if (!is_good) {
            return false;
        }
    }
    return st == ST_NOT_FOUND;
}

/* Of a file's bytes, which live as long as the content.  *ret_size: up to the last whole entry. */
static bool
read_content(struct bytes file, struct job_record_content *content, size_t *ret_size)
{
    struct bytes rest = file;
    struct bytes payload;
    bool has_head = false;
    enum entry kind;

    memset(content, 0, sizeof(*content));
    while (cut_entry(&rest, &kind, &payload)) {
        struct job_record_state state = {.cursor = BYTES_NONE};

        if (kind == ENTRY_HEAD && !has_head) {
            has_head = read_head(payload, &content->head);
        } else if (kind == ENTRY_STATE && read_state(payload, &state)) {
            content->has_state = true;
            content->state = state;
        } else if (kind == ENTRY_END) {
            content->end = payload;
        }
        if (!has_head) {
            return false;
        }
        *ret_size = file.size - rest.size;
    }
    return has_head;
}

/* ---- files ---- */

static enum status
write_all(int fd, struct bytes data, struct error *err)
{
    while (data.size > 0) {
        ssize_t put = write(fd, data.data, data.size);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return fail_errno(err, errno == ENOSPC ? ST_NO_SPACE : ST_IO,
                              "the state of a job cannot be written");
        }
        data = bytes_slice(data, (size_t)put, data.size);
    }
    return ST_OK;
}

static enum status
sync_directory_of(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash != NULL ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = ST_OK;

    if (fd < 0 || fsync(fd) != 0) {
        st = fail_errno(err, ST_IO, "the directory of the jobs cannot be synced");
    }
    if (fd >= 0) {
        close(fd);
    }
    free(directory);
    return st;
}

/* A new file in the place of the old one, if there is one, with that content. */
static enum status
replace(struct job_record *record, struct bytes content, struct error *err)
{
    char *fresh = xasprintf("%s.new", record->path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum status st =
        fd >= 0 ? ST_OK : fail_errno(err, ST_IO, "the file of a job cannot be created");

    if (st == ST_OK) {
        st = write_all(fd, content, err);
    }
    if (st == ST_OK && (fdatasync(fd) != 0 || rename(fresh, record->path) != 0)) {
        st = fail_errno(err, ST_IO, "the file of a job cannot be put in its place");
    }
    if (st == ST_OK) {
        st = sync_directory_of(record->path, err);
    }
    if (st == ST_OK) {
        if (record->fd >= 0) {
            close(record->fd);
        }
        record->fd = fd;
        record->size = content.size;
        record->synced_ns = clock_monotonic_ns();
    } else if (fd >= 0) {
        close(fd);
        (void)unlink(fresh);
    }
    free(fresh);
    return st;
}

enum status
job_record_create(const char *directory, const struct job_record_head *head,
                  struct job_record **ret_record, struct error *err)
{
    struct job_record *record = xcalloc(1, sizeof(*record));
    enum status st;

    record->path = xasprintf("%s/%.*s" JOB_RECORD_SUFFIX, directory, BYTES_ARGS(head->id));
    record->fd = -1;
    append_head(&record->head, head);
    st = head->options.size <= JOB_RECORD_BYTES_MAX / 2
             ? replace(record, buffer_bytes(&record->head), err)
             : fail(err, ST_TOO_LARGE, "the message of the job is too long");
    if (st != ST_OK) {
        job_record_close(&record);
        return st;
    }
    *ret_record = record;
    return ST_OK;
}

static enum status
read_file(int fd, struct arena *arena, struct bytes *ret_bytes, struct error *err)
{
    struct stat about;
    size_t size;
    char *data;

    if (fstat(fd, &about) != 0) {
        return fail_errno(err, ST_IO, "the file of a job cannot be read");
    }
    size =
        about.st_size < (off_t)JOB_RECORD_BYTES_MAX ? (size_t)about.st_size : JOB_RECORD_BYTES_MAX;
    data = arena_alloc(arena, size + 1);
    for (size_t at = 0; at < size;) {
        ssize_t got = pread(fd, data + at, size - at, (off_t)at);

        if (got <= 0) {
            return fail_errno(err, ST_IO, "the file of a job cannot be read");
        }
        at += (size_t)got;
    }
    *ret_bytes = bytes_of(data, size);
    return ST_OK;
}

enum status
job_record_open(const char *path, struct arena *arena, struct job_record **ret_record,
                struct job_record_content *ret_content, struct error *err)
{
    struct job_record *record = xcalloc(1, sizeof(*record));
    struct bytes file = BYTES_NONE;
    enum status st;

    record->path = xstrdup(path);
    record->fd = open(path, O_RDWR | O_CLOEXEC);
    st = record->fd >= 0 ? read_file(record->fd, arena, &file, err)
                         : fail_errno(err, ST_IO, "the file of a job cannot be opened");
    if (st == ST_OK && !read_content(file, ret_content, &record->size)) {
        st = fail(err, ST_CORRUPT, "the file of a job says not which job it is");
    }
    if (st == ST_OK &&
        (ftruncate(record->fd, (off_t)record->size) != 0 || lseek(record->fd, 0, SEEK_END) < 0)) {
        st = fail_errno(err, ST_IO, "the file of a job cannot be continued");
    }
    if (st != ST_OK) {
        job_record_close(&record);
        return st;
    }
    append_head(&record->head, &ret_content->head);
    *ret_record = record;
    return ST_OK;
}

/* What is not whole goes: nothing behind it would be read. */
static enum status
append(struct job_record *record, struct bytes entry, struct error *err)
{
    enum status st = write_all(record->fd, entry, err);

    if (st == ST_OK) {
        record->size += entry.size;
    } else if (ftruncate(record->fd, (off_t)record->size) != 0 ||
               lseek(record->fd, 0, SEEK_END) < 0) {
        log_warn(NULL, "job_file_broken", "the file of a job holds part of a state");
    }
    return st;
}

enum status
job_record_save(struct job_record *record, const struct job_record_state *state, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    bool is_new = record->size > JOB_RECORD_REWRITE_BYTES + 2 * record->head.size;
    enum status st;

    if (is_new) {
        buffer_append_bytes(&out, buffer_bytes(&record->head));
    }
    append_state(&out, state);
    if (is_new) {
        st = replace(record, buffer_bytes(&out), err);
    } else {
        st = append(record, buffer_bytes(&out), err);
    }
    if (st == ST_OK && clock_monotonic_ns() - record->synced_ns >= SYNC_INTERVAL_NS) {
        st = fdatasync(record->fd) == 0
                 ? ST_OK
                 : fail_errno(err, ST_IO, "the state of a job cannot be synced");
        record->synced_ns = clock_monotonic_ns();
    }
    buffer_release(&out);
    return st;
}

void
job_record_end(struct job_record *record, struct bytes end)
{
    struct buffer out = BUFFER_INIT;
    struct error err = ERROR_INIT;

    append_entry(&out, ENTRY_END, end);
    if (append(record, buffer_bytes(&out), &err) != ST_OK) {
        log_warn(NULL, "job_end_lost", "%s: the next start takes the job up again", err.text);
    }
    buffer_release(&out);
}

void
job_record_close(struct job_record **take_record)
{
    struct job_record *record = *take_record;

    if (record == NULL) {
        return;
    }
    if (record->fd >= 0) {
        close(record->fd);
    }
    buffer_release(&record->head);
    free(record->path);
    free(record);
    *take_record = NULL;
}

void
job_record_remove(struct job_record **take_record)
{
    if (*take_record != NULL && unlink((*take_record)->path) != 0 && errno != ENOENT) {
        log_warn(NULL, "job_file_left", "the file of a job that has ended cannot be removed");
    }
    job_record_close(take_record);
}
