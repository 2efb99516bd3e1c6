/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only places that ask a disk to make bytes durable, and the checked writes before them. `what`
 * is a literal: the name of the fault point and the word in messages.  A failed sync is final: the
 * kernel may have dropped the pages, so it is never repeated.
 */
#ifndef BASE_DISK_SYNC_H
#define BASE_DISK_SYNC_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/bytes.h"

/* 0, or -1 with errno set. */
MUST_USE int sync_file_data(int fd, const char *what);
MUST_USE int sync_directory(int fd, const char *what);
/* Opens, syncs and closes the directory at path below directory_fd. */
MUST_USE int sync_directory_at(int directory_fd, const char *path, const char *what);

/* Write everything at offset, over short writes; iov is used up.  0, or -1 with errno set. */
MUST_USE int write_fully(int fd, struct iovec *iov, int iov_count, off_t offset, const char *what);
/* 0, or -1 with errno set. */
MUST_USE int truncate_file(int fd, off_t size, const char *what);
MUST_USE int rename_file(int directory_fd, const char *from, const char *to, const char *what);
MUST_USE int link_file(int directory_fd, const char *from, const char *to, const char *what);
MUST_USE int remove_file(int directory_fd, const char *path, const char *what);

/* Names of its steps; the file NAME.new is what an interrupted one leaves. */
struct replace_steps {
    const char *write;
    const char *sync;
    const char *rename;
    const char *directory;
};
/* The file has this content or what it had before, whenever the power is lost.  0, or -1 with errno
 * set. */
MUST_USE int replace_file(int directory_fd, const char *name, struct bytes content,
                          const struct replace_steps *steps);

/* Give the file size bytes of space now, so that later writes cannot meet ENOSPC. */
MUST_USE int allocate_space(int fd, off_t offset, off_t size, const char *what);

#endif
