/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and reading files of the store, with and without waiting for a disk. */
#ifndef STORE_PATH_OPEN_H
#define STORE_PATH_OPEN_H

#include <sys/types.h>
#include <sys/uio.h>

#include "stream/source.h"

/* READ_NO_WAIT: ST_WOULD_WAIT unless the kernel has every name of the path cached.  ST_NOT_FOUND,
 * ST_IO. */
MUST_USE enum status open_path(int directory_fd, const char *path, int flags, enum read_mode mode,
                               int *ret_fd, struct error *err);
/* All of size bytes or a status; a file that ends before is ST_CORRUPT. */
MUST_USE enum status read_exactly(int fd, void *out, size_t size, off_t offset, enum read_mode mode,
                                  const char *what, struct error *err);
/* The same into two buffers; iov is used up. */
MUST_USE enum status read_exactly_vector(int fd, struct iovec *iov, int iov_count, off_t offset,
                                         enum read_mode mode, const char *what, struct error *err);

#endif
