/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#include "base/banned.h"

static const struct {
    const char *name;
    const char *text;
    bool is_retryable;
} STATUS_TABLE[] = {
#define STATUS_ROW(name, text, retry) {#name, text, retry},
    STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

enum status
status_fail(struct error *err, enum status code, const char *dialect_code, int sys_errno,
            const char *function, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list args;
    int size;

    CHECK(code != ST_OK && code < STATUS_COUNT);
    if (err != NULL) {
        err->code = code;
        err->sys_errno = sys_errno;
        err->function = function;
        err->dialect_code = dialect_code;
        va_start(args, fmt);
        size = vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        if (sys_errno != 0 && size >= 0 && (size_t)size < sizeof(err->text)) {
            char what[128];
            snprintf(err->text + size, sizeof(err->text) - (size_t)size, ": %s",
                     strerror_r(sys_errno, what, sizeof(what)));
        }
    }
    errno = saved_errno;
    return code;
}

const char *
status_name(enum status code)
{
    CHECK(code < STATUS_COUNT);
    return STATUS_TABLE[code].name;
}

enum status
status_of_name(const char *name, size_t size)
{
    for (int i = 0; i < STATUS_COUNT; i++) {
        if (strlen(STATUS_TABLE[i].name) == size && memcmp(STATUS_TABLE[i].name, name, size) == 0) {
            return (enum status)i;
        }
    }
    return ST_INTERNAL;
}

const char *
status_text(enum status code)
{
    CHECK(code < STATUS_COUNT);
    return STATUS_TABLE[code].text;
}

bool
status_is_retryable(enum status code)
{
    CHECK(code < STATUS_COUNT);
    return STATUS_TABLE[code].is_retryable;
}
