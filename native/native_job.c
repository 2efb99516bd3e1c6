/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs, as AIStore's clients ask for them: status, snapshots, start, stop.
 * SPEC: AIStore xact/api_table.go, nl/listener.go, core/xaction.go.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "jobs/job_cluster.h"
#include "jobs/job_kinds.h"
#include "native/native_job_list.h"
#include "native/native_job_start.h"
#include "native/native_route.h"

#include "base/banned.h"

#define CLUSTER_PATH "/v1/cluster"
#define ZERO_TIME "0001-01-01T00:00:00Z"

/* Other names that clients use, and who waits for idleness in place of an end. */
static const struct {
    const char *kind;
    const char *display;
    bool is_idle_kind;
} KINDS[] = {
    {"delete-listrange", "delete-objects", false},
    {"copy-listrange", "copy-objects", true},
    {"copy-bck", "copy-bucket", false},
    {"move-bck", "rename-bucket", false},
    {"summary-bck", "summary", false},
    {"rechunk", "rechunk", false},
    {"promote", "promote-files", false},
};

/* What a query asks for; empty members match everything. */
struct native_job_query {
    struct bytes id;
    struct bytes kind;
    struct bytes node;
    bool is_running_only;
};

static struct native_job_query
read_query(const struct native_call *call)
{
    const json_t *root = call->message.root;

    return (struct native_job_query){
        .id = native_json_text(root, "id"),
        .kind = native_json_text(root, "kind"),
        .node = native_json_text(root, "node"),
        .is_running_only =
            native_json_bool(root, "show_active") || native_json_bool(root, "OnlyRunning"),
    };
}

static bool
kind_fits(struct bytes asked, const char *kind)
{
    if (asked.size == 0 || bytes_equal_string(asked, kind)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(KINDS); i++) {
        if (strcmp(KINDS[i].kind, kind) == 0) {
            return bytes_equal_string(asked, KINDS[i].display);
        }
    }
    return false;
}

static bool
is_idle_kind(const char *kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(KINDS); i++) {
        if (strcmp(KINDS[i].kind, kind) == 0) {
            return KINDS[i].is_idle_kind;
        }
    }
    return false;
}

/* A job of an idle kind that was asked for by its id is there until it is forgotten: clients wait
 * until it is idle, and ask for active ones meanwhile. */
static bool
job_fits(const struct native_job_query *query, const struct native_job *job)
{
    return (query->id.size == 0 || bytes_equal_string(query->id, job->info.id)) &&
           kind_fits(query->kind, job->info.kind) &&
           (query->node.size == 0 || bytes_equal(query->node, job->node)) &&
           (!query->is_running_only || job->info.state == JOB_RUNNING ||
            (query->id.size > 0 && is_idle_kind(job->info.kind)));
}

/* Those that fit, of all nodes. */
static enum status
find_jobs(const struct native_call *call, const struct native_job_query *query,
          struct native_job_list *ret_list, struct error *err)
{
    struct native_job_list list;
    enum status st = native_job_list(call, query->id, query->is_running_only, &list, err);
    size_t count = 0;

    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (job_fits(query, &list.jobs[i])) {
            list.jobs[count++] = list.jobs[i];
        }
    }
    list.count = count;
    *ret_list = list;
    return ST_OK;
}

static const char *
job_error(const struct job_info *job)
{
    return job->state == JOB_FAILED || job->state == JOB_STOPPED ? job->text : "";
}

static enum status
no_such_job(const struct native_job_query *query, const struct native_job_list *list,
            struct error *err)
{
    if (list->missing.size > 0) {
        return fail(err, ST_UNAVAILABLE, "node %.*s, which may have the job, does not answer",
                    BYTES_ARGS(list->missing));
    }
    return fail_as(err, ST_NOT_FOUND, "ErrXactNotFound", "xaction %.*s[%.*s] not found",
                   (int)(query->kind.size < 64 ? query->kind.size : 64), query->kind.data,
                   (int)(query->id.size < 64 ? query->id.size : 64), query->id.data);
}

