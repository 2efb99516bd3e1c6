/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true of a store that was just opened again.
 */
#ifndef TESTS_CRASH_VERIFY_H
#define TESTS_CRASH_VERIFY_H

#include "tests/power_cut/crash_store.h"

/* Every key, the listings, the uploads, the counters, fsck.  Ends the process at the first broken
 * promise; afterwards the model knows each value.  No load may be running. */
void crash_verify_run(struct crash_store *crash);

#endif
