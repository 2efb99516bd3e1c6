/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of meta/meta_db.h that control/ uses, over memory: one sorted list of records for each
 * directory, which outlives closing.  Unlike the real one it can be told to fail.
 */
#ifndef TESTS_UNIT_CONTROL_FAKE_META_DB_H
#define TESTS_UNIT_CONTROL_FAKE_META_DB_H

#include "meta/meta_db.h"

void fake_meta_fail_next_write(void);
void fake_meta_fail_next_scan(void);
/* Put a record behind the back of who has the database open. */
void fake_meta_put(const char *directory, struct bytes key, struct bytes value);
size_t fake_meta_unsynced_write_count(void);

#endif
