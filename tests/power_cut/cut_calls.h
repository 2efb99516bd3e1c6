/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interposed calls share: the real system calls under them (always by number, so that
 * nothing here meets its own interposers), and descriptors that stay out of the program's way.
 * Called from any thread.
 */
#ifndef TESTS_CUT_CALLS_H
#define TESTS_CUT_CALLS_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Own descriptors start here, so that the program meets the numbers that it would get anyway. */
#define CUT_FD_BASE 2000
#define CUT_EXPORT __attribute__((visibility("default")))

/* Moves a fresh descriptor to a high number and closes the low one.  Keeps -1. */
static inline int
cut_high_fd(int fd)
{
    if (fd < 0) {
        return fd;
    }
    int high = fcntl(fd, F_DUPFD_CLOEXEC, CUT_FD_BASE);
    if (high < 0) {
        return fd;
    }
    syscall(SYS_close, fd);
    return high;
}

static inline int
cut_sys_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
}

static inline int
cut_sys_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

/* A second descriptor of an open file, with other flags. */
static inline int
cut_sys_reopen(int fd, int flags)
{
    char link[32] = "/proc/self/fd/";
    char digits[12];
    int count = 0;
    do {
        digits[count++] = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd > 0);
    size_t end = sizeof("/proc/self/fd/") - 1;
    while (count > 0) {
        link[end++] = digits[--count];
    }
    link[end] = '\0';
    return cut_high_fd(cut_sys_openat(AT_FDCWD, link, flags | O_CLOEXEC, 0));
}

#endif
