/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/resilver_job.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "object/resilver.h"
#include "store/store.h"

#include "base/banned.h"

/* A job that was at its end when the change came is over after a few of these; one that goes on has
 * seen it. */
#define ENSURE_TRY_COUNT 10
#define ENSURE_WAIT_MS 20
/* Between two tries of a resilver that misses a disk or room. */
#define RETRY_S 10
/* While it waits it looks so often whether it is to stop. */
#define STOP_LOOK_MS 200

static void
report_give(struct job_run *run, const struct resilver_progress *progress)
{
    struct buffer json = BUFFER_INIT;

    buffer_printf(&json,
                  "{\"generation\":%" PRIu64 ",\"objects\":%" PRIu64 ",\"uploads\":%" PRIu64
                  ",\"bytes\":%" PRIu64 ",\"copied_bytes\":%" PRIu64 ",\"chunks\":%" PRIu64
                  ",\"chunk_bytes\":%" PRIu64 ",\"lost\":%" PRIu64 "}",
                  progress->generation, progress->moved.object_count, progress->moved.upload_count,
                  progress->moved.byte_count, progress->moved.copied_bytes, progress->chunk_count,
                  progress->chunk_bytes, progress->lost_count);
    job_run_report(run, buffer_bytes(&json));
    buffer_release(&json);
}

static void
progress_note(const struct resilver_progress *progress, const char *doing, void *arg)
{
    struct job_run *run = arg;
    char text[JOB_TEXT_SIZE];

    snprintf(text, sizeof(text),
             "%s: %" PRIu64 " objects, %" PRIu64 " uploads and %" PRIu64 " bytes moved, %" PRIu64
             " chunk files of %" PRIu64 " bytes brought away",
             doing, progress->moved.object_count, progress->moved.upload_count,
             progress->moved.byte_count, progress->chunk_count, progress->chunk_bytes);
    job_run_progress(run, progress->scanned_count, 0, text);
    report_give(run, progress);
}

/* A disk that is away, or full: what helps happens outside.  False: stopped. */
static bool
wait_for_help(struct job_run *run, const struct resilver_progress *progress,
              const struct error *why)
{
    char text[JOB_TEXT_SIZE];

    snprintf(text, sizeof(text), "waiting, tried again every %d s: %.*s", RETRY_S,
             JOB_TEXT_SIZE - 64, why->text);
    job_run_progress(run, progress->scanned_count, 0, text);
    for (int i = 0; i < RETRY_S * 1000 / STOP_LOOK_MS; i++) {
        if (atomic_load(job_run_is_stopped(run))) {
            return false;
        }
        clock_pause_ns(STOP_LOOK_MS * CLOCK_NS_PER_MS);
    }
    return true;
}

static enum status
resilver_job_run(struct job_run *run, struct error *err)
{
    const struct resilver_options options = {
        .is_cancelled = job_run_is_stopped(run), .progress = progress_note, .arg = run};
    struct store *store = object_store_store(job_run_store(run));
    struct resilver_progress progress;
    bool goes_on;
    enum status st;

    do {
        struct error why = ERROR_INIT;

        st = resilver_run(job_run_store(run), &options, &progress, &why);
        progress_note(&progress, st == ST_OK ? "done" : "stopped", run);
        goes_on = st == ST_OK && store_is_unfinished(store);
        if (st == ST_UNAVAILABLE || st == ST_NO_SPACE) {
            goes_on = wait_for_help(run, &progress, &why);
        }
        if (st != ST_OK && err != NULL) {
            *err = why;
        }
    } while (goes_on);
    return st;
}

const struct job_kind resilver_job = {.name = "resilver", .run = resilver_job_run};

enum status
resilver_job_ensure(struct job_registry *registry, struct object_store *store,
                    char ret_id[JOB_ID_SIZE], struct error *err)
{
    enum status st = ST_BUSY;

    ret_id[0] = '\0';
    for (size_t try = 0; st == ST_BUSY && try < ENSURE_TRY_COUNT; try++) {
        if (!store_is_unfinished(object_store_store(store))) {
            return ST_OK;
        }
        if (try > 0) {
            clock_pause_ns(ENSURE_WAIT_MS * CLOCK_NS_PER_MS);
        }
        st = job_start(registry, &resilver_job, NULL, 0, ret_id, err);
    }
    return st;
}