/* Of all nodes that work on the job of jobs[at], where it is the first of its id. */
static void
append_status(const struct native_job_list *list, size_t at, struct buffer *out)
{
    const struct job_info *first = &list->jobs[at].info;
    const struct job_info *failed = NULL;
    int64_t finished_ns = first->finished_ns;
    bool is_running = false;
    bool is_stopped = false;

    for (size_t i = at; i < list->count; i++) {
        const struct job_info *job = &list->jobs[i].info;

        if (strcmp(job->id, first->id) == 0) {
            is_running |= job->state == JOB_RUNNING;
            is_stopped |= job->state == JOB_STOPPED;
            failed = job->state == JOB_FAILED && failed == NULL ? job : failed;
            finished_ns = job->finished_ns > finished_ns ? job->finished_ns : finished_ns;
        }
    }
    buffer_printf(out, "{\"kind\":\"%s\",\"uuid\":\"%s\",\"err\":", first->kind, first->id);
    log_append_json_string(out, bytes_of_string(failed != NULL ? failed->text : ""));
    buffer_printf(out, ",\"end_time\":%" PRId64 ",\"aborted\":%s}", is_running ? 0 : finished_ns,
                  is_stopped ? "true" : "false");
}

static bool
is_first_of_id(const struct native_job_list *list, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(list->jobs[i].info.id, list->jobs[at].info.id) == 0) {
            return false;
        }
    }
    return true;
}

static void
append_time(int64_t at_ns, struct buffer *out)
{
    time_t at_s = at_ns / CLOCK_NS_PER_S;
    struct tm parts;
    char text[32];

    if (at_ns == 0) {
        buffer_append_string(out, "\"" ZERO_TIME "\"");
        return;
    }
    gmtime_r(&at_s, &parts);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    buffer_printf(out, "\"%s.%09" PRId64 "Z\"", text, at_ns % CLOCK_NS_PER_S);
}

static void
append_bck(struct buffer *out, const char *member, struct bytes own_name)
{
    struct native_bck bck;

    native_bck_of_own_name(own_name, &bck);
    if (own_name.size == 0) {
        bck.provider = BYTES_NONE;
    }
    buffer_printf(out, ",\"%s\":", member);
    native_bck_append_json(&bck, out);
}

/* What a node has done of a job. */
struct snap {
    struct bytes node;
    const struct job_info *job;
    const json_t *report; /* or NULL */
    int64_t object_count;
    int64_t byte_count;
};

static void
append_snap(const struct snap *snap, struct buffer *out)
{
    const struct job_info *job = snap->job;
    const json_t *report = snap->report;
    struct bytes what = native_json_text(report, "what");
    struct bytes source = native_json_text(report, "source");
    struct bytes destination = native_json_text(report, "destination");
    bool is_over = job->state != JOB_RUNNING;

    buffer_printf(out, "{\"id\":\"%s\",\"kind\":\"%s\",\"start-time\":", job->id, job->kind);
    append_time(job->started_ns, out);
    buffer_append_string(out, ",\"end-time\":");
    append_time(job->finished_ns, out);
    append_bck(out, "bck", source);
    append_bck(out, "src-bck", source);
    append_bck(out, "dst-bck", destination);
    buffer_append_string(out, ",\"ctlmsg\":");
    log_append_json_string(out, what.size > 0 ? what : bytes_of_string(job->text));
    buffer_append_string(out, ",\"abort-err\":");
    log_append_json_string(out, bytes_of_string(job_error(job)));
    buffer_append_string(out, ",\"err\":");
    log_append_json_string(out, bytes_of_string(job_error(job)));
    buffer_printf(
        out,
        ",\"glob.id\":\"0\",\"stats\":{\"loc-objs\":\"%" PRId64 "\",\"loc-bytes\":\"%" PRId64
        "\",\"out-objs\":\"0\",\"out-bytes\":\"0\",\"in-objs\":\"0\",\"in-bytes\":"
        "\"0\"},\"aborted\":%s,\"is_idle\":%s,\"ext\":null}",
        snap->object_count, snap->byte_count, job->state == JOB_STOPPED ? "true" : "false",
        is_over && is_idle_kind(job->kind) ? "true" : "false");
}

