/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_kinds.h"

#include "base/check.h"
#include "jobs/promote_job.h"
#include "jobs/rechunk_job.h"
#include "jobs/selection_job.h"

#include "base/banned.h"

/* Room for kinds of tests. */
#define ADDED_MAX 8

static const struct job_kind *const KINDS[] = {
    &selection_delete.job,
    &selection_copy.job,
    &selection_copy_bucket.job,
    &selection_move_bucket.job,
    &selection_summary.job,
    &rechunk_job.job,
    &promote_job,
};

static const struct job_kind *added[ADDED_MAX];
static size_t added_count;

void
job_kind_add(const struct job_kind *kind)
{
    CHECK(added_count < ADDED_MAX);
    added[added_count++] = kind;
}

const struct job_kind *
job_kind_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (bytes_equal_string(name, KINDS[i]->name)) {
            return KINDS[i];
        }
    }
    for (size_t i = 0; i < added_count; i++) {
        if (bytes_equal_string(name, added[i]->name)) {
            return added[i];
        }
    }
    return NULL;
}
