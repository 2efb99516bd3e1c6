/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random load from several threads, until the process loses its life or enough was done.
 */
#ifndef TESTS_CRASH_LOAD_H
#define TESTS_CRASH_LOAD_H

#include "tests/power_cut/crash_store.h"

#define CRASH_THREADS_MAX 16

/* What the load does more often than else. */
enum crash_focus {
    CRASH_FOCUS_NONE,
    CRASH_FOCUS_RELAXED, /* nothing strict, whose syncs would cover relaxed bytes beside theirs */
    CRASH_FOCUS_COPY,    /* chunk files of the relaxed bucket that the strict one comes to share */
};

/* operations_max: per thread; returns when all threads have done so many. */
void crash_load_run(struct crash_store *crash, uint64_t seed, unsigned thread_count,
                    uint64_t operations_max, enum crash_focus focus);

#endif
