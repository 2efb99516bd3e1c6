/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CURRENT: which manifest a RocksDB goes by, its name and a newline.  For what meta_db_open mends
 * before anything else has the database open.
 */
#ifndef META_CURRENT_FILE_H
#define META_CURRENT_FILE_H

#include "base/bytes.h"
#include "base/status.h"

/* A word, a number, a suffix: so long may a name be that RocksDB gives a file. */
#define META_FILE_NAME_SIZE 64

/* Does the name look like a manifest's? */
bool current_file_names_manifest(const char *name);
/* ST_NOT_FOUND: it cannot be read.  ST_CORRUPT: it names no manifest. */
MUST_USE enum status current_file_read(const char *directory,
                                       char ret_manifest[META_FILE_NAME_SIZE], struct error *err);
/* Synced; it has held one or the other whenever the power is lost.  0, or -1 with errno set. */
MUST_USE int current_file_write(int directory_fd, const char *manifest);

#endif