/* ---- snapshots: a job that one node runs is shown of each that works on it ---- */

struct snap_list {
    struct snap *snaps;
    size_t count;
    json_t **reports; /* beside the jobs */
};

static void
add_snaps(const struct native_job *job, const json_t *report, struct arena *arena,
          struct snap_list *list)
{
    json_t *nodes = (json_t *)(uintptr_t)native_json_get(report, "nodes");
    struct snap snap = {.node = job->node, .job = &job->info, .report = report};
    const char *node;
    json_t *part;
    bool is_there = false;

    json_object_foreach(nodes, node, part)
    {
        snap.node = arena_copy(arena, bytes_of_string(node));
        snap.object_count = native_json_number(part, "objects", 0);
        snap.byte_count = native_json_number(part, "bytes", 0);
        is_there |= bytes_equal(snap.node, job->node);
        list->snaps[list->count++] = snap;
    }
    if (!is_there) {
        snap.node = job->node;
        snap.object_count = 0;
        snap.byte_count = 0;
        if (nodes == NULL) {
            snap.object_count =
                native_json_number(report, "objects", (int64_t)job->info.done_count);
            snap.byte_count = native_json_number(report, "bytes", (int64_t)job->info.byte_count);
        }
        list->snaps[list->count++] = snap;
    }
}

static int
compare_snaps(const void *a, const void *b)
{
    return bytes_compare(((const struct snap *)a)->node, ((const struct snap *)b)->node);
}

static void
make_snaps(const struct native_job_list *jobs, struct arena *arena, struct snap_list *ret_list)
{
    struct snap_list list = {.count = 0};
    size_t room = 0;

    list.reports = arena_calloc(arena, jobs->count + 1, sizeof(json_t *));
    for (size_t i = 0; i < jobs->count; i++) {
        struct bytes text = jobs->jobs[i].info.report;

        list.reports[i] = json_loadb(text.data, text.size, 0, NULL);
        room += 1 + json_object_size(native_json_get(list.reports[i], "nodes"));
    }
    list.snaps = arena_calloc(arena, room + 1, sizeof(*list.snaps));
    for (size_t i = 0; i < jobs->count; i++) {
        add_snaps(&jobs->jobs[i], list.reports[i], arena, &list);
    }
    qsort(list.snaps, list.count, sizeof(*list.snaps), compare_snaps);
    *ret_list = list;
}

/* Of one id: an error if there is none. */
static enum status
show_status(struct native_call *call, struct error *err)
{
    struct native_job_query query = read_query(call);
    struct native_job_list list;
    enum status st = find_jobs(call, &query, &list, err);

    if (st == ST_OK && list.count == 0) {
        st = no_such_job(&query, &list, err);
    }
    if (st == ST_OK) {
        append_status(&list, 0, &call->reply.body);
        native_reply_json(call);
    }
    return st;
}

static enum status
show_status_of_all(struct native_call *call, struct error *err)
{
    struct native_job_query query = read_query(call);
    struct buffer *out = &call->reply.body;
    struct native_job_list list;
    enum status st = find_jobs(call, &query, &list, err);

    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (is_first_of_id(&list, i)) {
            buffer_append_char(out, i > 0 ? ',' : '[');
            append_status(&list, i, out);
        }
    }
    buffer_append_string(out, list.count > 0 ? "]" : "null");
    native_reply_json(call);
    return ST_OK;
}

