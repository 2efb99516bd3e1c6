/* SPDX-License-Identifier: Apache-2.0 */
#include "base/affinity.h"

#include <pthread.h>

#include "base/check.h"

#include "base/banned.h"

static __thread enum affinity current_affinity = AFFINITY_ANY;

void
affinity_set(enum affinity affinity, const char *name)
{
    current_affinity = affinity;
    CHECK(pthread_setname_np(pthread_self(), name) == 0);
}

void
assert_on_loop(void)
{
    CHECK(current_affinity == AFFINITY_LOOP || current_affinity == AFFINITY_ANY);
}

void
assert_on_worker(void)
{
    CHECK(current_affinity == AFFINITY_WORKER || current_affinity == AFFINITY_ANY);
}

void
assert_on_committer(void)
{
    CHECK(current_affinity == AFFINITY_COMMITTER || current_affinity == AFFINITY_ANY);
}
