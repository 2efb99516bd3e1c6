/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk files that were written without a sync and are synced a little later, before the log that
 * names them.  Bounded: when too many wait, the writer syncs its own.
 */
#ifndef STORE_LAZY_SYNC_H
#define STORE_LAZY_SYNC_H

#include <stdbool.h>

#include "base/status.h"

struct home;
struct lazy_sync;

struct lazy_sync *lazy_sync_create(struct home *home);
void lazy_sync_destroy(struct lazy_sync **take_lazy); /* without a sync */
/* Takes over *take_fd and *take_directory_fd (set to -1) to sync them later.  False: too many wait,
 * nothing was taken. */
bool lazy_sync_add(struct lazy_sync *lazy, int *take_fd, int *take_directory_fd);
/* Sync what waits. */
MUST_USE enum status lazy_sync_files(struct lazy_sync *lazy, struct error *err);

#endif