/* SPEC: 404 if there is none of that id; nothing of a kind is an empty answer. */
static enum status
show_snaps(struct native_call *call, struct error *err)
{
    struct native_job_query query = read_query(call);
    struct buffer *out = &call->reply.body;
    struct native_job_list list;
    struct snap_list snaps;
    enum status st = find_jobs(call, &query, &list, err);

    if (st == ST_OK && list.count == 0 && (query.id.size > 0 || list.missing.size > 0)) {
        st = no_such_job(&query, &list, err);
    }
    if (st != ST_OK) {
        return st;
    }
    make_snaps(&list, call->arena, &snaps);
    for (size_t i = 0; i < snaps.count; i++) {
        const struct snap *snap = &snaps.snaps[i];

        if (i == 0 || !bytes_equal(snap->node, snaps.snaps[i - 1].node)) {
            buffer_printf(out, "%s\"%.*s\":[", i > 0 ? "]," : "{", BYTES_ARGS(snap->node));
        } else {
            buffer_append_char(out, ',');
        }
        append_snap(snap, out);
    }
    buffer_append_string(out, list.count > 0 ? "]}" : "{}");
    for (size_t i = 0; i < list.count; i++) {
        json_decref(snaps.reports[i]);
    }
    native_reply_json(call);
    return ST_OK;
}

/* ["kind[id]"] */
static enum status
show_running(struct native_call *call, struct error *err)
{
    struct native_job_query query = read_query(call);
    struct buffer *out = &call->reply.body;
    struct native_job_list list;
    enum status st;

    query.is_running_only = true;
    st = find_jobs(call, &query, &list, err);
    if (st != ST_OK) {
        return st;
    }
    buffer_append_char(out, '[');
    for (size_t i = 0; i < list.count; i++) {
        buffer_printf(out, "%s\"%s[%s]\"", i > 0 ? "," : "", list.jobs[i].info.kind,
                      list.jobs[i].info.id);
    }
    buffer_append_char(out, ']');
    native_reply_json(call);
    return ST_OK;
}

/* The jobs that a client may stop are those that it may start. */
static enum status
stop_jobs(struct native_call *call, struct error *err)
{
    struct native_job_query query = {.id = native_json_text(call->message.value, "ID"),
                                     .kind = native_json_text(call->message.value, "Kind"),
                                     .is_running_only = true};
    struct native_job_list list;
    size_t stopped_count = 0;
    enum status st;

    if (query.id.size == 0 && query.kind.size == 0) {
        return fail(err, ST_INVALID, "neither id nor kind of a job is given");
    }
    st = find_jobs(call, &query, &list, err);
    for (size_t i = 0; st == ST_OK && i < list.count; i++) {
        const struct job_info *job = &list.jobs[i].info;
        bool is_known = job_kind_find(bytes_of_string(job->kind)) != NULL;

        for (size_t kind = 0; kind < ARRAY_COUNT(KINDS); kind++) {
            is_known |= strcmp(KINDS[kind].kind, job->kind) == 0;
        }
        if (is_known && job_cluster_stop(call->native->jobs, call->native->objects,
                                         bytes_of_string(job->id), NULL) == ST_OK) {
            stopped_count++;
        }
    }
    if (st == ST_OK && stopped_count == 0) {
        st = no_such_job(&query, &list, err);
    }
    return st;
}

/* What others did not take: native_operator.c's rows stand in front. */
static enum status
refuse_action(struct native_call *call, struct error *err)
{
    return fail(err, ST_NOT_IMPLEMENTED, "action \"%.*s\" is not supported",
                (int)(call->message.action.size < 64 ? call->message.action.size : 64),
                call->message.action.data);
}

/* Keys in any case: the SDK says ID, Kind, DaemonID, OnlyRunning. */
#define QUERY_TAKES "{id?: text, kind?: text, node?: text, show_active?: bool, onlyrunning?: bool}"

static const struct native_named_shape SHAPES[] = {
    {"JobStatus", "{kind: text, uuid: text, err: text, end_time: int, aborted: bool}"},
    {"JobSnap", "{id: text, kind: text, start-time: text, end-time: text, bck: Bck, src-bck: Bck, "
                "dst-bck: Bck, ctlmsg: text, abort-err: text, err: text, glob.id: digits, "
                "stats: {loc-objs: digits, loc-bytes: digits, out-objs: digits, out-bytes: digits, "
                "in-objs: digits, in-bytes: digits}, aborted: bool, is_idle: bool, ext: null}"},
};

