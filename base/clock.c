/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/check.h"

#include "base/banned.h"

static atomic_bool is_virtual;
static _Atomic int64_t virtual_wall_ns;

static int64_t
clock_read(clockid_t id)
{
    struct timespec now;

    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t
clock_wall_ns(void)
{
    return atomic_load_explicit(&is_virtual, memory_order_relaxed) ? atomic_load(&virtual_wall_ns)
                                                                   : clock_read(CLOCK_REALTIME);
}

int64_t
clock_wall_s(void)
{
    return clock_wall_ns() / CLOCK_NS_PER_S;
}

int64_t
clock_monotonic_ns(void)
{
    return atomic_load_explicit(&is_virtual, memory_order_relaxed) ? atomic_load(&virtual_wall_ns)
                                                                   : clock_read(CLOCK_MONOTONIC);
}

void
clock_pause_ns(int64_t ns)
{
    int64_t until_ns = clock_read(CLOCK_MONOTONIC) + ns;
    struct timespec until = {until_ns / CLOCK_NS_PER_S, until_ns % CLOCK_NS_PER_S};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        continue;
    }
}

void
clock_use_virtual(int64_t wall_ns)
{
    atomic_store(&virtual_wall_ns, wall_ns);
    atomic_store(&is_virtual, true);
}

void
clock_advance(int64_t ns)
{
    CHECK(atomic_load(&is_virtual));
    atomic_fetch_add(&virtual_wall_ns, ns);
}

void
clock_use_system(void)
{
    atomic_store(&is_virtual, false);
}
