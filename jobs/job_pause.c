/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_pause.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#include "base/banned.h"

/* While it rests it looks so often whether it is to stop. */
#define STOP_LOOK_NS (100 * CLOCK_NS_PER_MS)

static _Atomic(job_pause_fn *) pause_asked;

void
job_pause_set(job_pause_fn *pause)
{
    atomic_store(&pause_asked, pause);
}

void
job_pause(int64_t worked_ns, const atomic_bool *is_stopped)
{
    job_pause_fn *pause = atomic_load(&pause_asked);
    int64_t rest_ns = pause != NULL ? pause(worked_ns) : 0;

    while (rest_ns > 0 && !atomic_load(is_stopped)) {
        clock_pause_ns(rest_ns < STOP_LOOK_NS ? rest_ns : STOP_LOOK_NS);
        rest_ns -= STOP_LOOK_NS;
    }
}
