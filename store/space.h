/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much room a mountpath has left.  statvfs is asked once per SPACE_CACHE_MS; in between, what
 * writers take is subtracted.  Any thread.
 */
#ifndef STORE_SPACE_H
#define STORE_SPACE_H

#include <stdint.h>

#include "base/status.h"

struct space;

struct space *space_create(int directory_fd, uint64_t floor_bytes);
void space_destroy(struct space **take_space);
/* ST_NO_SPACE if size_bytes more would leave less than the floor; else they count as taken. */
MUST_USE enum status space_take(struct space *space, uint64_t size_bytes, const char *directory,
                                struct error *err);
void space_get(struct space *space, uint64_t *ret_total_bytes, uint64_t *ret_free_bytes);

#endif
