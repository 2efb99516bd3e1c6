/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a mountpath is: the file MP/identity.  Written once, when the mountpath is registered; its
 * name appears only after everything else of the mountpath is there.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "base/bytes.h"
#include "base/status.h"

#define IDENTITY_TEXT_MAX 128

struct identity {
    char node_id[IDENTITY_TEXT_MAX];
    unsigned char uuid[16];
};

/* ST_NOT_FOUND: no identity there.  ST_INVALID: one of a newer format.  ST_CORRUPT, ST_IO. */
MUST_USE enum status identity_read(int directory_fd, const char *directory,
                                   struct identity *ret_identity, struct error *err);
/* Durable when it returns. */
MUST_USE enum status identity_write(int directory_fd, const char *directory,
                                    const struct identity *identity, struct error *err);
/* Nothing there but what an interrupted registration leaves, or lost+found? */
MUST_USE enum status identity_check_empty(const char *directory, struct error *err);

#endif
