/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#include "base/banned.h"

/* Longest message; more is cut.  A line must stay one atomic write. */
#define LOG_MESSAGE_BYTES 1024

static int log_fd = STDERR_FILENO;
static _Atomic enum log_level log_level_max = LOG_LEVEL_INFO;
static _Atomic int log_json = -1; /* -1: decide by isatty at the first line */

static const char *const LEVEL_NAMES[] = {"error", "warn", "info", "debug"};

void
log_configure(int fd, enum log_level level, bool is_json)
{
    log_fd = fd;
    atomic_store(&log_level_max, level);
    atomic_store(&log_json, is_json ? 1 : 0);
}

bool
log_is_enabled(enum log_level level)
{
    return level <= atomic_load_explicit(&log_level_max, memory_order_relaxed);
}

void
log_append_json_string(struct buffer *out, struct bytes text)
{
    bool is_utf8 = bytes_is_utf8(text);

    buffer_append_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == '"' || c == '\\') {
            buffer_append_char(out, '\\');
            buffer_append_char(out, (char)c);
        } else if (c < 0x20 || c == 0x7F) {
            buffer_printf(out, "\\u%04x", c);
        } else if (c >= 0x80 && !is_utf8) {
            buffer_append_string(out, "\\ufffd");
        } else {
            buffer_append_char(out, (char)c);
        }
    }
    buffer_append_char(out, '"');
}

static void
append_time(struct buffer *line)
{
    int64_t now_ns = clock_wall_ns();
    time_t seconds = (time_t)(now_ns / CLOCK_NS_PER_S);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    buffer_printf(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                  tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                  (int)(now_ns % CLOCK_NS_PER_S / CLOCK_NS_PER_MS));
}

static void
append_field(struct buffer *line, bool is_json, const char *name, struct bytes value)
{
    if (value.size == 0) {
        return;
    }
    if (is_json) {
        buffer_printf(line, ",\"%s\":", name);
        log_append_json_string(line, value);
    } else {
        buffer_printf(line, " %s=", name);
        log_append_json_string(line, value);
    }
}

void
log_write(enum log_level level, const struct log_context *context, const char *event,
          const char *fmt, ...)
{
    char message[LOG_MESSAGE_BYTES];
    struct buffer line = BUFFER_INIT;
    va_list args;
    bool is_json;
    ssize_t written;

    if (!log_is_enabled(level)) {
        return;
    }
    if (atomic_load(&log_json) == -1) {
        atomic_store(&log_json, isatty(log_fd) ? 0 : 1);
    }
    is_json = atomic_load(&log_json) == 1;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    buffer_append_string(&line, is_json ? "{\"time\":\"" : "");
    append_time(&line);
    if (is_json) {
        buffer_printf(
            &line, "\",\"level\":\"%s\",\"event\":\"%s\",\"message\":", LEVEL_NAMES[level], event);
        log_append_json_string(&line, bytes_of_string(message));
    } else {
        buffer_printf(&line, " %-5s %s: %s", LEVEL_NAMES[level], event, message);
    }
    if (context != NULL) {
        append_field(&line, is_json, "request_id", bytes_of_string(context->request_id));
        append_field(&line, is_json, "bucket", context->bucket);
        append_field(&line, is_json, "peer", bytes_of_string(context->peer));
        append_field(&line, is_json, "user", bytes_of_string(context->user));
    }
    buffer_append_string(&line, is_json ? "}\n" : "\n");
    written = write(log_fd, line.data, line.size);
    (void)written; /* nowhere left to report a log that cannot be written */
    buffer_release(&line);
}
