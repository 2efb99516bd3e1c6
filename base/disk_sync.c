/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"

#include "base/banned.h"

/* Is the point armed?  Then errno is set as if the call had failed. */
static bool
is_failing(const char *what)
{
    int sys_errno = FAULT_ERRNO(what);

    if (sys_errno > 0) {
        errno = sys_errno;
    }
    return sys_errno > 0;
}

int
sync_file_data(int fd, const char *what)
{
    int action = FAULT_ERRNO(what);

    if (action > 0) {
        errno = action;
        return -1;
    }
    return action == FAULT_ACTION_SKIP ? 0 : fdatasync(fd);
}

int
sync_directory(int fd, const char *what)
{
    int action = FAULT_ERRNO(what);

    if (action > 0) {
        errno = action;
        return -1;
    }
    return action == FAULT_ACTION_SKIP ? 0 : fsync(fd);
}

int
sync_directory_at(int directory_fd, const char *path, const char *what)
{
    int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result;
    int saved_errno;

    if (fd < 0) {
        return -1;
    }
    result = sync_directory(fd, what);
    saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return result;
}

/* Skip what was written; returns the index of the first buffer that is not done. */
static int
advance(struct iovec *iov, int iov_count, size_t written)
{
    int i = 0;

    while (i < iov_count && written >= iov[i].iov_len) {
        written -= iov[i].iov_len;
        i++;
    }
    if (i < iov_count) {
        iov[i].iov_base = (char *)iov[i].iov_base + written;
        iov[i].iov_len -= written;
    }
    return i;
}

int
write_fully(int fd, struct iovec *iov, int iov_count, off_t offset, const char *what)
{
    while (iov_count > 0) {
        int action = FAULT_ERRNO(what);
        ssize_t written;
        int done;

        if (action > 0) {
            errno = action;
            return -1;
        }
        if (action == FAULT_ACTION_SHORT) {
            written = pwrite(fd, iov[0].iov_base, iov[0].iov_len / 2, offset);
        } else {
            written = pwritev(fd, iov, iov_count, offset);
        }
        if (written < 0 && errno != EINTR) {
            return -1;
        }
        if (written > 0) {
            offset += written;
            done = advance(iov, iov_count, (size_t)written);
            iov += done;
            iov_count -= done;
        } else if (iov[0].iov_len == 0) {
            iov++;
            iov_count--;
        }
    }
    return 0;
}

int
allocate_space(int fd, off_t offset, off_t size, const char *what)
{
    int result;

    if (is_failing(what)) {
        return -1;
    }
    do {
        result = fallocate(fd, 0, offset, size);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EOPNOTSUPP) {
        return ftruncate(fd, offset + size); /* no promise, but the right size */
    }
    return result;
}

int
truncate_file(int fd, off_t size, const char *what)
{
    return is_failing(what) ? -1 : ftruncate(fd, size);
}

int
rename_file(int directory_fd, const char *from, const char *to, const char *what)
{
    return is_failing(what) ? -1 : renameat(directory_fd, from, directory_fd, to);
}

int
link_file(int directory_fd, const char *from, const char *to, const char *what)
{
    return is_failing(what) ? -1 : linkat(directory_fd, from, directory_fd, to, 0);
}

int
remove_file(int directory_fd, const char *path, const char *what)
{
    return is_failing(what) ? -1 : unlinkat(directory_fd, path, 0);
}

int
replace_file(int directory_fd, const char *name, struct bytes content,
             const struct replace_steps *steps)
{
    struct iovec iov = {(char *)content.data, content.size};
    char *temporary = xasprintf("%s.new", name);
    int fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result = -1;
    int saved_errno;

    if (fd >= 0 && write_fully(fd, &iov, 1, 0, steps->write) == 0 &&
        sync_file_data(fd, steps->sync) == 0 &&
        rename_file(directory_fd, temporary, name, steps->rename) == 0 &&
        sync_directory(directory_fd, steps->directory) == 0) {
        result = 0;
    }
    saved_errno = errno;
    if (fd >= 0) {
        close(fd);
    }
    free(temporary);
    errno = saved_errno;
    return result;
}
