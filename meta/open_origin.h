/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the open of a RocksDB began from.  While it opens, RocksDB writes a manifest, and tables of
 * what the log held, renames CURRENT, and only then syncs the directory: of a power cut in between
 * the new CURRENT may be left without the files that it leads to.  Beside the database stands until
 * the open has ended, and so before anything is acknowledged, which manifest was current and which
 * logs there were; nothing of these is removed before that sync.  Called by meta_db_open, before
 * anything else has the database open.
 */
#ifndef META_OPEN_ORIGIN_H
#define META_OPEN_ORIGIN_H

#include "base/status.h"

/* Is one there: was the last open interrupted? */
bool open_origin_is_left(const char *directory);
/* Durable when it returns.  Replaces what is there.  ST_CORRUPT, ST_IO. */
MUST_USE enum status open_origin_write(const char *directory, struct error *err);
/* Not durable: one that comes back costs the next open a look, which finds that all is well. */
MUST_USE enum status open_origin_remove(const char *directory, struct error *err);
/*
 * Makes the manifest of the origin the current one again, synced.  ST_CORRUPT, and nothing is
 * changed: it cannot be read, or the manifest or a log of it is gone, so that the open had passed
 * its sync and what is wrong now is something else.  ST_IO.
 */
MUST_USE enum status open_origin_restore(const char *directory, struct error *err);

#endif
