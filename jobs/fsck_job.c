/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/fsck_job.h"

#include "base/check.h"
#include "base/log.h"
#include "object/fsck.h"

#include "base/banned.h"

struct fsck_report {
    struct job_run *run;
    struct buffer first; /* findings as JSON objects, with commas between */
    size_t first_count;
};

static void
finding_note(const struct fsck_finding *finding, void *arg)
{
    struct fsck_report *report = arg;

    if (report->first_count >= FSCK_JOB_FINDINGS_MAX ||
        report->first.size > JOB_REPORT_BYTES_MAX / 2) {
        return;
    }
    buffer_printf(&report->first, "%s{\"finding\":", report->first_count > 0 ? "," : "");
    log_append_json_string(&report->first, bytes_of_string(fsck_finding_name(finding->kind)));
    buffer_append_string(&report->first, ",\"home\":");
    log_append_json_string(&report->first, bytes_of_string(finding->home));
    buffer_append_string(&report->first, ",\"what\":");
    log_append_json_string(&report->first, bytes_of_string(finding->what));
    buffer_append_char(&report->first, '}');
    report->first_count++;
}

static void
progress_note(uint64_t done_count, void *arg)
{
    struct fsck_report *report = arg;

    job_run_progress(report->run, done_count, 0, "records and files checked");
}

static void
report_give(struct fsck_report *report, const struct fsck_summary *summary)
{
    struct buffer json = BUFFER_INIT;
    bool is_first = true;

    buffer_printf(&json,
                  "{\"objects\":%llu,\"uploads\":%llu,\"files\":%llu,\"verified_bytes\":%llu,"
                  "\"repaired\":%llu,\"findings\":{",
                  (unsigned long long)summary->object_count,
                  (unsigned long long)summary->upload_count,
                  (unsigned long long)summary->file_count, (unsigned long long)summary->byte_count,
                  (unsigned long long)summary->repaired_count);
    for (size_t i = 0; i < FSCK_FINDING_COUNT; i++) {
        if (summary->finding_counts[i] > 0) {
            buffer_printf(&json, "%s\"%s\":%llu", is_first ? "" : ",",
                          fsck_finding_name((enum fsck_finding_kind)i),
                          (unsigned long long)summary->finding_counts[i]);
            is_first = false;
        }
    }
    buffer_append_string(&json, "},\"first\":[");
    buffer_append_bytes(&json, buffer_bytes(&report->first));
    buffer_append_string(&json, "]}");
    job_run_report(report->run, buffer_bytes(&json));
    buffer_release(&json);
}

static enum status
check_run(struct job_run *run, struct error *err)
{
    const struct fsck_job_options *options = job_run_options(run);
    struct fsck_report report = {.run = run};
    struct fsck_summary summary;
    struct fsck_options fsck_options = {
        .orphan_age_s = FSCK_JOB_ORPHAN_AGE_S,
        .is_cancelled = job_run_is_stopped(run),
        .found = finding_note,
        .progress = progress_note,
        .arg = &report,
    };
    enum status st;

    if (options != NULL) {
        fsck_options.verifies_bytes = options->verifies_bytes;
        fsck_options.repairs = options->repairs;
        if (options->orphan_age_s != 0) {
            fsck_options.orphan_age_s = options->orphan_age_s;
        }
    }
    st = fsck_run(job_run_store(run), &fsck_options, &summary, err);
    if (st == ST_OK) {
        report_give(&report, &summary);
        job_run_progress(run, summary.object_count + summary.upload_count + summary.file_count, 0,
                         "records and files checked");
    }
    buffer_release(&report.first);
    return st;
}

const struct job_kind fsck_job = {.name = "fsck", .run = check_run};
