/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a RocksDB manifest after a power cut.  A record that was being appended and never
 * synced may be on disk in some of its sectors only.  RocksDB takes a short record for the end of
 * the file, but a torn one for damage, and refuses to open.  Nothing depends on such a record: what
 * it says is acted upon only after its sync.  Called by meta_db_open, before anything else has the
 * database open.
 */
#ifndef META_MANIFEST_TAIL_H
#define META_MANIFEST_TAIL_H

#include "base/status.h"

/*
 * Cuts the current manifest behind its last whole record, synced, if what follows is a torn append:
 * one of its sectors is missing (reads as zeros to its end) and no whole record comes after it.
 * ST_CORRUPT, and nothing is changed: the damage is of another kind, so it may be in what was
 * synced.  ST_IO, ST_NOT_FOUND.
 */
MUST_USE enum status manifest_tail_cut(const char *directory, struct error *err);

#endif
