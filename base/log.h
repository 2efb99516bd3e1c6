/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line per event, written where the decision is taken.  Text on a terminal, JSON lines
 * elsewhere.  Never keys, tokens, signatures or bodies.  Any thread; a line is one write(2).
 *
 * error = someone must act; warn = degraded; info = a state changed; debug = off.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/bytes.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* What the line is about.  Borrowed for the call; NULL or empty members are left out. */
struct log_context {
    const char *request_id;
    struct bytes bucket;
    const char *peer;
    const char *user;
};

/* Before other threads start.  Default: standard error, info, text if that is a terminal. */
void log_configure(int fd, enum log_level level, bool is_json);
bool log_is_enabled(enum log_level level);

#define log_error(context, event, ...) log_write(LOG_LEVEL_ERROR, context, event, __VA_ARGS__)
#define log_warn(context, event, ...) log_write(LOG_LEVEL_WARN, context, event, __VA_ARGS__)
#define log_info(context, event, ...) log_write(LOG_LEVEL_INFO, context, event, __VA_ARGS__)
#define log_debug(context, event, ...) log_write(LOG_LEVEL_DEBUG, context, event, __VA_ARGS__)

/* event: snake_case name that a machine can count. */
void log_write(enum log_level level, const struct log_context *context, const char *event,
               const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Append text as a JSON string with its quotes.  Bytes that are not UTF-8 become U+FFFD. */
void log_append_json_string(struct buffer *out, struct bytes text);

#endif
