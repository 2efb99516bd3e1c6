/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_pause.h"

#include "base/load_rest.h"

#include "base/banned.h"

static bool
is_over(void *arg)
{
    const atomic_bool *is_stopped = arg;

    return atomic_load(is_stopped);
}

void
job_pause(struct object_store *store, int64_t worked_ns, const atomic_bool *is_stopped)
{
    load_rest_between(object_store_load(store), worked_ns, is_over,
                      (atomic_bool *)(uintptr_t)is_stopped);
}
