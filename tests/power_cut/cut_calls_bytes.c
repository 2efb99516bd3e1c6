/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that change the bytes or the size of an open file.  A file's changes are made one
 * after the other, under its node's lock, so that the saved old bytes are the right ones.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_gate.h"
#include "tests/power_cut/cut_nodes.h"
#include "tests/power_cut/cut_rules.h"

#include "base/banned.h"

#define AT_POSITION (-1)

/* Both the plain and the 64-bit name: off_t has 64 bits on every platform we build for. */
#define ALSO(name, other) extern __typeof(name) other __attribute__((alias(#name))) CUT_EXPORT

static struct cut_node *
node_of(int fd)
{
    return cut_config.is_active ? cut_nodes_adopt(fd) : NULL;
}

/* The fault for this call on this descriptor, if any rule wants one. */
static int
fault_of(const char *call, int fd)
{
    char path[CUT_PATH_SIZE];
    if (!cut_config.is_active || !cut_rules_watch(call)) {
        return 0;
    }
    int saved = errno;
    int fault = 0;
    if (cut_config_path_of(fd, path) && cut_config_tracks(path)) {
        fault = cut_rules_fault(call, path);
    }
    errno = saved;
    return fault;
}

static uint64_t
position_of(int fd, off_t wanted, int rwf)
{
    if ((fcntl(fd, F_GETFL) & O_APPEND) != 0 || (rwf & RWF_APPEND) != 0) {
        struct stat status;
        return fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    }
    return wanted == AT_POSITION ? (uint64_t)lseek(fd, 0, SEEK_CUR) : (uint64_t)wanted;
}

/* One change in the making: open between begin and end. */
struct change_call {
    struct cut_node *node;
    struct cut_change *change;
    int fd;
    bool is_synced;
};

static void
begin(struct change_call *call, uint64_t offset, uint64_t length, unsigned flags)
{
    cut_gate_enter();
    pthread_mutex_lock(&call->node->lock);
    call->change = cut_node_begin(call->node, call->fd, offset, length, flags);
}

static void
end(struct change_call *call, bool is_made, uint64_t length)
{
    cut_node_end(call->node, call->fd, call->change, is_made, length);
    if (is_made && call->is_synced) {
        call->change->flags |= CUT_CHANGE_DURABLE;
    }
    pthread_mutex_unlock(&call->node->lock);
    cut_gate_leave();
}

static ssize_t
write_to(struct cut_node *node, int fd, const struct iovec *iov, int count, off_t wanted, int rwf)
{
    size_t total = 0;
    for (int i = 0; i < count; i++) {
        total += iov[i].iov_len;
    }
    struct change_call call = {.node = node, .fd = fd};
    call.is_synced = (fcntl(fd, F_GETFL) & O_DSYNC) != 0 || (rwf & (RWF_DSYNC | RWF_SYNC)) != 0;
    cut_gate_enter();
    pthread_mutex_lock(&node->lock);
    call.change = cut_node_begin(node, fd, position_of(fd, wanted, rwf), total, 0);
    /* A position of -1 means the file's own. */
    ssize_t done = syscall(SYS_pwritev2, fd, iov, count, wanted, 0, rwf);
    end(&call, done > 0, done > 0 ? (uint64_t)done : 0);
    return done;
}

static ssize_t
write_or_fail(const char *name, int fd, const void *bytes, size_t length, off_t wanted)
{
    int fault = fault_of(name, fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    if (fault == CUT_FAULT_SHORT && length > 1) {
        length /= 2;
    }
    struct cut_node *node = node_of(fd);
    if (node != NULL) {
        struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
        return write_to(node, fd, &iov, 1, wanted, 0);
    }
    if (wanted == AT_POSITION) {
        return syscall(SYS_write, fd, bytes, length);
    }
    return syscall(SYS_pwrite64, fd, bytes, length, wanted);
}

CUT_EXPORT ssize_t
write(int fd, const void *bytes, size_t length)
{
    return write_or_fail("write", fd, bytes, length, AT_POSITION);
}

CUT_EXPORT ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return write_or_fail("pwrite", fd, bytes, length, offset);
}
ALSO(pwrite, pwrite64);

