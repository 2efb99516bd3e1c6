/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_json.h"

#include <inttypes.h>

#include "base/log.h"

#include "base/banned.h"

void
job_json_append(const struct job_info *job, const char *node, struct buffer *out)
{
    buffer_append_string(out, "{\"id\":");
    log_append_json_string(out, bytes_of_string(job->id));
    if (node != NULL) {
        buffer_append_string(out, ",\"node\":");
        log_append_json_string(out, bytes_of_string(node));
    }
    buffer_printf(out,
                  ",\"kind\":\"%s\",\"state\":\"%s\",\"started_ns\":%" PRId64
                  ",\"finished_ns\":%" PRId64 ",\"done\":%" PRIu64 ",\"total\":%" PRIu64
                  ",\"bytes\":%" PRIu64 ",\"text\":",
                  job->kind, job_state_name(job->state), job->started_ns, job->finished_ns,
                  job->done_count, job->total_count, job->byte_count);
    log_append_json_string(out, bytes_of_string(job->text));
    if (job->report.size > 0) {
        buffer_append_string(out, ",\"report\":");
        buffer_append_bytes(out, job->report);
    }
    buffer_append_char(out, '}');
}
