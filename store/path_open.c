/* SPDX-License-Identifier: Apache-2.0 */
#include "store/path_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

#include "base/banned.h"

enum status
open_path(int directory_fd, const char *path, int flags, enum read_mode mode, int *ret_fd,
          struct error *err)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC)};
    int sys_errno = FAULT_ERRNO("file_open");
    long fd;

    if (mode == READ_NO_WAIT) {
        how.resolve = RESOLVE_CACHED;
    }
    if (sys_errno > 0) {
        errno = sys_errno;
        return fail_errno(err, ST_IO, "cannot open %s", path);
    }
    fd = syscall(SYS_openat2, directory_fd, path, &how, sizeof(how));
    if (fd < 0 && mode == READ_NO_WAIT) {
        /* Also where the kernel does not know the flag: a worker opens it then. */
        return ST_WOULD_WAIT;
    }
    if (fd < 0) {
        return fail_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "cannot open %s", path);
    }
    *ret_fd = (int)fd;
    return ST_OK;
}

/* Skip what came; returns the number of buffers that are done. */
static int
advance(struct iovec *iov, int iov_count, size_t size)
{
    int i = 0;

    while (i < iov_count && size >= iov[i].iov_len) {
        size -= iov[i].iov_len;
        i++;
    }
    if (i < iov_count) {
        iov[i].iov_base = (char *)iov[i].iov_base + size;
        iov[i].iov_len -= size;
    }
    return i;
}

enum status
read_exactly_vector(int fd, struct iovec *iov, int iov_count, off_t offset, enum read_mode mode,
                    const char *what, struct error *err)
{
    int flags = mode == READ_NO_WAIT ? RWF_NOWAIT : 0;

    while (iov_count > 0) {
        int sys_errno = FAULT_ERRNO(what);
        ssize_t size;
        int done;

        if (sys_errno > 0) {
            errno = sys_errno;
            size = -1;
        } else {
            size = preadv2(fd, iov, iov_count, offset, flags);
        }
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (mode == READ_NO_WAIT && ((size < 0 && errno != EIO) || size == 0)) {
            return ST_WOULD_WAIT; /* EAGAIN, or a file system that cannot say */
        }
        if (size < 0) {
            return fail_errno(err, ST_IO, "reading failed (%s)", what);
        }
        if (size == 0) {
            return fail(err, ST_CORRUPT, "a file ends before the bytes it should hold (%s)", what);
        }
        offset += size;
        done = advance(iov, iov_count, (size_t)size);
        iov += done;
        iov_count -= done;
    }
    return ST_OK;
}

enum status
read_exactly(int fd, void *out, size_t size, off_t offset, enum read_mode mode, const char *what,
             struct error *err)
{
    struct iovec iov = {out, size};

    return read_exactly_vector(fd, &iov, 1, offset, mode, what, err);
}
