/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_job_list.h"

#include "base/check.h"
#include "jobs/job_cluster.h"

#include "base/banned.h"

static void
list_own(const struct native_call *call, struct bytes id, struct native_job_list *list)
{
    struct job_info *infos;
    size_t count;

    job_list(call->native->jobs, call->arena, &infos, &count);
    list->jobs = arena_calloc(call->arena, count + 1, sizeof(*list->jobs));
    list->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (id.size == 0 || bytes_equal_string(id, infos[i].id)) {
            list->jobs[list->count++] =
                (struct native_job){infos[i], bytes_of_string(call->native->node_id)};
        }
    }
}

static enum job_state
state_of(struct bytes name)
{
    static const enum job_state STATES[] = {JOB_RUNNING, JOB_FINISHED, JOB_STOPPED};

    for (size_t i = 0; i < ARRAY_COUNT(STATES); i++) {
        if (bytes_equal_string(name, job_state_name(STATES[i]))) {
            return STATES[i];
        }
    }
    return JOB_FAILED;
}

static void
copy_text(struct bytes text, char *out, size_t capacity)
{
    size_t size = text.size < capacity ? text.size : capacity - 1;

    memcpy(out, text.data != NULL ? text.data : "", size);
    out[size] = '\0';
}

/* What jobs/job_json.h has written. */
static void
read_job(const struct native_call *call, const json_t *json, struct native_job *job)
{
    const json_t *report = native_json_get(json, "report");
    char *text = report != NULL ? json_dumps(report, JSON_COMPACT) : NULL;

    memset(job, 0, sizeof(*job));
    copy_text(native_json_text(json, "id"), job->info.id, sizeof(job->info.id));
    copy_text(native_json_text(json, "text"), job->info.text, sizeof(job->info.text));
    job->info.kind = arena_string(call->arena, native_json_text(json, "kind"));
    job->info.state = state_of(native_json_text(json, "state"));
    job->info.started_ns = native_json_number(json, "started_ns", 0);
    job->info.finished_ns = native_json_number(json, "finished_ns", 0);
    job->info.done_count = (uint64_t)native_json_number(json, "done", 0);
    job->info.total_count = (uint64_t)native_json_number(json, "total", 0);
    job->info.byte_count = (uint64_t)native_json_number(json, "bytes", 0);
    job->info.report = arena_copy(call->arena, bytes_of_string(text));
    job->node = arena_copy(call->arena, native_json_text(json, "node"));
    free(text);
}

static enum status
list_all(const struct native_call *call, struct bytes id, bool is_running_only,
         struct native_job_list *list, struct error *err)
{
    const struct job_query query = {.id = id, .is_all = !is_running_only};
    struct buffer text = BUFFER_INIT;
    const json_t *jobs;
    const json_t *missing;
    json_t *root = NULL;
    enum status st =
        job_cluster_show(call->native->jobs, call->native->objects, &query, &text, err);

    if (st == ST_OK) {
        root = json_loadb(text.data, text.size, 0, NULL);
        st = root != NULL ? ST_OK : fail(err, ST_INTERNAL, "the jobs of the nodes cannot be read");
    }
    buffer_release(&text);
    if (st != ST_OK) {
        return st;
    }
    jobs = native_json_get(root, "jobs");
    missing = native_json_get(root, "missing");
    list->count = json_array_size(jobs);
    list->jobs = arena_calloc(call->arena, list->count + 1, sizeof(*list->jobs));
    for (size_t i = 0; i < list->count; i++) {
        read_job(call, json_array_get(jobs, i), &list->jobs[i]);
    }
    if (json_array_size(missing) > 0) {
        list->missing =
            arena_copy(call->arena, native_json_text(json_array_get(missing, 0), "node"));
    }
    json_decref(root);
    return ST_OK;
}

static int
compare_nodes(const void *a, const void *b)
{
    return bytes_compare(((const struct native_job *)a)->node,
                         ((const struct native_job *)b)->node);
}

/* One node runs it, and knows of all that others do of it. */
static bool
is_whole(const struct native_job *job)
{
    return bytes_find(job->info.report, 0, BYTES_LITERAL("\"nodes\":{")) != SIZE_MAX;
}

enum status
native_job_list(const struct native_call *call, struct bytes id, bool is_running_only,
                struct native_job_list *ret_list, struct error *err)
{
    struct native_job_list list = {.count = 0};
    enum status st = ST_OK;

    assert_on_worker();
    list_own(call, id, &list);
    if (call->native->cluster != NULL && !(id.size > 0 && list.count == 1 && is_whole(list.jobs))) {
        st = list_all(call, id, is_running_only, &list, err);
        if (st == ST_OK && list.count > 1) {
            qsort(list.jobs, list.count, sizeof(*list.jobs), compare_nodes);
        }
    }
    if (st == ST_OK) {
        *ret_list = list;
    }
    return st;
}
