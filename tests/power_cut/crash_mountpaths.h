/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mountpaths that come and go under the load: the third is attached and detached, the others are
 * disabled, enabled and detached in turn, and resilvers run, to their end or not.
 */
#ifndef TESTS_CRASH_MOUNTPATHS_H
#define TESTS_CRASH_MOUNTPATHS_H

#include "tests/power_cut/crash_store.h"

/* The third mountpath's directory is there and durable, as its operator has made it. */
void crash_mountpaths_prepare(const char *directory);
/* Changes until crash_mountpaths_stop. */
void crash_mountpaths_start(struct crash_store *crash, uint64_t seed);
void crash_mountpaths_stop(void);
/* What was begun in the last life is brought to its end; else a promise is broken. */
void crash_mountpaths_finish(struct crash_store *crash);

#endif
