/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that kill a process at each of many fault points, one after the other, each in a
 * directory of its own below the test's.
 */
#ifndef TESTS_UNIT_KILL_ROUNDS_H
#define TESTS_UNIT_KILL_ROUNDS_H

#include <stddef.h>

/* All victims with LODE_TEST_LONG=1; otherwise one of each short_stride, from a place that the seed
 * gives, because each round starts stores.  Skips where fault points are not compiled in. */
void kill_rounds_run(size_t victim_count, size_t short_stride,
                     void (*round_of)(size_t victim, const char *directory));

#endif