static ssize_t
writev_or_fail(const char *name, int fd, const struct iovec *iov, int count, off_t wanted, int rwf)
{
    int fault = fault_of(name, fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    struct iovec first = {0};
    if (fault == CUT_FAULT_SHORT && count > 0) {
        first = (struct iovec){.iov_base = iov[0].iov_base, .iov_len = (iov[0].iov_len + 1) / 2};
        iov = &first;
        count = 1;
    }
    struct cut_node *node = node_of(fd);
    if (node != NULL) {
        return write_to(node, fd, iov, count, wanted, rwf);
    }
    if (wanted == AT_POSITION && rwf == 0) {
        return syscall(SYS_writev, fd, iov, count);
    }
    return syscall(SYS_pwritev2, fd, iov, count, wanted, 0, rwf);
}

CUT_EXPORT ssize_t
writev(int fd, const struct iovec *iov, int count)
{
    return writev_or_fail("writev", fd, iov, count, AT_POSITION, 0);
}

CUT_EXPORT ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    return writev_or_fail("pwritev", fd, iov, count, offset, 0);
}
ALSO(pwritev, pwritev64);

CUT_EXPORT ssize_t
pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int rwf)
{
    return writev_or_fail("pwritev", fd, iov, count, offset, rwf);
}
ALSO(pwritev2, pwritev64v2);

