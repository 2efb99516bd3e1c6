/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

#include "base/banned.h"

struct access_log {
    pthread_mutex_t lock;
    pthread_cond_t has_lines;
    struct buffer lines; /* guarded by lock */
    bool is_closing;     /* guarded by lock */
    int fd;
    pthread_t writer;
};

static struct metric dropped_count = {.kind = METRIC_COUNTER,
                                      .name = "lode_access_log_dropped_total",
                                      .help = "Lines dropped because the log could not keep up"};

static void
write_all(struct access_log *log, const struct buffer *lines)
{
    size_t done = 0;

    while (done < lines->size) {
        ssize_t size = write(log->fd, lines->data + done, lines->size - done);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            log_warn(NULL, "access_log_failed", "The access log cannot be written: errno %d",
                     errno);
            return;
        }
        done += (size_t)size;
    }
}

static void *
writer_main(void *arg)
{
    struct access_log *log = arg;
    struct buffer lines = BUFFER_INIT;
    bool is_closing = false;

    CHECK(pthread_setname_np(pthread_self(), "lode-access-log") == 0);
    while (!is_closing) {
        buffer_clear(&lines);
        WITH_LOCK (&log->lock) {
            struct buffer swap = log->lines;

            while (log->lines.size == 0 && !log->is_closing) {
                CHECK(pthread_cond_wait(&log->has_lines, &log->lock) == 0);
            }
            swap = log->lines;
            log->lines = lines;
            lines = swap;
            is_closing = log->is_closing;
        }
        write_all(log, &lines);
    }
    buffer_release(&lines);
    return NULL;
}

enum status
access_log_open(const char *path, struct access_log **ret_log, struct error *err)
{
    struct access_log *log;
    int fd = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO)
                                    : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

    if (fd == -1) {
        return fail_errno(err, ST_IO, "The access log %s cannot be opened", path);
    }
    log = xcalloc(1, sizeof(*log));
    log->fd = fd;
    CHECK(pthread_mutex_init(&log->lock, NULL) == 0);
    CHECK(pthread_cond_init(&log->has_lines, NULL) == 0);
    CHECK(pthread_create(&log->writer, NULL, writer_main, log) == 0);
    metric_register(&dropped_count);
    *ret_log = log;
    return ST_OK;
}

void
access_log_close(struct access_log **take_log)
{
    struct access_log *log = *take_log;

    if (log == NULL) {
        return;
    }
    WITH_LOCK (&log->lock) {
        log->is_closing = true;
        CHECK(pthread_cond_signal(&log->has_lines) == 0);
    }
    CHECK(pthread_join(log->writer, NULL) == 0);
    close(log->fd);
    pthread_cond_destroy(&log->has_lines);
    pthread_mutex_destroy(&log->lock);
    buffer_release(&log->lines);
    free(log);
    *take_log = NULL;
}

static void
append_member(struct buffer *line, const char *name, struct bytes value)
{
    if (value.size > 0) {
        buffer_printf(line, ",\"%s\":", name);
        log_append_json_string(line, value);
    }
}

static void
append_time(struct buffer *line)
{
    int64_t now_ns = clock_wall_ns();
    time_t seconds = (time_t)(now_ns / CLOCK_NS_PER_S);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    buffer_printf(line, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year + 1900,
                  tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                  (int)(now_ns % CLOCK_NS_PER_S / 1000));
}

/* The query is left out: a presigned one carries a signature. */
void
access_log_write(const struct http_log_entry *entry, void *arg)
{
    struct access_log *log = arg;
    struct buffer line = BUFFER_INIT;

    append_time(&line);
    append_member(&line, "request_id", bytes_of_string(entry->request->id));
    append_member(&line, "peer", entry->request->peer_address);
    append_member(&line, "user", entry->user);
    append_member(&line, "method", entry->request->method);
    append_member(&line, "host", entry->request->host);
    append_member(&line, "path", entry->request->path);
    append_member(&line, "operation", bytes_of_string(entry->operation));
    append_member(&line, "error", bytes_of_string(entry->error_code));
    append_member(&line, "user_agent", http_request_header(entry->request, "user-agent"));
    buffer_printf(&line,
                  ",\"status\":%d,\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
                  ",\"duration_us\":%" PRId64 "}\n",
                  entry->status, entry->bytes_in, entry->bytes_out, entry->duration_ns / 1000);
    WITH_LOCK (&log->lock) {
        bool was_empty = log->lines.size == 0;

        if (log->lines.size + line.size > ACCESS_LOG_BUFFER_BYTES) {
            metric_add(&dropped_count, 1);
        } else {
            buffer_append(&log->lines, line.data, line.size);
            if (was_empty) {
                CHECK(pthread_cond_signal(&log->has_lines) == 0);
            }
        }
    }
    buffer_release(&line);
}
