/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each entry of a pack says which batch was on disk when it was written.  A log that ends before
 * that batch has lost acknowledged commits, although RocksDB opens it without a word (it takes
 * damage in the middle of the log for its end).  Asked at start, before the home takes writes.
 */
#ifndef STORE_PACK_WITNESS_H
#define STORE_PACK_WITNESS_H

#include "base/status.h"

struct home;

/*
 * ST_CORRUPT with a sentence: a pack knows of a batch later than the last that the log holds.
 * Looks at the ends of the packs that were registered last and of those that nothing names:
 * reads some MiB, however large the home.  A pack that cannot be read bears no witness.
 */
MUST_USE enum status pack_witness_check(struct home *home, struct error *err);

#endif