CUT_EXPORT int
ftruncate(int fd, off_t size)
{
    int fault = fault_of("ftruncate", fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    struct change_call call = {.node = node_of(fd), .fd = fd};
    if (call.node == NULL || size < 0) {
        return (int)syscall(SYS_ftruncate, fd, size);
    }
    cut_gate_enter();
    pthread_mutex_lock(&call.node->lock);
    struct stat status;
    uint64_t old = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    uint64_t lost = old > (uint64_t)size ? old - (uint64_t)size : 0;
    call.change = cut_node_begin(call.node, fd, (uint64_t)size, lost, CUT_CHANGE_BARRIER);
    int result = (int)syscall(SYS_ftruncate, fd, size);
    end(&call, result == 0, lost);
    return result;
}
ALSO(ftruncate, ftruncate64);

CUT_EXPORT int
truncate(const char *path, off_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int result = ftruncate(fd, size);
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}
ALSO(truncate, truncate64);

CUT_EXPORT int
fallocate(int fd, int mode, off_t offset, off_t length)
{
    int fault = fault_of("fallocate", fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    struct change_call call = {.node = node_of(fd), .fd = fd};
    if (call.node == NULL || offset < 0 || length <= 0) {
        return (int)syscall(SYS_fallocate, fd, mode, offset, length);
    }
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0) {
        cut_die("fallocate mode %d of a tracked file is not followed", mode);
    }
    bool is_clearing = (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0;
    begin(&call, (uint64_t)offset, is_clearing ? (uint64_t)length : 0,
          is_clearing ? CUT_CHANGE_BARRIER : 0);
    int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
    end(&call, result == 0, is_clearing ? (uint64_t)length : 0);
    return result;
}
ALSO(fallocate, fallocate64);

CUT_EXPORT int
posix_fallocate(int fd, off_t offset, off_t length)
{
    int saved = errno;
    int error = fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
    errno = saved;
    return error;
}
ALSO(posix_fallocate, posix_fallocate64);

CUT_EXPORT ssize_t
copy_file_range(int in_fd, off_t *in_offset, int out_fd, off_t *out_offset, size_t length,
                unsigned flags)
{
    int fault = fault_of("copy_file_range", out_fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    if (fault == CUT_FAULT_SHORT && length > 1) {
        length /= 2;
    }
    struct change_call call = {.node = node_of(out_fd), .fd = out_fd};
    if (call.node == NULL) {
        return syscall(SYS_copy_file_range, in_fd, in_offset, out_fd, out_offset, length, flags);
    }
    off_t wanted = out_offset == NULL ? AT_POSITION : *out_offset;
    begin(&call, position_of(out_fd, wanted, 0), length, 0);
    ssize_t done =
        syscall(SYS_copy_file_range, in_fd, in_offset, out_fd, out_offset, length, flags);
    end(&call, done > 0, done > 0 ? (uint64_t)done : 0);
    return done;
}

CUT_EXPORT ssize_t
sendfile(int out_fd, int in_fd, off_t *offset, size_t length)
{
    int fault = fault_of("sendfile", out_fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    struct change_call call = {.node = node_of(out_fd), .fd = out_fd};
    if (call.node == NULL) {
        return syscall(SYS_sendfile, out_fd, in_fd, offset, length);
    }
    begin(&call, position_of(out_fd, AT_POSITION, 0), length, 0);
    ssize_t done = syscall(SYS_sendfile, out_fd, in_fd, offset, length);
    end(&call, done > 0, done > 0 ? (uint64_t)done : 0);
    return done;
}
ALSO(sendfile, sendfile64);

CUT_EXPORT ssize_t
splice(int in_fd, off_t *in_offset, int out_fd, off_t *out_offset, size_t length, unsigned flags)
{
    struct change_call call = {.node = node_of(out_fd), .fd = out_fd};
    if (call.node == NULL) {
        return syscall(SYS_splice, in_fd, in_offset, out_fd, out_offset, length, flags);
    }
    off_t wanted = out_offset == NULL ? AT_POSITION : *out_offset;
    begin(&call, position_of(out_fd, wanted, 0), length, 0);
    ssize_t done = syscall(SYS_splice, in_fd, in_offset, out_fd, out_offset, length, flags);
    end(&call, done > 0, done > 0 ? (uint64_t)done : 0);
    return done;
}

/* Stores to a shared mapping cannot be seen from here.  RocksDB makes none as we configure it. */
CUT_EXPORT void *
mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    bool is_shared =
        (flags & (MAP_SHARED | MAP_SHARED_VALIDATE)) != 0 && (flags & MAP_PRIVATE) == 0;
    if ((flags & MAP_ANONYMOUS) == 0 && is_shared && (protection & PROT_WRITE) != 0 &&
        node_of(fd) != NULL) {
        cut_die("a tracked file is mapped shared and writable: its changes cannot be followed");
    }
    int fault = (flags & MAP_ANONYMOUS) != 0 ? 0 : fault_of("mmap", fd);
    if (fault > 0) {
        errno = fault;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
ALSO(mmap, mmap64);

static ssize_t
read_or_fail(const char *name, int fd, void *bytes, size_t length, off_t wanted)
{
    int fault = fault_of(name, fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    if (fault == CUT_FAULT_SHORT && length > 1) {
        length /= 2;
    }
    if (wanted == AT_POSITION) {
        return syscall(SYS_read, fd, bytes, length);
    }
    return syscall(SYS_pread64, fd, bytes, length, wanted);
}

CUT_EXPORT ssize_t
read(int fd, void *bytes, size_t length)
{
    return read_or_fail("read", fd, bytes, length, AT_POSITION);
}

CUT_EXPORT ssize_t
pread(int fd, void *bytes, size_t length, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return read_or_fail("pread", fd, bytes, length, offset);
}
ALSO(pread, pread64);

CUT_EXPORT ssize_t
preadv2(int fd, const struct iovec *iov, int count, off_t offset, int rwf)
{
    int fault = fault_of("preadv", fd);
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    struct iovec first = {0};
    if (fault == CUT_FAULT_SHORT && count > 0) {
        first = (struct iovec){.iov_base = iov[0].iov_base, .iov_len = (iov[0].iov_len + 1) / 2};
        iov = &first;
        count = 1;
    }
    return syscall(SYS_preadv2, fd, iov, count, offset, 0, rwf);
}
ALSO(preadv2, preadv64v2);

CUT_EXPORT ssize_t
preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
    return preadv2(fd, iov, count, offset, 0);
}
ALSO(preadv, preadv64);
