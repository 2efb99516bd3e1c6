/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/upload_cleanup_job.h"

#include "object/upload_remove.h"

#include "base/banned.h"

static enum status
cleanup_run(struct job_run *run, struct error *err)
{
    uint64_t removed_count = 0;
    enum status st = upload_remove_leftovers(job_run_store(run), UPLOAD_COMPLETED_KEEP_S,
                                             job_run_is_stopped(run), &removed_count, err);

    if (st == ST_OK && atomic_load(job_run_is_stopped(run))) {
        st = fail(err, ST_CANCELLED, "stopped");
    }
    if (st == ST_OK) {
        job_run_progress(run, removed_count, removed_count, "uploads removed");
    }
    return st;
}

const struct job_kind upload_cleanup_job = {.name = "upload-cleanup", .run = cleanup_run};