static const struct native_route ROUTES[] = {
    {.name = "NativeJobStatus",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=status",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Ask for the status of one job; end_time is 0 while it runs.",
     .takes = QUERY_TAKES,
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "JobStatus",
                  .doc = "The first that fits."}},
     .fails = {404},
     .example = {.step = 215, .body = "{\"id\": \"$JOB\"}"},
     .run = show_status},
    {.name = "NativeJobStatusAll",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=status_all",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Ask for the status of all jobs that fit.",
     .takes = QUERY_TAKES,
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "[JobStatus] | null",
                  .doc = "null: there are none."}},
     .example = {.step = 216, .body = "{\"kind\": \"copy-objects\"}"},
     .run = show_status_of_all},
    {.name = "NativeJobSnaps",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=qryxstats",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Ask for snapshots of jobs, also of those that have ended.",
     .takes = QUERY_TAKES,
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "{*: [JobSnap]}",
                  .doc = "By the node's id."}},
     .fails = {404},
     .example = {.step = 217, .body = "{\"id\": \"$JOB\"}"},
     .run = show_snaps},
    {.name = "NativeJobSnap",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=getxstats",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Ask for the snapshots of one job.",
     .takes = QUERY_TAKES,
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "{*: [JobSnap]}",
                  .doc = "By the node's id."}},
     .fails = {404},
     .example = {.step = 218, .body = "{\"id\": \"$JOB\"}"},
     .run = show_snaps},
    {.name = "NativeJobsRunning",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=running_all",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "List the jobs that run.",
     .takes = QUERY_TAKES,
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "[text]",
                  .doc = "Each as kind[id]."}},
     .example = {.step = 219},
     .run = show_running},
    {.name = "NativeJobStart",
     .method = "PUT",
     .path = CLUSTER_PATH,
     .action = "start",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Start a job by its kind: rechunk, as the bucket's properties say; with root's key "
            "also rebalance, cleanup-store, and resilver of the node that DaemonID names.",
     .takes = "{action: 'start', value?: {Kind?: text, DaemonID?: text, Bck?: {name?: text, "
              "provider?: text, "
              "namespace?: {uuid?: text, name?: text}}}}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {404, 409, 501},
     .example = {.step = 260,
                 .body = "{\"action\": \"start\", \"value\": {\"Kind\": \"lru\"}}",
                 .http_status = 501},
     .run = native_job_start},
    {.name = "NativeJobStop",
     .method = "PUT",
     .path = CLUSTER_PATH,
     .action = "stop",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Stop the jobs that run with this id, or are of this kind.",
     .takes = "{action: 'stop', value: {ID?: text, Kind?: text}}",
     .answers = {{.http_status = 200, .doc = "They have been told to stop."}},
     .fails = {404},
     .example = {.step = 255,
                 .body = "{\"action\": \"stop\", \"value\": {\"Kind\": \"copy-bucket\"}}",
                 .http_status = 404},
     .run = stop_jobs},
    {.name = "NativeClusterAction",
     .method = "PUT",
     .path = CLUSTER_PATH,
     .body = NATIVE_BODY_MESSAGE,
     .doc = "AIStore's other actions on a cluster are refused.",
     .takes = "{action: text}",
     .fails = {501},
     .example = {.step = 500, .body = "{\"action\": \"rotate-logs\"}", .http_status = 501},
     .run = refuse_action},
};

const struct native_route_table native_routes_of_jobs = {.routes = ROUTES,
                                                         .load_class = LOAD_CONTROL,
                                                         .count = ARRAY_COUNT(ROUTES),
                                                         .shapes = SHAPES,
                                                         .shape_count = ARRAY_COUNT(SHAPES)};
