/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time.  The wall clock is for what people and protocols see (dates, expiry, signatures), the
 * monotonic clock for timeouts and ages.  Tests put a virtual clock in place of both.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NS_PER_S INT64_C(1000000000)
#define CLOCK_NS_PER_MS INT64_C(1000000)

int64_t clock_wall_ns(void); /* since 1970-01-01T00:00:00Z */
int64_t clock_wall_s(void);
int64_t clock_monotonic_ns(void);

/* Sleep so long in real time, also under a virtual clock.  Never on a loop; waiting for something
 * that can be waited for is done with it, not with this. */
void clock_pause_ns(int64_t ns);

/* Tests only: freeze both clocks at the given wall time, then move them by hand. */
void clock_use_virtual(int64_t wall_ns);
void clock_advance(int64_t ns);
void clock_use_system(void);

#endif
