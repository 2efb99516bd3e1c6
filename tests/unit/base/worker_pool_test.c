/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker_pool.h"

#include <stdatomic.h>

#include "tests/unit/test.h"

#include "base/banned.h"

static atomic_int run_count;

static void
count_run(struct worker_job *job)
{
    atomic_fetch_add(&run_count, 1);
}

TEST(destroy_waits_for_every_submitted_job)
{
    static struct worker_job jobs[1000];
    struct worker_pool *pool = worker_pool_create(4);

    for (size_t i = 0; i < 1000; i++) {
        jobs[i].run = count_run;
        worker_pool_submit(pool, &jobs[i]);
    }
    worker_pool_destroy(&pool);

    EXPECT_INT(1000, atomic_load(&run_count));
    EXPECT(pool == NULL);
}
